"""Writes what a run finds out: the rows of a mailbox first, then its outcome. One writer, one group of lines a write.

Rows come as bytes, encoded by their worker, so that a row that cannot be written is its mailbox's failure and nobody
else's. The files are written in a thread. Rows are on the disk for good before the outcome that speaks of them is
written. An outcome names how long each file of rows was once its rows were in: what is longer than the last outcome
says was never committed.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, islice, repeat, zip_longest
from operator import attrgetter, call
from typing import NamedTuple, Protocol

from bulkmail.model import Outcome, Rejected, Row
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.totals import Totals
from bulkmail.rundir.uncancelled import uncancelled

GROUP = 256
"""Outcomes for which a write is worth its while."""

LINGER = 0.1
"""Seconds that fewer wait for others: nothing to whoever reads along, and ten syncs of each file a second at the most
while little is done. What is lost with the power is done again."""

QUEUE = 1024
"""Outcomes that may wait for the disk, and go to it together; workers wait when it is full."""


class Format(Protocol):
    """Turns rows into whole lines."""

    def encode(self, rows: Sequence[Row], /) -> bytes: ...


class File(Protocol):
    """An output file: appends a block and gives its new length, from a thread; `sync` makes it last."""

    def append(self, block: bytes, /) -> int: ...
    def sync(self) -> None: ...


class Outcomes(Protocol):
    """The journal of outcomes, as a thread sees it."""

    def append(self, entries: Sequence[bytes], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Sink:
    """One file of rows and how they are written in it; `length` is where its rows begin."""

    name: str
    format: Format
    file: File
    length: int


class Finished(NamedTuple):
    """A mailbox with its verdict, and its rows for each sink in their order."""

    outcome: Outcome
    blocks: Sequence[bytes]


class Writer:
    """Give it work with `put`, run `write` beside the workers, and `close` it when no more comes. At least one sink."""

    def __init__(self, sinks: Sequence[Sink], outcomes: Outcomes, rejected: "Rejects", totals: Totals) -> None:
        self._sinks = sinks
        self._outcomes = outcomes
        self._rejected = rejected
        self._totals = totals
        self._encoders = [sink.format.encode for sink in sinks]
        self._names = [sink.name for sink in sinks]
        self._lengths = [sink.length for sink in sinks]
        self._waiting: list[Finished | Rejected] = []
        self._room = asyncio.Event()
        self._work = asyncio.Event()  # something waits, or nothing more will
        self._enough = asyncio.Event()  # a write is worth its while
        self._closed = False

    def __repr__(self) -> str:
        return f"<Writer {len(self._waiting)} waiting, {self._totals.done} written>"

    def encode(self, rows: Sequence[Row]) -> list[bytes]:
        """`rows` for each sink; raises TypeError or ValueError for what cannot be written."""
        return list(map(call, self._encoders, repeat(rows)))

    async def put(self, item: Finished | Rejected) -> None:
        """Cancelled, it has not taken the item."""
        while (before := len(self._waiting)) >= QUEUE:
            self._room.clear()
            await self._room.wait()
        self._waiting.append(item)
        if not before:
            self._work.set()
        elif before + 1 == GROUP:
            self._enough.set()

    def close(self) -> None:
        self._closed = True
        self._work.set()
        self._enough.set()

    async def write(self) -> None:
        """Until closed. Raises OutputError, after which nothing more is written. Cancelled, it writes what it has."""
        try:
            while self._waiting or not self._closed:
                await self._work.wait()
                with suppress(TimeoutError):  # on its own, an outcome would cost a journey to a thread and three syncs
                    async with asyncio.timeout(LINGER):
                        await self._enough.wait()
                await self._commit(self._take())
        except asyncio.CancelledError:
            await self._commit(self._take())
            raise

    def _take(self) -> list[Finished | Rejected]:
        group, self._waiting = self._waiting, []
        self._room.set()
        if not self._closed:
            self._work.clear()
            self._enough.clear()
        return group

    async def _commit(self, group: Sequence[Finished | Rejected]) -> None:
        finished = [item for item in group if isinstance(item, Finished)]
        rejected = [item for item in group if isinstance(item, Rejected)] if len(finished) < len(group) else []
        outcomes: list[Outcome] = [*map(attrgetter("outcome"), finished)]
        # Blocks by sink; whoever did not run has none, and is filled up with empty ones.
        columns = [own for _, *own in zip_longest(self._sinks, *map(attrgetter("blocks"), finished), fillvalue=b"")]
        entries = [*map(encode_outcome, outcomes, self._offsets(columns))]
        cancelled = await uncancelled(asyncio.to_thread(self._append, [*map(b"".join, columns)], entries, rejected))
        self._totals.add_all(outcomes)
        if cancelled is not None:
            raise cancelled

    def _offsets(self, columns: Sequence[Sequence[bytes]]) -> Iterator[dict[str, int]]:
        """The length of each file of rows after each mailbox; from now on, that after the last."""
        ends = [
            [*accumulate(map(len, column), initial=length)]
            for column, length in zip(columns, self._lengths, strict=True)
        ]
        self._lengths = [end[-1] for end in ends]
        return map(dict, map(zip, repeat(self._names), islice(zip(*ends, strict=True), 1, None)))

    def _append(self, blocks: Sequence[bytes], entries: Sequence[bytes], rejected: Sequence[Rejected]) -> None:
        for sink, block in zip(self._sinks, blocks, strict=True):
            if block:
                sink.file.append(block)
                sink.file.sync()
        self._outcomes.append(entries)
        if rejected:
            self._rejected.append(rejected)


class Rejects(Protocol):
    """Where rows of the input go that became no mailbox."""

    def append(self, rows: Sequence[Rejected], /) -> None: ...
