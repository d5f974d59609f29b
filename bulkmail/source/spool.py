"""Keeps an input that can be read only once: standard input, a listing of the directory, the mailboxes of another run.

It is copied into the run directory, whole, before anything is done with it. So nothing is begun on half a list, the
number of mailboxes is known, and a run that was killed finds its rows again under the same numbers.
"""

import asyncio
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import orjson

from bulkmail.errors import Damaged
from bulkmail.model import NOTHING, Counts, Digest, Mailbox, Rejected, Source
from bulkmail.sink import Ndjson
from bulkmail.sink.appender import os_errors_as_output_error, reopened
from bulkmail.source.cells import as_cells

CHUNK = 512

BLOCK = 1 << 16
"""Bytes that are read at a time, and the rest of the line that they end in."""


class Veil(Protocol):
    """Keeps addresses out of the file. Both block."""

    def hidden(self, entries: Sequence[dict[str, Any]], /) -> Sequence[dict[str, Any]]: ...
    def shown(self, entry: dict[str, Any], /) -> dict[str, Any]: ...


_REASONS = ("blank", "invalid", "duplicate")
T = TypeVar("T")


class SpooledSource:
    """Yields what was spooled into a file, as it was, with the `veil` that it was spooled with. Is a `model.Source`."""

    replayable = True

    def __init__(self, path: Path, veil: Veil | None = None) -> None:
        self.path = path
        self._veil = veil
        self.counts = Counts()
        self._whole: tuple[Digest, int] | None = None  # what the last whole reading found
        self._places: tuple[array[int], array[int]] | None = None  # of rows: their numbers, and where their lines begin

    def __repr__(self) -> str:
        return f"<SpooledSource {self.path} {self.counts}>"

    @property
    def name(self) -> str:
        return str(self.path)

    def digest(self) -> Digest | None:
        return self._whole[0] if self._whole else None

    def size(self) -> int | None:
        return self._whole[1] if self._whole else None

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        self.counts = Counts()
        read = _Read()
        rows = self._rows(read)
        while chunk := await asyncio.to_thread(_several, rows):
            self.counts = _added(self.counts, chunk)
            yield chunk
        self.ended(read, self.counts)

    def at(self, rows: Sequence[int]) -> list[Mailbox | Rejected]:
        """Rows by their numbers, in any order. Raises Damaged and OutputError. Blocks."""
        if self._places is None:
            self._places = self._found()
        numbers, starts = self._places
        with os_errors_as_output_error(self.path), self.path.open("rb") as file:
            lines = []
            for row in rows:
                file.seek(starts[bisect_left(numbers, row)])
                lines.append(file.readline())
        return [self._decoded(line, row) for line, row in zip(lines, rows, strict=True)]

    def _found(self) -> "tuple[array[int], array[int]]":
        numbers, starts, start = array("Q"), array("Q"), 0
        with os_errors_as_output_error(self.path), self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                numbers.append(self._decoded(line, number).row)
                starts.append(start)
                start += len(line)
        return numbers, starts

    def _decoded(self, line: bytes, number: int) -> Mailbox | Rejected:
        try:
            entry = orjson.loads(line)
            return _row(entry if self._veil is None else self._veil.shown(entry))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Damaged(
                f"{self.path}: line {number} is not what bulkmail writes", hint="Put it back from a backup."
            ) from error

    def ended(self, read: "_Read", counts: Counts) -> None:
        """All of it was read, or written."""
        self.counts = counts
        self._whole = read.digest, counts.unique

    def _rows(self, read: "_Read") -> Iterator[Mailbox | Rejected]:
        with os_errors_as_output_error(self.path), self.path.open("rb") as file:
            for number, line in enumerate(chain.from_iterable(read.blocks(file)), 1):
                yield self._decoded(line, number)


class _Read:
    """The bytes of one reading, counted and hashed as they pass."""

    def __init__(self) -> None:
        self._hash, self._bytes = sha256(), 0

    def update(self, block: bytes) -> None:
        self._hash.update(block)
        self._bytes += len(block)

    def blocks(self, file: BinaryIO) -> Iterator[list[bytes]]:
        """The lines of a file; hashed many at a time, which costs a tenth of one by one."""
        while block := file.readlines(BLOCK):
            self.update(b"".join(block))
            yield block

    @property
    def digest(self) -> Digest:
        return Digest(self._bytes, self._hash.hexdigest())


async def spool(source: Source, path: Path, veil: Veil | None = None) -> SpooledSource:
    """Copies all of `source` to a file, over what is there. Raises what the source raises, and OutputError."""
    format_, written = Ndjson(), _Read()
    with await asyncio.to_thread(reopened, path, 0) as file:
        async for chunk in source:
            entries: Sequence[dict[str, Any]] = [_entry(row) for row in chunk]
            block = format_.encode(entries if veil is None else await asyncio.to_thread(veil.hidden, entries))
            written.update(block)
            await asyncio.to_thread(file.append, block)
        await asyncio.to_thread(file.sync)
    spooled = SpooledSource(path, veil)
    spooled.ended(written, source.counts)
    return spooled


def _entry(row: Mailbox | Rejected) -> dict[str, Any]:
    if isinstance(row, Rejected):
        return {"row": row.row, "reason": row.reason, "value": row.value, "why": row.why}
    entry: dict[str, Any] = {"row": row.row, "mailbox": row.address}
    return entry | ({"id": row.id} if row.id else {}) | ({"columns": dict(row.columns)} if row.columns else {})


def _row(entry: dict[str, Any]) -> Mailbox | Rejected:
    if "reason" in entry:
        rejected = Rejected(entry["row"], entry["reason"], entry["value"], entry["why"])
        if (type(rejected.row), type(rejected.value), type(rejected.why)) != (int, str, str) or (
            rejected.reason not in _REASONS
        ):
            raise TypeError("a rejected row is not one")
        return rejected
    row, address, id_ = entry["row"], entry["mailbox"], entry.get("id", "")
    if (type(row), type(address), type(id_)) != (int, str, str):
        raise TypeError("a mailbox is not one")
    return Mailbox(address, row, id_, as_cells(entry.get("columns", NOTHING)))


def _several(rows: Iterator[T]) -> list[T]:
    return list(islice(rows, CHUNK))


def _added(counts: Counts, chunk: Sequence[Mailbox | Rejected]) -> Counts:
    reasons = [row.reason if isinstance(row, Rejected) else "" for row in chunk]
    return Counts(
        counts.unique + reasons.count(""),
        counts.duplicates + reasons.count("duplicate"),
        counts.blank + reasons.count("blank"),
        counts.invalid + reasons.count("invalid"),
    )
