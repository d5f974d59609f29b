"""`changes.ndjson`: what a run means to change, durable before the request leaves, and what became of it.

A change has one entry when it is intended (or only planned) and another when it has ended; without the second one it
may or may not have been made. Intents are written in groups, and all who wait for one group are woken together.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from bulkmail.errors import ChangesExhausted, OutputError
from bulkmail.model import Ending, Request
from bulkmail.rundir.entries import Concluded, Intent, Reopened, counts, encode_change
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.sink.uncancelled import uncancelled

LINGER = 0.003
"""Seconds that an intent waits for others: a fiftieth of a write's own time, and enough to share a sync."""


class File(Protocol):
    """A journal, as a thread sees it."""

    def append(self, entries: list[bytes], /) -> None: ...


class Note(NamedTuple):
    """An entry on its way to the disk. `written` is awaited where nothing may go on before it is there."""

    entry: bytes
    written: asyncio.Future[None] | None


class ChangeLedger:
    """A run's `model.Ledger`; `written` opens it.

    At most `most` changes are made in all, those counted before included; 0 stands for no bound. `exhausted` is called
    for the first that is one too many. `counts` are of this process and, where they are given, of those before it; a
    `further` change, which goes on with one that was counted, is counted only where it does not end well.
    """

    def __init__(
        self, journal: File, *, number: int = 0, counts: Counter[Ending] | None = None, most: int = 0,
        exhausted: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._journal = journal
        self._number = number
        self._most = most
        self._exhausted = exhausted
        self._notes: list[Note] = []
        self._work = asyncio.Event()
        self._closed = False
        self._failure: OutputError | None = None
        self._open = 0
        self.counts = Counter[Ending]() if counts is None else counts

    def __repr__(self) -> str:
        return f"<ChangeLedger {self._number} noted, {self._open} open>"

    @property
    def _may_have_been_made(self) -> int:
        return self._open + self.counts[Ending.DONE] + self.counts[Ending.UNKNOWN]

    async def plan(self, request: Request, /) -> None:
        self._number += 1
        self.counts[Ending.PLANNED] += not _further(request)
        await self._durable(encode_change(Intent.of(self._number, request, planned=True)))

    async def intend(self, request: Request, /) -> int:
        if self._most and self._may_have_been_made >= self._most and not _further(request):
            self._exhausted()
            raise ChangesExhausted(f"the run may make {self._most:,} changes, and this would be one more")
        self._number += 1
        self._open += not _further(request)
        number = self._number
        try:
            await self._durable(encode_change(Intent.of(number, request)))
        except BaseException:
            self.conclude(number, request, Ending.UNSENT)
            raise
        return number

    def conclude(self, number: int, request: Request, ending: Ending, id: str = "", /) -> None:  # noqa: A002
        self._open -= not _further(request)
        ended = Concluded(number, request.row, ending, id, _further(request))
        self.counts[ending] += counts(ended)
        self._note(Note(encode_change(ended), None))

    def reopen(self, last: Heartbeat) -> None:
        """Notes the last heartbeat of the process before this one, before anything else is noted."""
        self._note(Note(encode_change(Reopened(last)), None))

    def close(self) -> None:
        """No more will come."""
        self._closed = True
        self._work.set()

    async def write(self) -> None:
        """Until closed. Raises OutputError, which everything that waits gets too, and all that comes later."""
        while self._notes or not self._closed:
            await self._work.wait()
            await asyncio.sleep(LINGER)
            notes, self._notes = self._notes, []
            if not self._closed:
                self._work.clear()
            await self._commit(notes)

    async def _commit(self, notes: list[Note]) -> None:
        entries, cancelled = [note.entry for note in notes], None
        try:
            cancelled = await uncancelled(asyncio.to_thread(self._journal.append, entries))
        except OutputError as error:
            self._failure = error
            notes += self._notes  # those that came meanwhile
        for note in notes:
            if note.written is not None and not note.written.done():
                _settle(note.written, self._failure)
        if self._failure is not None:
            raise self._failure
        if cancelled is not None:
            raise cancelled

    async def _durable(self, entry: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        written = asyncio.get_running_loop().create_future()
        self._note(Note(entry, written))
        await written

    def _note(self, note: Note) -> None:
        self._notes.append(note)
        self._work.set()

    @property
    def failure(self) -> OutputError | None:
        """Why the ledger is not complete, if it is not."""
        return self._failure


def _further(request: Request) -> bool:
    return request.change is not None and request.change.further


def _settle(written: asyncio.Future[None], failure: OutputError | None) -> None:
    if failure is None:
        written.set_result(None)
    else:
        written.set_exception(failure)


@asynccontextmanager
async def written(ledger: ChangeLedger) -> AsyncIterator[ChangeLedger]:
    """Writes a ledger until the block ends, to its last entry. Raises OutputError where that cannot be, and breaks the
    block off at once: others may have been noted and wait for their turn, and must not leave any more."""
    try:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(ledger.write())
            try:
                yield ledger
            finally:
                ledger.close()
                cancelled = await uncancelled(_awaited(writing))
    except BaseExceptionGroup as errors:
        if ledger.failure is not None:
            raise ledger.failure from errors
        raise
    if cancelled is not None:
        raise cancelled


async def _awaited(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
