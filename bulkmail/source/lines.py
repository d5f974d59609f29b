"""Cuts a text into physical lines, each within bounds. Knows nothing of what is in them."""

import csv
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain
from typing import Final

LONGEST: Final = 1 << 20
"""Characters of a line, its end included. A row of a list is far shorter; memory stays flat whatever comes."""

END: Final = re.compile(r"\r\n?|\n")


class LineTooLong(csv.Error):
    """A line over `LONGEST`. It was skipped; the next one can be asked for. Being a csv.Error, it passes csv.reader."""


class Lines:
    """The lines of a text that comes in blocks: shorter ones than `LONGEST`, none of which ends between CR and LF.

    They are cut in C, many at a time, and the iterator survives its own error. `ended` says that there are no
    more.
    """

    __slots__ = ("_lines", "ended")

    def __init__(self, blocks: Iterable[str]) -> None:
        self._lines = chain.from_iterable(self._pieces(blocks))
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def _pieces(self, blocks: Iterable[str]) -> Iterator[Iterable[str]]:
        """Whole lines; one that began in an earlier block is the first of its piece, and only that can be too long."""
        begun: list[str] = []
        length = 0
        for block in blocks:
            end = max(block.rfind("\n"), block.rfind("\r")) + 1
            start = 0
            if end and length + len(block) > LONGEST and length + (first := _first(block)) > LONGEST:
                yield self._refusing()
                start, begun = first, []
            if end > start:
                yield StringIO("".join([*begun, block[start:end]]), newline="")
            if end:
                begun, length = [], 0
            length += len(block) - end
            if length > LONGEST:
                begun.clear()
            else:
                begun.append(block[end:])
        if length > LONGEST:
            yield self._refusing()
        elif length:
            yield ["".join(begun)]
        self.ended = True

    def _refusing(self) -> Iterator[str]:
        """An iterator that raises once and is at its end."""
        return map(self._refuse, [""])

    def _refuse(self, _: str) -> str:
        raise LineTooLong(f"is longer than {LONGEST:,} characters")


def _first(block: str) -> int:
    """Where the first line of a block ends that has one."""
    end = END.search(block)
    return end.end() if end else 0
