"""Which rows may be why workers are lost: one that TOGETHER lost workers held is begun alone from then on, by a worker
that holds nothing else, and is given up once that has lost ALONE workers, too.

So a mailbox that takes the memory of each process that works on it ends `failed`, and keeps no other from its end. A
row that was merely there when workers were killed is begun alone for once, and ends as it would have. Decides at once.
"""

from collections.abc import Iterable

from bulkmail.model import Problem

TOGETHER, ALONE = 3, 2

LETHAL = Problem(
    "WorkersLost", f"{TOGETHER + ALONE} workers that had it in hand were lost, the last {ALONE} with nothing else"
)


class Suspects:
    """`lost` says how many workers were lost that held a row, of rows without an outcome."""

    def __init__(self) -> None:
        self.lost: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Suspects {sum(row in self for row in self.lost)}>"

    def __contains__(self, row: int) -> bool:
        return self.lost.get(row, 0) >= TOGETHER

    def lose(self, rows: Iterable[int]) -> None:
        """A worker was lost that held these."""
        for row in rows:
            self.lost[row] = self.lost.get(row, 0) + 1

    def is_lethal(self, row: int) -> bool:
        return self.lost.get(row, 0) >= TOGETHER + ALONE
