"""Keeps an input that can be read only once: standard input, a listing of the directory, the mailboxes of another run.

It is copied into the run directory, whole, before anything is done with it. So nothing is begun on half a list, the
number of mailboxes is known, and a run that was killed finds its rows again under the same numbers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import orjson

from bulkmail.model import NOTHING, Counts, Mailbox, Rejected, Source
from bulkmail.sink import Ndjson
from bulkmail.sink.appender import reopened
from bulkmail.source.cells import as_cells

CHUNK = 512
T = TypeVar("T")


class SpooledSource:
    """Yields what was spooled into a file, as it was. Is a `model.Source`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<SpooledSource {self.path} {self.counts}>"

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        self.counts = Counts()
        rows = self._rows()
        while chunk := await asyncio.to_thread(_several, rows):
            self.counts = _added(self.counts, chunk)
            yield chunk

    def _rows(self) -> Iterator[Mailbox | Rejected]:
        with self.path.open("rb") as lines:
            for line in lines:
                yield _row(orjson.loads(line))


async def spool(source: Source, path: Path) -> SpooledSource:
    """Copies all of `source` to a file, over what is there. Raises what the source raises, and OutputError."""
    format_ = Ndjson()
    with await asyncio.to_thread(reopened, path, 0) as file:
        async for chunk in source:
            await asyncio.to_thread(file.append, format_.encode([_entry(row) for row in chunk]))
        await asyncio.to_thread(file.sync)
    spooled = SpooledSource(path)
    spooled.counts = source.counts
    return spooled


def _entry(row: Mailbox | Rejected) -> dict[str, Any]:
    if isinstance(row, Rejected):
        return {"row": row.row, "reason": row.reason, "value": row.value, "why": row.why}
    entry: dict[str, Any] = {"row": row.row, "mailbox": row.address}
    return entry | ({"id": row.id} if row.id else {}) | ({"columns": dict(row.columns)} if row.columns else {})


def _row(entry: dict[str, Any]) -> Mailbox | Rejected:
    if "reason" in entry:
        return Rejected(entry["row"], entry["reason"], entry["value"], entry["why"])
    return Mailbox(entry["mailbox"], entry["row"], entry.get("id", ""), as_cells(entry.get("columns", NOTHING)))


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
