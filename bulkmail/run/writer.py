"""Writes what a run finds out: the rows of a mailbox first, then its outcome. One writer, one group of lines a write.

Rows come as bytes, encoded by their worker, so that a row that cannot be written is the failure of its mailbox alone.
The files are written in a thread. Rows, and blobs before them, are on the disk for good before the outcome or
checkpoint that speaks of them is written. Each names how long each file of rows was once its rows were in: what is
longer than the last of them says was never committed. What a mailbox leaves for the next run is written last of all.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, chain, groupby, islice, zip_longest
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from bulkmail.model import Outcome, Rejected, Row
from bulkmail.rundir.entries import Reached, encode_checkpoint, encode_outcome, encode_verdict, offsets_of
from bulkmail.rundir.freshness import Freshness
from bulkmail.rundir.state import States
from bulkmail.rundir.totals import Totals
from bulkmail.sink.uncancelled import uncancelled

GROUP = 256
"""Outcomes for which a write is worth its while."""

LINGER = 0.1
"""Seconds that fewer wait for others: too short to be noticed by a reader, and ten syncs of each file a second at the
most while little is done. What is lost with the power is done again."""

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


def nothing() -> None:
    """What most mailboxes have to do beside their rows."""


class Block(Protocol):
    """The rows of a mailbox for one sink, if they are more than bytes can be: its length, and pieces of bytes, which
    are read in a thread."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(slots=True)
class Extra:
    """What is committed together with the rows of a mailbox. `before` is called before its outcome or checkpoint is
    written, `after` when that is durable; both in a thread. `state` is what the mailbox leaves for the next run.
    `done` is called last, on the loop. None of the calls may raise anything but OutputError."""

    before: Callable[[], None] = nothing
    after: Callable[[], None] = nothing
    state: Mapping[str, Any] | None = None
    done: Callable[[], None] = nothing


class Finished(NamedTuple):
    """A mailbox with its outcome, and its rows for each sink in their order: those since its last checkpoint. `verdict`
    is the entry of the outcome without its end, where that was made already."""

    outcome: Outcome
    blocks: Sequence[bytes | Block]
    extra: Extra | None = None
    verdict: bytes = b""


class Part(NamedTuple):
    """A mailbox with the checkpoint that it has reached, and its rows since the one before."""

    outcome: Reached
    blocks: Sequence[bytes | Block]
    extra: Extra


class Writer:
    """Give it work with `put`, run `write` beside the workers, and `close` it when no more comes. At least one sink."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        outcomes: Outcomes,
        rejected: "Rejects",
        totals: Totals,
        states: States | None = None,
        freshness: Freshness | None = None,
    ) -> None:
        self._sinks = sinks
        self._outcomes = outcomes
        self._rejected = rejected
        self._totals = totals
        self._states = states
        self._freshness = freshness
        self._encoders = [sink.format.encode for sink in sinks]
        self._names = [sink.name for sink in sinks]
        self._lengths = [sink.length for sink in sinks]
        self._tail = offsets_of(self._names)
        self._waiting: list[Finished | Part | Rejected] = []
        self._room = asyncio.Event()
        self._work = asyncio.Event()  # something waits, or nothing more will
        self._enough = asyncio.Event()  # a write is worth its while
        self._closed = False
        self._over = False  # nothing more is written

    def __repr__(self) -> str:
        return f"<Writer {len(self._waiting)} waiting, {self._totals.done} written>"

    @property
    def waiting(self) -> int:
        """Outcomes, checkpoints and rejected rows that wait for the disk."""
        return len(self._waiting)

    def encode(self, rows: Sequence[Row]) -> list[bytes]:
        """`rows` for each sink; raises TypeError or ValueError for what cannot be written."""
        blocks = []
        for encode in self._encoders:  # a comprehension would cost a call more
            blocks.append(encode(rows))  # noqa: PERF401
        return blocks

    def take(self, item: Finished | Part | Rejected) -> bool:
        """Takes the item, unless too many wait already."""
        before = len(self._waiting)
        if before >= QUEUE:
            return False
        self._waiting.append(item)
        if not before:
            self._work.set()
        elif before + 1 == GROUP:
            self._enough.set()
        return True

    async def put(self, item: Finished | Part | Rejected) -> None:
        """Takes the item as soon as there is room. If cancelled, it has not taken it. What comes when nothing more is
        written is dropped: a run whose disk is full waits for no room."""
        while not (self.take(item) or self._over):
            self._room.clear()
            await self._room.wait()

    async def room(self) -> None:
        """Until fewer wait than may, or nothing more is written."""
        while len(self._waiting) >= QUEUE and not self._over:
            self._room.clear()
            await self._room.wait()

    def add(self, items: Sequence[Finished | Part | Rejected]) -> None:
        """As `put` does one by one, at once; there was `room`, or it is waited for now."""
        self._waiting.extend(items)
        if items:
            self._work.set()
        if len(self._waiting) >= GROUP:
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
        finally:
            self._over = True  # who waits already is cancelled, and begins nothing more

    def _take(self) -> list[Finished | Part | Rejected]:
        group, self._waiting = self._waiting, []
        self._room.set()
        if not self._closed:
            self._work.clear()
            self._enough.clear()
        return group

    async def _commit(self, group: Sequence[Finished | Part | Rejected]) -> None:
        finished = [item for item in group if not isinstance(item, Rejected)]
        rejected = [item for item in group if isinstance(item, Rejected)] if len(finished) < len(group) else []
        # Blocks by sink; a mailbox that did not run has none, and is filled up with empty ones.
        columns = [own for _, *own in zip_longest(self._sinks, *map(attrgetter("blocks"), finished), fillvalue=b"")]
        if any(map(attrgetter("extra"), finished)):
            cancelled = await self._commit_extras(finished, columns, rejected)
        else:  # nearly always
            outcomes: list[Any] = [*map(attrgetter("outcome"), finished)]
            verdicts: list[Any] = [*map(attrgetter("verdict"), finished)]
            tails = map(self._tail.__mod__, self._ends(columns))
            entries = [
                (verdict or encode_verdict(outcome)) + tail
                for verdict, outcome, tail in zip(verdicts, outcomes, tails, strict=True)
            ]
            pieces = [[b"".join(column)] for column in columns]
            cancelled = await uncancelled(asyncio.to_thread(self._append, pieces, entries, rejected, outcomes))
            self._totals.add_all(outcomes)
        if cancelled is not None:
            raise cancelled

    async def _commit_extras(
        self, finished: Sequence[Finished | Part], columns: Sequence[Sequence[Any]], rejected: Sequence[Rejected]
    ) -> asyncio.CancelledError | None:
        outcomes = [item.outcome for item in finished if isinstance(item.outcome, Outcome)]
        extras = [(item.outcome.mailbox, item.extra) for item in finished if item.extra is not None]
        lengths = (dict(zip(self._names, ends, strict=True)) for ends in self._ends(columns))
        entries = [*map(_entry, map(attrgetter("outcome"), finished), lengths)]

        def append() -> None:
            for _, extra in extras:
                extra.before()
            self._append([*map(_pieces, columns)], entries, rejected, outcomes)
            if self._states is not None:
                self._states.put([(mailbox, extra.state) for mailbox, extra in extras if extra.state is not None])
            for _, extra in extras:
                extra.after()

        cancelled = await uncancelled(asyncio.to_thread(append))
        self._totals.add_all(outcomes)
        for _, extra in extras:
            extra.done()
        return cancelled

    def _ends(self, columns: Sequence[Sequence[Any]]) -> Iterator[tuple[int, ...]]:
        """The length of each file of rows after each mailbox; from now on, that after the last."""
        ends = [
            [*accumulate(map(len, column), initial=length)]
            for column, length in zip(columns, self._lengths, strict=True)
        ]
        self._lengths = [end[-1] for end in ends]
        return islice(zip(*ends, strict=True), 1, None)

    def _append(
        self, columns: Sequence[Iterable[bytes]], entries: Sequence[bytes], rejected: Sequence[Rejected],
        outcomes: Sequence[Outcome],
    ) -> None:  # fmt: skip
        """Appends to each sink its pieces, one after the other; then the entries."""
        for sink, pieces in zip(self._sinks, columns, strict=True):
            written = False
            for piece in filter(None, pieces):
                sink.file.append(piece)
                written = True
            if written:
                sink.file.sync()
        self._outcomes.append(entries)
        if self._freshness is not None:
            self._freshness.put(outcomes)
        if rejected:
            self._rejected.append(rejected)


def _entry(outcome: Outcome | Reached, lengths: Mapping[str, int]) -> bytes:
    return encode_outcome(outcome, lengths) if isinstance(outcome, Outcome) else encode_checkpoint(outcome, lengths)


def _pieces(column: Sequence[bytes | Block]) -> Iterator[bytes]:
    """The blocks of a sink, with those that are bytes put together."""
    for is_bytes, blocks in groupby(column, lambda block: isinstance(block, bytes)):
        if is_bytes:
            yield b"".join(blocks)  # type: ignore[arg-type]
        else:
            yield from chain.from_iterable(blocks)


class Rejects(Protocol):
    """Where rows of the input go that became no mailbox."""

    def append(self, rows: Sequence[Rejected], /) -> None: ...
