"""Runs a task against every mailbox of a source: workers pull, one writer writes. The only task group of a run is here.

Expected failures become outcomes. What ends the run is a lost credential, a missing permission, an output that cannot
be written, and a wish to stop; then every mailbox that was not finished gets the outcome `not_run`, behind all others.
An input that cannot be read any further ends it, too, once what was read is done.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Container, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

from bulkmail.errors import ChangesExhausted, ServiceDown, gravest
from bulkmail.graph import Graph
from bulkmail.model import (
    Checkpoint,
    Chunks,
    Lanes,
    Mailbox,
    Outcome,
    Problem,
    Rejected,
    Row,
    Status,
    Store,
    Tally,
    key_of,
)
from bulkmail.run.alarm import Alarm
from bulkmail.run.feed import AHEAD, Feed
from bulkmail.run.judging import Judge
from bulkmail.run.pending import CHUNK, Outputs, Pending
from bulkmail.run.remainder import Remainder
from bulkmail.run.stop import Reason, Stop
from bulkmail.run.turns import PARKED, Turns, turns_of
from bulkmail.run.writer import Block, Finished
from bulkmail.task.mistakes import check_row, close, is_own
from bulkmail.tasks import Options, Task

# What each mailbox has: nouns of all their fields are made in C, and a member of an enum has a name of its own, since
# calling the class costs twice the one, and a call the other.
_outcome, _finished = partial(tuple.__new__, Outcome), partial(tuple.__new__, Finished)
OK, FREE = Status.OK, Tally()

INTERRUPTED = Problem("Interrupted", "a process died when something was begun here that must not be done twice")

Item: TypeAlias = Mailbox | Rejected | Finished


class Worker:
    """What a worker has in hand. One that is `idle` waits for a row. `target` is the key below which its mailbox is
    worked on, from the beginning of the work to its end; `spent` is what that had cost when it was cancelled."""

    __slots__ = ("idle", "item", "spent", "target")

    def __init__(self) -> None:
        self.idle = True
        self.item: Item | None = None
        self.target: str | None = None
        self.spent = Tally()


class Masking(Protocol):
    """Puts digests in the place of addresses."""

    def row(self, row: Row, address: str, /) -> Row:
        """Another row; at once."""

    def text(self, text: str, /) -> str:
        """Another text; at once."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """`workers` mailboxes at a time; `grace` is in seconds; `parked` rows may wait for a turn at their target; more are
    read when `ahead` are at hand, or half of the last ones where that is None. In rows that are `barred`, something
    that must not be done twice was begun by a process that died. A `mask` stands in rows in the place of addresses."""

    workers: int = 4096
    grace: float = 30.0
    parked: int = PARKED
    ahead: int | None = AHEAD
    barred: Container[int] = frozenset()
    mask: Masking | None = None


class Sweep:
    """One run. `open_graph` gives the Graph of a mailbox below a target, with what the task leaves beside its rows;
    `lanes` knows what each target cost."""

    def __init__(
        self,
        task: Task,
        options: Options,
        *,
        source: Chunks,
        open_graph: Callable[[Mailbox, str, Store], Graph],
        lanes: Lanes,
        outputs: Outputs,
        alarm: Alarm,
        stop: Stop,
        settings: SweepSettings,
    ) -> None:
        self._task = task
        self._options = options
        self._open_graph = open_graph
        self._lanes = lanes
        self._outputs = outputs
        self._writer = outputs.writer
        self._alarm = alarm
        self._stop = stop
        self._settings = settings
        self._feed = Feed(source, settings.ahead)
        self._turns = turns_of(task, options, self._feed, settings.parked)
        self._rows = self._turns or self._feed
        self._workers: dict[asyncio.Task[None], Worker] = {}
        self._broken: Exception | None = None  # why the input ended too soon
        self._idle = 0  # workers without a row
        self._wanted = asyncio.Event()  # there may be room for one worker more
        self._ended = False  # there are no more rows, or none are wanted
        self._judge = Judge(task)
        self._clock: Callable[[], float]
        self._names_mailbox = "mailbox" in task.columns(options)
        self._finding = task.finding

    def __repr__(self) -> str:
        active = sum(worker.item is not None for worker in self._workers.values())
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
            raise gravest(errors.exceptions) from errors
        finally:
            await self._feed.close()
        if self._broken is not None:
            raise self._broken
        if self._stop.reason is None:
            self._alarm.require_admission()
            self._alarm.require_presence()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as beside:
            watch = beside.create_task(self._watch())
            async with asyncio.TaskGroup() as workers:
                self._lanes.call_for_more(self._call)
                while not self._ended:  # in this task, which is cancelled first: a group that ends takes no more
                    self._wanted.clear()
                    if self._could_begin():
                        self._idle += 1  # until it has a row
                        worker = Worker()
                        working = workers.create_task(self._pull(worker))
                        self._workers[working] = worker
                        working.add_done_callback(self._left)
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
        for working, worker in self._workers.items():
            if not self._has_begun(worker):
                working.cancel()
        await asyncio.sleep(self._settings.grace)
        for working in self._workers:
            working.cancel()

    def _has_begun(self, worker: Worker) -> bool:
        """Not a worker that waits for a row, nor a mailbox whose first request waits: either may take very long."""
        if isinstance(worker.item, Mailbox):
            return worker.target is not None and self._lanes.begun(worker.target)
        return worker.item is not None

    async def _pull(self, worker: Worker) -> None:
        try:
            while self._stop.reason is None and (item := self._rows.take() or await self._next(worker)):
                worker.item = item  # from here on it is not lost, whatever happens
                if worker.idle:
                    worker.idle = False
                    self._idle -= 1
                    self._call()
                done = worker.item = item if isinstance(item, Rejected) else await self._run_one(item, worker)
                if not self._writer.take(done):
                    await self._writer.put(done)
                worker.item = None  # at once: it must not be put twice
                if isinstance(done, Finished) and (reason := self._alarm.hear(done.outcome)):
                    self._stop.ask(reason)
        except ServiceDown as down:
            self._stop.ask(Reason(down.exit_code, str(down)))
        except ChangesExhausted:
            return  # what it has in hand did not run, and is accounted for with the rest

    async def _next(self, worker: Worker) -> Mailbox | Rejected | None:
        """The next row; none after an input that cannot be read any further."""
        if not worker.idle:
            worker.idle = True
            self._idle += 1
        try:
            return await self._rows.next()
        except Exception as error:  # noqa: BLE001 - whatever it is, `run` raises it when all that was read is done
            self._broken = error
            return None

    def _run_one(self, mailbox: Mailbox, worker: Worker) -> Coroutine[None, None, Finished]:
        """The work on a mailbox, below its own address or below its target."""
        if self._turns is not None:
            return self._run_turn(self._turns, mailbox, worker)
        if mailbox.row in self._settings.barred:
            return self._bar(mailbox)
        return self._run_at("", mailbox, worker)

    async def _bar(self, mailbox: Mailbox) -> Finished:
        return Finished(Outcome(mailbox, Status.UNKNOWN, self._outputs.durable(mailbox), problem=INTERRUPTED), ())

    async def _run_turn(self, turns: Turns, mailbox: Mailbox, worker: Worker) -> Finished:
        try:
            if mailbox.row in self._settings.barred:
                return await self._bar(mailbox)
            try:
                target = turns.target(mailbox)
            except Exception as error:  # noqa: BLE001 - a task's accident is its mailbox's, not the run's
                status, problem = self._judge.verdict(mailbox, error)
                return Finished(Outcome(mailbox, status, problem=problem), ())
            return await self._run_at(target, mailbox, worker)
        finally:
            turns.leave(mailbox)

    async def _run_at(self, target: str, mailbox: Mailbox, worker: Worker) -> Finished:  # noqa: C901 - see below
        started = self._clock()
        key = worker.target = key_of(target or mailbox.address)
        self._lanes.enter(key)
        pending = Pending(self._outputs, mailbox)
        rows, names_mailbox, finding, mask = pending.rows, self._names_mailbox, self._finding, self._settings.mask
        running: AsyncIterator[Row] | None = None
        blocks: Sequence[bytes | Block] = ()
        status, problem, number, findings, extra = OK, None, 0, 0, None
        try:  # all in this coroutine: one for the loop over the rows would cost each mailbox a hundredth of all
            if self._task.keeps_state:
                await pending.begin()
            running = self._task.run(mailbox, self._open_graph(mailbox, target, pending), self._options)
            async for row in running:
                if type(row) is not dict:
                    if isinstance(row, Checkpoint):
                        await pending.commit(row)
                        continue
                    check_row(row, running)
                if finding is not None and finding(row):
                    findings += 1
                named = row if not names_mailbox or "mailbox" in row else {"mailbox": mailbox.address, **row}
                rows.append(named if mask is None else mask.row(named, mailbox.address))
                if len(rows) == CHUNK:
                    await pending.encode()
            if pending.is_short:
                number, blocks = len(rows), self._writer.encode(rows)
            else:
                number, blocks, extra = await pending.complete()
        except BaseException as error:
            await close(running)
            if not is_own(error):
                raise
            status, problem = self._judge.verdict(mailbox, error)
            number, findings = self._outputs.durable(mailbox), 0
            await pending.discard()
        finally:
            worker.target = None
            tally = worker.spent = self._lanes.leave(key)
        worker.spent = FREE
        if not pending.is_short:
            self._outputs.reached.pop(mailbox.row, None)
        seconds = self._clock() - started
        return _finished((_outcome((mailbox, status, number, tally, seconds, problem, findings)), blocks, extra, b""))

    async def _account_for_the_rest(self) -> None:
        """Every mailbox that was not finished did not run, whether it was read or not."""
        rest = [(worker.item, worker.spent) for worker in self._workers.values() if worker.item is not None]
        parked = self._turns.at_hand() if self._turns is not None else []
        reason = self._stop.reason.text if self._stop.reason else "the run ended early"
        remainder = Remainder(
            self._feed, self._outputs, [*rest, *((row, Tally()) for row in parked)], reason, self._broken
        )
        await remainder.account()
        self._broken = remainder.broken
