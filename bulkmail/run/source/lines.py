"""Cuts a text into physical lines, each within bounds. Knows nothing of what is in them."""

import csv
from typing import Final, TextIO

LONGEST: Final = 1 << 20
"""Characters of a line, its end included. A row of a list is far shorter; memory stays flat whatever comes."""


class LineTooLong(csv.Error):
    """A line over `LONGEST`. It was skipped; the next one can be asked for. Being a csv.Error, it passes csv.reader."""


class Lines:
    """An iterator that survives its own error. `number` is the last line's, `ended` says that there are no more."""

    __slots__ = ("_text", "ended", "number")

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.ended = False
        self.number = 0

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST)
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST and line[-1] not in "\r\n":
            self._skip()
            raise LineTooLong(f"is longer than {LONGEST:,} characters")
        return line

    def _skip(self) -> None:
        while (rest := self._text.readline(LONGEST)) and rest[-1] not in "\r\n":
            pass
