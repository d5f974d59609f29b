"""Makes the standard streams such that writing to them never fails: whatever they are, a run goes on, and its exit code
is its own. A reader that has gone is not an error; a result that could not be written is one, once, at the end.
"""

import io
import os
import sys
from typing import Any, TextIO

READING, ERRORS = 0, 2
"""Numbers of the standard input and the standard error."""


class Lasting(io.FileIO):
    """A file descriptor that takes all there is to write, also when it cannot write any more; `trouble` is why.

    What is under the text stream is the right place: every library that prints goes through it in the end.
    """

    trouble: OSError | None = None

    def write(self, block: Any, /) -> int:
        if self.trouble is None:
            try:
                return super().write(block)
            except BlockingIOError:
                raise
            except OSError as error:
                self.trouble = error
        return len(memoryview(block).cast("B"))


class Streams:
    """The two streams that are written to, in place of those that the interpreter opened."""

    def __init__(self) -> None:
        for number in range(ERRORS + 1):
            _open_if_closed(number)
        self._raw: list[Lasting] = []
        sys.stdin = sys.stdin or open(READING, encoding="utf-8", closefd=False)  # noqa: SIM115 - lasts as the process
        sys.stdout = self._lasting(sys.stdout, 1)
        sys.stderr = self._lasting(sys.stderr, ERRORS)

    def trouble(self) -> OSError | None:
        """Why results could not be written, if that is so; not that their reader has gone, who has had enough."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        found = self._raw[0].trouble if self._raw else None
        return None if isinstance(found, BrokenPipeError) else found

    def _lasting(self, stream: TextIO | None, number: int) -> TextIO:
        """A console of Windows stays as it is: it takes text, not bytes."""
        if stream is not None and stream.isatty() and os.name == "nt":
            return stream
        raw = Lasting(number, "w", closefd=False)
        self._raw.append(raw)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        return io.TextIOWrapper(
            io.BufferedWriter(raw), encoding=encoding, errors="replace", line_buffering=raw.isatty() or number == ERRORS
        )


def _open_if_closed(number: int) -> None:
    """Otherwise the next file or socket would get that number, and be written to by whatever prints."""
    try:
        os.fstat(number)
    except OSError:
        found = os.open(os.devnull, os.O_RDWR)
        if found != number:
            os.dup2(found, number)
            os.close(found)
