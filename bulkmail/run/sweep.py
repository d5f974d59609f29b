"""Runs a task against every mailbox of a source: workers pull, one writer writes. The only task group of a run is here.

Expected failures become outcomes. What ends the run is a lost credential, a missing permission, an output that cannot
be written, and a wish to stop; then every mailbox that was not finished gets the outcome `not_run`, behind all others.
An input that cannot be read any further ends it, too, once what was read is done.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Container, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

from bulkmail.errors import BulkmailError, ChangesExhausted
from bulkmail.graph import Graph
from bulkmail.model import Lanes, Mailbox, Outcome, Problem, Rejected, Row, Source, Status, Tally
from bulkmail.run.alarm import Alarm
from bulkmail.run.feed import Feed
from bulkmail.run.stop import Stop
from bulkmail.run.turns import Places
from bulkmail.run.verdict import verdict
from bulkmail.run.writer import Finished, Writer
from bulkmail.tasks import Options, Task

log = logging.getLogger(__name__)

ACCIDENTS = 3
"""Tracebacks of a task that are logged."""

INTERRUPTED = Problem("Interrupted", "a process died when something was begun here that must not be done twice")

Item: TypeAlias = Mailbox | Rejected | Finished


class Seat:
    """What a worker has in hand, and what that had cost when it was cancelled. `place` is that below which its mailbox
    is worked on, from its turn to its end."""

    __slots__ = ("item", "place", "spent")

    def __init__(self) -> None:
        self.item: Item | None = None
        self.place: str | None = None
        self.spent = Tally()


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """`workers` mailboxes at a time; `grace` is in seconds. In rows that are `barred`, something that must not be done
    twice was begun by a process that died."""

    workers: int = 4096
    grace: float = 30.0
    barred: Container[int] = frozenset()


class Sweep:
    """One run. `open_graph` gives the Graph of a mailbox below a place, `lanes` knows what each place cost."""

    def __init__(
        self,
        task: Task,
        options: Options,
        *,
        source: Source,
        open_graph: Callable[[Mailbox, str], Graph],
        lanes: Lanes,
        writer: Writer,
        alarm: Alarm,
        stop: Stop,
        settings: SweepSettings,
    ) -> None:
        self._task = task
        self._options = options
        self._open_graph = open_graph
        self._lanes = lanes
        self._writer = writer
        self._alarm = alarm
        self._stop = stop
        self._settings = settings
        self._feed = Feed(source)
        self._places = Places()
        self._workers: dict[asyncio.Task[None], Seat] = {}
        self._rest: deque[tuple[Item, Tally]] = deque()  # what did not run, and has no outcome yet
        self._broken: Exception | None = None  # why the input ended too soon
        self._idle = 0  # workers without a row
        self._wanted = asyncio.Event()  # somebody thinks that there should be one more
        self._ended = False  # there are no more rows, or none are wanted
        self._accidents = 0
        self._clock: Callable[[], float]
        self._names_mailbox = "mailbox" in task.columns(options)

    def __repr__(self) -> str:
        active = sum(seat.item is not None for seat in self._workers.values())
        return f"<Sweep of {self._task.name}: {active} active, {self._writer!r}>"

    async def run(self) -> None:
        """To the end of the source, or until asked to stop. Raises what ends a run, after everything known is
        written."""
        self._clock = asyncio.get_running_loop().time
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._writer.write())
                try:
                    await self._work()
                finally:
                    if not writing.done():
                        await self._account_for_the_rest()
                        self._writer.close()
                        await writing
        except BaseExceptionGroup as errors:
            raise foremost(errors) from errors
        finally:
            await self._feed.close()
        if self._broken is not None:
            raise self._broken
        if self._stop.reason is None:
            self._alarm.require_admission()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as beside:
            watch = beside.create_task(self._watch())
            async with asyncio.TaskGroup() as workers:
                self._lanes.call_for_more(self._call)
                while not self._ended:  # in this task, which is cancelled first: a group that ends takes no more
                    self._wanted.clear()
                    if self._could_begin():
                        self._idle += 1  # until it has a row
                        seat = Seat()
                        worker = workers.create_task(self._pull(seat))
                        self._workers[worker] = seat
                        worker.add_done_callback(self._left)
                    await self._wanted.wait()
            watch.cancel()

    def _could_begin(self) -> bool:
        """Whether all workers are busy and another mailbox could begin: as many as the service keeps busy."""
        return not self._idle and self._lanes.room() and len(self._workers) < self._settings.workers

    def _call(self) -> None:
        """For another worker, if there should be one."""
        if self._could_begin():
            self._wanted.set()

    def _left(self, _worker: asyncio.Task[None]) -> None:
        """A worker leaves when there are no more rows, or none are wanted; it may have been cancelled unbegun."""
        self._ended = True
        self._wanted.set()

    async def _watch(self) -> None:
        """When a stop is asked for, what has begun may be finished; what still is not after the grace is cancelled."""
        await self._stop.wait()
        for worker, seat in self._workers.items():
            if not self._has_begun(seat):
                worker.cancel()
        await asyncio.sleep(self._settings.grace)
        for worker in self._workers:
            worker.cancel()

    def _has_begun(self, seat: Seat) -> bool:
        """Not a worker that waits for a row, nor a mailbox whose first request waits: either may take very long."""
        if isinstance(seat.item, Mailbox):
            return seat.place is not None and self._lanes.begun(seat.place)
        return seat.item is not None

    async def _pull(self, seat: Seat) -> None:
        try:
            while self._stop.reason is None and (item := self._feed.take() or await self._next()):
                seat.item = item  # from here on it is not lost, whatever happens
                self._idle -= 1
                self._call()
                done = seat.item = item if isinstance(item, Rejected) else await self._run_one(item, seat)
                await self._writer.put(done)
                seat.item = None  # at once: it must not be put twice
                self._idle += 1
                if isinstance(done, Finished) and (reason := self._alarm.hear(done.outcome.status)):
                    self._stop.ask(reason)
        except ChangesExhausted:
            return  # what it has in hand did not run, and is accounted for with the rest

    async def _next(self) -> Mailbox | Rejected | None:
        """The next row; none after an input that cannot be read any further."""
        try:
            return await self._feed.next()
        except Exception as error:  # noqa: BLE001 - whatever it is, `run` raises it when all that was read is done
            self._broken = error
            return None

    def _run_one(self, mailbox: Mailbox, seat: Seat) -> Coroutine[Any, Any, Finished]:
        """The work on a mailbox, below its own address or below that of another one."""
        if mailbox.row in self._settings.barred:
            return self._bar(mailbox)
        if self._task.place is None:
            return self._run_at(mailbox.key, mailbox, seat)
        return self._run_elsewhere(self._task.place, mailbox, seat)

    async def _bar(self, mailbox: Mailbox) -> Finished:
        return Finished(Outcome(mailbox, Status.UNKNOWN, problem=INTERRUPTED), ())

    async def _run_elsewhere(self, place_of: Callable[[Mailbox, Any], str], mailbox: Mailbox, seat: Seat) -> Finished:
        try:
            place = place_of(mailbox, self._options) or mailbox.key
        except Exception as error:  # noqa: BLE001 - a task's accident is its mailbox's, not the run's
            status, problem = self._judged(mailbox, error)
            return Finished(Outcome(mailbox, status, problem=problem), ())
        async with self._places.turn(place) if place != mailbox.key else nullcontext():
            return await self._run_at(place, mailbox, seat)

    async def _run_at(self, place: str, mailbox: Mailbox, seat: Seat) -> Finished:
        started = self._clock()
        seat.place = place
        self._lanes.enter(place)
        rows: list[Row] = []
        blocks: Sequence[bytes] = ()
        status, problem = Status.OK, None
        try:
            async for row in self._task.run(mailbox, self._open_graph(mailbox, place), self._options):
                named = not self._names_mailbox or "mailbox" in row
                rows.append(row if named else {"mailbox": mailbox.address, **row})
            blocks = self._writer.encode(rows)
        except Exception as error:  # noqa: BLE001 - a task's accident is its mailbox's, not the run's
            rows.clear()
            status, problem = self._judged(mailbox, error)
        finally:
            seat.place = None
            tally = seat.spent = self._lanes.leave(place)
        seat.spent = Tally()
        return Finished(Outcome(mailbox, status, len(rows), tally, self._clock() - started, problem), blocks)

    def _judged(self, mailbox: Mailbox, error: Exception) -> tuple[Status, Problem]:
        """How a mailbox ends that met `error`. Raises it if it is the run's business."""
        if not isinstance(error, BulkmailError):
            self._log_accident(mailbox, error)
        return verdict(error)

    def _log_accident(self, mailbox: Mailbox, error: Exception) -> None:
        """Where in a task the error was, for the first few: the rest will be the same."""
        self._accidents += 1
        if self._accidents <= ACCIDENTS:
            log.error("the task raised an error; the mailbox of row %d fails", mailbox.row, exc_info=error)

    async def _account_for_the_rest(self) -> None:
        """Every mailbox that was not finished did not run, whether it was read or not. Cancelled, it reads no more, and
        accounts for what was read."""
        self._rest.extend((seat.item, seat.spent) for seat in self._workers.values() if seat.item is not None)
        try:
            while await self._read_on():
                await self._put_first()
        finally:
            await self._feed.close()  # at once: a row that is read from now on must not be counted
            self._rest.extend((row, Tally()) for row in self._feed.at_hand())
            while self._rest:
                await self._put_first()

    async def _read_on(self) -> bool:
        """Whether there is anything left to account for."""
        if not self._rest and self._broken is None and (row := await self._next()) is not None:
            self._rest.append((row, Tally()))
        return bool(self._rest)

    async def _put_first(self) -> None:
        item, spent = self._rest[0]
        if isinstance(item, Mailbox):
            reason = self._stop.reason.text if self._stop.reason else "the run ended early"
            item = Finished(Outcome(item, Status.NOT_RUN, tally=spent, problem=Problem("NotRun", reason)), ())
        await self._writer.put(item)
        self._rest.popleft()


def foremost(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that matters in a group: one of ours before an accident that followed from it."""
    flat = [foremost(error) if isinstance(error, BaseExceptionGroup) else error for error in errors.exceptions]
    return next((error for error in flat if isinstance(error, BulkmailError)), flat[0])
