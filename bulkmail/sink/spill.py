"""The encoded rows of one mailbox past a few hundred: in memory up to a bound, then in private temporary files.

What lies in a spill does not count. The writer copies it behind the rows that were committed before, and only an
outcome or a checkpoint makes it count. A spill that a process left when it was killed is removed by the next one.
"""

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from bulkmail.atomic import make_folder
from bulkmail.errors import OutputError
from bulkmail.sink.appender import Appender, os_errors_as_output_error
from bulkmail.sink.uncancelled import uncancelled

ONE = 8 << 20
"""Bytes that one mailbox may hold in memory."""

ALL = 64 << 20
"""Bytes that all mailboxes may hold together, those included that wait to be written: a mailbox that goes past this
bound spills what it holds, however little that is. Short mailboxes, of one chunk of rows, are not counted."""

PIECE = 1 << 20
"""Bytes that are copied at a time."""


class Spills:
    """The spills of a run, in a folder of their own. `held` is what they have in memory, in bytes."""

    def __init__(self, folder: Path, *, one: int = ONE, all_: int = ALL) -> None:
        self.folder = folder
        self.held = 0
        self._one = one
        self._all = all_
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<Spills {self.held} bytes held>"

    def open(self, sinks: int) -> "Spill":
        """For the rows of a mailbox, in so many formats."""
        return Spill(self, next(self._numbers), sinks)

    def full(self, held: int) -> bool:
        """Whether a mailbox that holds so much has to spill it."""
        return held > self._one or self.held > self._all

    def clear(self) -> None:
        """Removes all files, those of a process that was killed included. Blocks. Raises OutputError."""
        with os_errors_as_output_error(self.folder):
            if self.folder.exists():
                shutil.rmtree(self.folder)


class Block:
    """What a spill has for one sink: a file, if there is one, then bytes in memory. Its length is in bytes."""

    __slots__ = ("_length", "_rest", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._length = 0  # of the file
        self._rest: list[bytes] = []

    def __len__(self) -> int:
        return self._length + sum(map(len, self._rest))

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, in pieces. Blocks. Raises OutputError, also for a file that has lost what was spilled."""
        if self._length:
            left = self._length
            with os_errors_as_output_error(self.path), self.path.open("rb") as file:
                while piece := file.read(min(PIECE, left)):
                    yield piece
                    left -= len(piece)
            if left:
                raise OutputError(f"{self.path}: was cut short by another process")
        yield from self._rest

    def add(self, rows: bytes) -> None:
        self._rest.append(rows)

    def spill(self) -> None:
        """Moves what is in memory to the end of the file. Blocks. Raises OutputError."""
        if any(self._rest):
            with Appender.resume(self.path, self._length) if self._length else Appender(self.path) as file:
                for rows in self._rest:
                    file.append(rows)
                self._length = file.length
        self._rest.clear()


class Spill:
    """The rows of one mailbox that are not committed yet, a Block for each sink."""

    __slots__ = ("_held", "_spills", "blocks")

    def __init__(self, spills: Spills, number: int, sinks: int) -> None:
        self._spills = spills
        self._held = 0
        self.blocks = [Block(spills.folder / f"{number}.{sink}") for sink in range(sinks)]

    async def add(self, rows: Sequence[bytes]) -> None:
        """Rows for each sink. Raises OutputError."""
        for block, encoded in zip(self.blocks, rows, strict=True):
            block.add(encoded)
        self._hold(sum(map(len, rows)))
        if self._spills.full(self._held):
            cancelled = await uncancelled(asyncio.to_thread(self._spill))
            self._hold(-self._held)
            if cancelled is not None:
                raise cancelled

    def release(self) -> None:
        """What is in memory was written, or is given up."""
        self._hold(-self._held)

    def remove(self) -> None:
        """Removes the files. Blocks."""
        for block in self.blocks:
            block.path.unlink(missing_ok=True)

    def _hold(self, more: int) -> None:
        self._held += more
        self._spills.held += more

    def _spill(self) -> None:
        with os_errors_as_output_error(self._spills.folder):
            make_folder(self._spills.folder)
        for block in self.blocks:
            block.spill()
