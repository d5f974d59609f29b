"""How many rows a worker is given at a time: what it has shown to begin in a second, and never more than its share of
those that are left.

So a worker that is lost costs seconds, and one that is slow has no queue at the end of the input while others are idle.
(That share shrinks as in guided self-scheduling: Polychronopoulos and Kuck, 1987.) Is told the time.
"""

from dataclasses import dataclass

SECONDS = 1.0
"""What a worker has of a shard, unless a job says otherwise: hundreds of times what it costs to ask for one."""

FIRST = 4
"""Rows for a worker of which nothing is known."""

LARGEST = 512
"""Rows of a shard: what a fast worker begins in a tenth of a second."""


@dataclass(slots=True)
class Shard:
    """The rows that a worker was given last, and when, in seconds; none yet."""

    rows: int = 0
    given: float = 0.0

    def next(self, now: float, seconds: float = SECONDS) -> int:
        """How many it would begin in so many seconds, now that it asks for more; at most twice those of the last time,
        since a worker that begins has many free hands."""
        if not self.rows:
            return FIRST
        shown = self.rows * seconds / max(now - self.given, 1e-6)
        return max(1, min(round(shown), 2 * self.rows, LARGEST))


def share(wanted: int, left: int | None, held: int, others: int, workers: int) -> int:
    """At most so many of the `wanted` rows are given to a worker that holds `held` rows, while `others` are held by
    other workers. `left` are all rows without an outcome, held ones too, as far as that is known, or None. 0: it is
    another one's turn; never for a worker that holds nothing, which has to find out whether there is more."""
    if left is None:
        return wanted
    fair = -(-left // workers) - held
    tail = -(-(left - held - others) // (2 * workers))
    return max(min(wanted, fair, tail), 0 if held else 1)
