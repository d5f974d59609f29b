"""How many workers a run asks for: another one when those that there are use their cores up, and there is more to do.

Where the service is what a run waits for, workers have little to do, and one more would change nothing. Pure, and told
the time.
"""

from collections.abc import Sequence

BUSY = 0.8
"""Share of a core, in the mean of all workers, from which on they are what the run waits for."""

LONG = 5.0
"""Seconds that they have to be so busy, anew for each that is asked for: the last one shows first what it changes."""


class Growth:
    """From `begin` workers to `most`."""

    def __init__(self, begin: int, most: int) -> None:
        self._most = most
        self._since: float | None = None
        self.wanted = begin
        """Workers that are asked for now."""

    def __repr__(self) -> str:
        return f"<Growth {self.wanted} of {self._most}>"

    def look(self, now: float, shares: Sequence[float]) -> bool:
        """Tells of the shares of a core that the workers use; none where there is nothing left to begin. Returns
        whether another one is `wanted` since now."""
        is_busy = len(shares) >= self.wanted and sum(shares) >= BUSY * len(shares) > 0
        if not is_busy or self.wanted >= self._most:
            self._since = None
        elif self._since is None:
            self._since = now
        elif now - self._since >= LONG:
            self._since = None
            self.wanted += 1
            return True
        return False
