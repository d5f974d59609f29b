"""The coordinator of one run: answers the calls of workers, and sees to it that each row ends once, in one journal.

It does what a sweep alone does around its workers: the feed, the writer, the alarm, the stop, and at the end an outcome
for every row that had none.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bulkmail.app.sweeping import Work
from bulkmail.cluster.calls import Handler, Packed, packed
from bulkmail.cluster.desk import Desk, Session
from bulkmail.cluster.fences import Board, News
from bulkmail.cluster.masking import Masking
from bulkmail.cluster.messages import Done, Gone, Intended, Note, Order, Plain, Seen, finished_of, request_of
from bulkmail.cluster.rates import Rates
from bulkmail.cluster.shards import Shard, share
from bulkmail.cluster.suspects import LETHAL
from bulkmail.core.pace.granted import Grant, Said
from bulkmail.errors import BulkmailError
from bulkmail.model import Ending, Ledger, Mailbox, Outcome, Rejected, Status, Tally, key_of
from bulkmail.run.feed import Feed
from bulkmail.run.remainder import Remainder
from bulkmail.run.stop import STOPPED, Reason
from bulkmail.run.sweep import INTERRUPTED
from bulkmail.run.writer import Extra, Finished, Part
from bulkmail.rundir import heartbeat
from bulkmail.rundir.entries import Reached
from bulkmail.rundir.manifest import Process

KEPT = 4096
"""Rows that may be kept for one worker, since their mailbox is its own, before others wait for it."""

PATIENCE = 0.5
"""Seconds that a worker waits for rows before it is told that there are none yet."""

ALONE = Reason(STOPPED, "no worker is left")

WHY = {Status.UNKNOWN: INTERRUPTED, Status.FAILED: LETHAL}
"""Why a row that has no outcome is begun no more, by what it is."""


class Coordinator:
    """`order` is what a worker is told of its work, by its number; `rates` is the law of what they send; a masked run
    has a `masking`."""

    def __init__(self, work: Work, order: Callable[[int], Order], rates: Rates, masking: Masking | None = None) -> None:
        self._work = work
        self._order = order
        self.rates = rates
        self._feed = Feed(work.source)
        self._stop = work.stop
        self._writer = work.outputs.writer
        self._time = asyncio.get_running_loop().time
        self._masking = masking
        self._board = Board(self._time)
        now = self._time()
        unsettled = {row: now + left for row, left in work.writes.unsettled.items()}
        self._desk = Desk(
            self._key_of, reached=work.outputs.reached, made=work.writes.made, unsettled=unsettled,
            settle=work.writes.settle,
        )  # fmt: skip
        size = work.prepared.source.size() if work.prepared.source is not None else None
        self._left = None if size is None else size - work.outputs.totals.done
        self.sessions: dict[str, Session] = {}
        self._changed = asyncio.Event()
        self._rest: list[tuple[Mailbox, Tally]] = []  # what did not run, with what it had cost
        self._read = False  # to the end of the source
        self._broken: Exception | None = None  # why that came too soon
        self.failure: Exception | None = None
        """Why the run ends, where it is more than a wish to stop."""

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "hello": self.hello, "beat": self.beat, "rows": self.rows, "done": self.done, "intend": self.intend,
            "token": self.token, "state": self.state, "bye": self.bye, "fence": self.fence,
            "fences": self.fences, "rate": self.rate,
        }  # fmt: skip

    def open(self, name: str) -> str:
        """A session for a worker. Returns its key."""
        key = secrets.token_urlsafe(32)
        self.sessions[key] = Session(len(self.sessions) + 1, name, self._time())
        return key

    def known(self, key: str) -> Session | None:
        session = self.sessions.get(key)
        return None if session is None or session.ended else session

    @property
    def finished(self) -> bool:
        """Whether every row that there is, or that is wanted, has ended."""
        return self._stop.reason is not None or (self._read and self._desk.idle)

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left that another worker could begin."""
        return self._stop.reason is not None or self._read

    async def hello(self, session: Session) -> Order:
        """A session is one process's: where that dies and comes back by the same address, Dask begins its task again
        there. That one is turned away once nothing of the first can leave any more; then it may have a session."""
        if session.greeted:
            await session.over.wait()
            raise Gone("this session was another process's")
        session.greeted, session.heard = True, self._time()
        return self._order(session.number)

    async def beat(self, session: Session, seen: Seen) -> Reason | None:
        session.heard, session.seen = self._time(), seen
        if seen.process is not None:
            self._work.processes[session.number] = seen.process
        if seen.stop is not None:
            self._stop.ask(seen.stop)
        return self._stop.reason

    async def rows(self, session: Session) -> list[Plain] | None:
        """Rows for a worker; none yet, or None at the end."""
        wanted = session.shard.next(self._time(), self._work.prepared.job.cluster.shard)
        until = self._time() + PATIENCE
        while self._stop.reason is None:
            if found := await self._gathered(session, self._share(session, wanted)):
                session.shard = Shard(len(found), self._time())
                return found
            if self.finished:
                return None
            self._changed.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._changed.wait()
            except TimeoutError:
                return []
        return None

    def _share(self, session: Session, wanted: int) -> int:
        live = [one for one in self.sessions.values() if not one.ended]
        held = len(session.held) + len(session.kept)
        others = sum(len(one.held) + len(one.kept) for one in live) - held
        given = share(wanted, self._left, held, others, max(1, len(live)))
        return max(given, min(wanted, len(session.kept)))  # these can be given to no other

    async def _gathered(self, session: Session, most: int) -> list[Plain]:
        found: list[Plain] = []
        desk, take, barred, masking = self._desk, self._feed.take, self._work.settings.barred, self._masking
        while len(found) < most and not (session.ended or desk.is_full(session)):
            now = self._time()
            if (mailbox := desk.at_hand(session, now)) is None:
                row = take() or await self._next(wait=not found)
                if row is None:
                    break
                if isinstance(row, Rejected) or row.row in barred:
                    await self._aside(row)
                    continue
                if (mailbox := desk.take(session, row, now)) is None:
                    if self._crowded:
                        break
                    continue
            given = desk.given(mailbox)
            found.append(given if masking is None else masking.named(given))
        return found

    @property
    def _crowded(self) -> bool:
        """Whether so many rows are kept for their worker that no more should be read."""
        return any(len(one.kept) >= KEPT for one in self.sessions.values())

    async def _next(self, *, wait: bool) -> Mailbox | Rejected | None:
        """The next row of the source; none at its end."""
        if self._read or not wait:
            return None
        try:
            row = await self._feed.next()
        except Exception as error:  # noqa: BLE001 - raised when all that was read is done, as alone
            self._broken, row = error, None
        self._read = row is None
        return row

    async def _aside(self, row: Mailbox | Rejected) -> None:
        """What no worker is to begin. It is put before there is room for more: where the wait is cancelled, no row is
        lost."""
        if isinstance(row, Rejected):
            self._writer.add([row])
        else:
            self._bar(row, Status.UNKNOWN)
        await self._writer.room()

    def _bar(self, mailbox: Mailbox, status: Status) -> None:
        rows = self._work.outputs.durable(mailbox)
        self._all_ended([Finished(Outcome(mailbox, status, rows, problem=WHY[status]), ())])

    async def done(
        self, session: Session, ended: Sequence[Plain], items: Sequence[Done], notes: Sequence[Note]
    ) -> None:
        """Mailboxes that have `ended`, and what there is besides. Returns when checkpoints among the latter are
        durable; outcomes may wait for the disk."""
        self._concluded(session, notes)
        if self._masking is not None:
            ended, items = await self._masking.hidden(session.held, ended, items)
        await self._writer.room()
        if not session.ended:  # while others were written
            self._all_ended([
                finished_of(mailbox, told) for told in ended
                if (mailbox := self._desk.release(session, told[0])) is not None
            ])  # fmt: skip
        durable = [waited for item in items if (waited := await self._take(session, item)) is not None]
        for event in durable:
            await event.wait()
        self._changed.set()

    async def _take(self, session: Session, item: Done) -> asyncio.Event | None:
        await self._writer.room()
        if session.ended:
            return None
        match item.outcome:
            case Rejected():
                self._writer.add([item.outcome])
            case Reached() as reached:
                if reached.mailbox.row in session.held:
                    return self._commit(reached, item)
            case Outcome() as outcome:
                if self._desk.release(session, outcome.mailbox.row) is not None:
                    extra = None if item.state is None else Extra(state=item.state)
                    self._all_ended([Finished(outcome, item.blocks, extra)])
        return None

    def _commit(self, reached: Reached, item: Done) -> asyncio.Event:
        """Known before it is written: if the session ends meanwhile, its mailbox goes on from there."""
        durable, before = asyncio.Event(), self._work.outputs.reached.get(reached.mailbox.row)
        blobs = {**(before.blobs if before else {}), **reached.blobs}
        self._work.outputs.reached[reached.mailbox.row] = reached._replace(blobs=blobs)
        self._writer.add([Part(reached, item.blocks, Extra(done=durable.set, state=item.state))])
        return durable

    def _all_ended(self, all_: Sequence[Finished]) -> None:
        """Each has an outcome from now on. One that did not run comes behind all others."""
        ran = [one for one in all_ if one.outcome.status is not Status.NOT_RUN]
        if len(ran) < len(all_):
            self._rest += [
                (one.outcome.mailbox, one.outcome.tally) for one in all_ if one.outcome.status is Status.NOT_RUN
            ]
        if self._left is not None:
            self._left -= len(ran)
        if reached := self._work.outputs.reached:
            for one in ran:
                reached.pop(one.outcome.mailbox.row, None)
        self._writer.add(ran)
        for one in ran:
            self._hear(one.outcome)

    def _hear(self, outcome: Outcome) -> None:
        try:
            reason = self._work.alarm.hear(outcome)
        except BulkmailError as error:
            self.fail(error)
        else:
            if reason is not None:
                self._stop.ask(reason)

    def fail(self, error: Exception) -> None:
        """The run ends with this error, once what is in flight has ended."""
        self.failure = self.failure or error
        self._stop.ask(Reason(error.exit_code if isinstance(error, BulkmailError) else 1, str(error)))

    async def intend(self, session: Session, asked: Sequence[Intended]) -> list[int | Packed]:
        """The numbers of changes, once all of them are durable; what is wrong with one, in its place."""
        async with asyncio.TaskGroup() as group:
            noting = [group.create_task(self._noted(session, one)) for one in asked]
        if session.ended:  # while they were written: its worker is told so, and sends nothing
            raise Gone("the coordinator has given this worker up")
        return [one.result() for one in noting]

    async def _noted(self, session: Session, asked: Intended) -> int | Packed:
        is_planned, told = asked
        request = request_of(told)
        try:
            if is_planned:
                await self._ledger.plan(request)
                return 0
            number = await self._ledger.intend(request)
        except BulkmailError as error:
            return packed(error)
        if session.ended:
            self._ledger.conclude(number, request, Ending.UNSENT)
        else:
            self._desk.intended(session, number, request)
        return number

    def _concluded(self, session: Session, notes: Sequence[Note]) -> None:
        for number, ending, id_ in notes:
            if request := self._desk.concluded(session, number, ending, id_):
                self._ledger.conclude(number, request, ending, id_)

    @property
    def _ledger(self) -> Ledger:
        if self._work.writes.ledger is None:
            raise BulkmailError("a run that reads has no ledger")
        return self._work.writes.ledger

    async def rate(self, session: Session, said: Said) -> Grant:
        return self.rates.hear(self._time(), session.number, said)

    async def fence(self, session: Session, seconds: float, by: str, there: float) -> None:
        self._board.rise(session.number, seconds, by, self.rates.instant(session.number, there))

    async def fences(self, session: Session, heard: int) -> News:
        return await self._board.after(session.number, heard)

    async def token(self, _: Session, refused: str, claims: str) -> str:
        return await self._work.prepared.credential.token(refused=refused, claims=claims)

    async def state(self, _: Session, mailbox: Mailbox) -> dict[str, Any]:
        states = self._work.outputs.states
        return {} if states is None else await states.read(mailbox)

    async def bye(self, session: Session, notes: Sequence[Note], process: Process) -> None:
        self._work.processes[session.number] = process
        self._concluded(session, notes)
        await self.end(session, lost=False)

    async def end(self, session: Session, *, lost: bool = True) -> None:
        """Nothing of a session leaves any more, and nothing of it is taken. What it held begins again elsewhere; where
        what it left cannot be cut back, nothing begins any more."""
        session.ended = True
        self.rates.leave(session.number)
        session.over.set()
        if rows := {*session.held, *(mailbox.row for mailbox in session.kept)}:
            depot, reached = self._work.prepared.depot(self._work.folder), self._work.outputs.reached
            committed = {row: reached[row].blobs for row in rows & reached.keys()}
            try:
                await asyncio.to_thread(depot.recover, lambda row: row not in rows, committed, anew=True)
            except BulkmailError as error:
                self.fail(error)
        for number, request in list(session.open.items()):
            self._desk.concluded(session, number, Ending.UNKNOWN, "")
            self._ledger.conclude(number, request, Ending.UNKNOWN)
        for mailbox, status in self._desk.end(session, self._time(), heartbeat.current(), lost=lost):
            self._bar(mailbox, status)
        self._changed.set()
        await self._writer.room()

    def _key_of(self, mailbox: Mailbox) -> str:
        target = self._work.prepared.task.target
        if target is None:
            return mailbox.key
        try:
            return key_of(target(mailbox, self._work.options)) or mailbox.key
        except Exception:  # noqa: BLE001 - the task's mistake, which its worker tells
            return mailbox.key

    async def account(self) -> None:
        """Every row that did not get to its end did not run: also those of workers of which the end was not waited
        for."""
        reason = self._stop.reason.text if self._stop.reason else "the run ended early"
        given = (mailbox for one in self.sessions.values() for mailbox in (*one.held.values(), *one.kept))
        rest = [*self._rest, *((mailbox, Tally()) for mailbox in (*self._desk.rest(), *given))]
        remainder = Remainder(self._feed, self._work.outputs, rest, reason, self._broken)
        await remainder.account()
        self.failure = self.failure or remainder.broken

    async def close(self) -> None:
        await self._feed.close()
