"""A worker: one session with the coordinator, from its first sign of life to the end of the input.

Dask calls `work` in a thread of its process, where it has an event loop of its own.
"""

import asyncio
import pickle
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from time import process_time
from typing import cast

from distributed import get_worker
from distributed.security import Security

from bulkmail import __version__
from bulkmail.app.compose import Connection, connected
from bulkmail.app.loop import run
from bulkmail.app.masking import masked_logs
from bulkmail.app.writes import Writes
from bulkmail.cluster.asking import Asking
from bulkmail.cluster.calls import Calls, Line, packed, unpacked
from bulkmail.cluster.ends import Ledger, Outcomes, Rows, States, Tokens
from bulkmail.cluster.fences import Ear
from bulkmail.cluster.lease import Lease, Leased
from bulkmail.cluster.messages import BEAT, Gone, Order, Seen
from bulkmail.cluster.place import Place, depot_seen, own_credential, place
from bulkmail.core.mask import Mask
from bulkmail.core.pace.granted import GrantedPace
from bulkmail.errors import BulkmailError, ConfigError, gravest
from bulkmail.model import Made, Transport
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.outputs import sheets_of
from bulkmail.run.pending import Outputs
from bulkmail.run.snapshot import resident
from bulkmail.run.stop import Reason, Stop
from bulkmail.run.sweep import Sweep, SweepSettings
from bulkmail.run.writer import Sink
from bulkmail.rundir.manifest import Process, now
from bulkmail.rundir.totals import Totals
from bulkmail.sink import Ndjson
from bulkmail.task.undo import undoing
from bulkmail.tasks import Options, Task, find

BRIEF = 0.1
"""Seconds over which the use of a core says something, at least."""

BEATS = 5
"""Signs of life in the time of a lease, at least."""

NO_ALARM = AlarmSettings(0, 0, 0)
"""The coordinator hears all outcomes; a worker alone knows too few."""


def work(address: str, key: str, version: str) -> None:
    """One session. Returns when the coordinator has nothing more; raises Gone where it has given this worker up, and
    ConfigError where it is of another version."""
    if version != __version__:
        raise ConfigError(
            f"a worker has bulkmail {__version__}, and the run is of {version}", hint="Install the same everywhere."
        )
    if (failed := _failure(address, key)) is not None:
        raise unpacked(*failed)  # anew: Dask sends an error with all that led to it, or nothing where a part cannot be


def _failure(address: str, key: str) -> tuple[str, str, str] | None:
    try:
        run(_work(address, key, get_worker().security))
    except BulkmailError as error:
        return packed(error)
    return None


async def _work(address: str, key: str, security: Security) -> None:
    coordinator = Line(address, key, security)
    try:
        order: Order = await coordinator.call("hello")
        await Session(coordinator, order).run()
    finally:
        await coordinator.close()


class _NoFile:
    """Rows are written by the coordinator."""

    def append(self, block: bytes, /) -> int:
        raise NotImplementedError

    def sync(self) -> None:
        raise NotImplementedError


@dataclass(slots=True)
class Session:
    """What one worker does for one run. `made`, the last checkpoints and what is `hidden` come with the rows."""

    coordinator: Calls
    order: Order
    made: dict[int, Mapping[int, Made]] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    stop: Stop = field(default_factory=Stop)

    async def run(self) -> None:
        """Raises Gone, and what ends a run."""
        try:
            with masked_logs(Mask() if self.order.masked else None):
                await self._run()
        except BaseExceptionGroup as errors:
            raise gravest(errors.exceptions) from errors

    async def _run(self) -> None:
        lease = Lease(self.order.lease)
        this = Process.this(__version__, self.order.ids)
        await self._sign(lease, Seen(process=this))
        ledger = Ledger(self.coordinator)
        async with self._connected(lease, ledger) as connection, self._heard(lease, connection, ledger):
            allowed = partial(self._allowed, lease)
            order = self.order
            depot = await asyncio.to_thread(depot_seen, order.folder, order.run, order.blobs)
            hide = self.hidden.__getitem__ if order.masked else None
            with place(order.folder, order.run, order.number, depot, allowed, hide) as mine:
                await self._sweep(connection, ledger, mine)
        ended = replace(this, ended=now(), attempts=connection.wire.sent)
        await self.coordinator.call("bye", ledger.take(), ended)

    async def _allowed(self, lease: Lease) -> None:
        """Blobs of a worker that was given up are another's: nothing is written while the lease has lapsed."""
        try:
            async with asyncio.timeout(self.order.lease):
                await lease.held()
        except TimeoutError:
            raise Gone("the coordinator was not heard of for too long: nothing more is written") from None

    def _connected(self, lease: Lease, ledger: Ledger) -> AbstractAsyncContextManager[Connection]:
        order = self.order

        def watch(inner: Transport) -> Transport:
            return Leased(inner, lease)

        booking = None if order.mode == "read" else ledger
        writes = Writes(order.mode, booking, order.job.limits.settle, made=self.made)
        tokens = own_credential(order.job) if order.own_tokens else Tokens(self.coordinator)
        return connected(
            order.job, tokens, self.totals.hear, writes,
            watch=watch, leaving=lease.check, share=order.workers, granted=True, ids=order.ids,
        )  # fmt: skip

    def _task(self) -> tuple[Task, Options]:
        """Looked for before the options are unpickled: they may be of its file."""
        task = find(self.order.task, self.order.job.path.parent)
        options: Options = pickle.loads(self.order.options)  # noqa: S301 - of our coordinator
        task = task.given(options)
        return undoing(task) if self.order.undo else task, options

    async def _sweep(self, connection: Connection, ledger: Ledger, mine: Place) -> None:
        task, options = self._task()
        order = self.order
        sheets = {"": Ndjson()} if order.masked else sheets_of(order.columns, order.output, order.parts)
        sinks = [Sink(name, sheet, _NoFile(), 0) for name, sheet in sheets.items()]
        writer = Outcomes(sinks, self.totals, self.coordinator, ledger)
        outputs = Outputs(writer, mine.spills, mine.blobs, States(self.coordinator), self.totals)
        rows = Rows(self.coordinator, outputs.reached, self.made, self.hidden)
        await Sweep(
            task, options, source=rows, open_graph=connection.of,
            lanes=connection.stack.lanes, outputs=outputs, alarm=Alarm(NO_ALARM), stop=self.stop,
            settings=SweepSettings(order.job.limits.mailboxes_in_flight, order.job.limits.grace, ahead=None),
        ).run()  # fmt: skip

    @asynccontextmanager
    async def _heard(self, lease: Lease, connection: Connection, ledger: Ledger) -> AsyncIterator[None]:
        """The coordinator hears of this worker and of its changes, and this worker of a wish to stop and of the fences
        of others, until the block ends."""
        stack = connection.stack
        asking = Asking(self.coordinator, cast(GrantedPace, stack.pace), stack.resume)

        def hold(seconds: float, by: str) -> None:
            stack.hold(seconds, by)
            asking.note()

        def told(seconds: float, by: str) -> None:
            ear.note(seconds, by)
            asking.note()

        ear = Ear(self.coordinator, hold, asking.here)
        stack.tell(told)
        async with asyncio.TaskGroup() as group:
            lines = self._beat(lease, connection), ear.speak(), ear.listen(), asking.ask(), ledger.write()
            beside = [group.create_task(one) for one in lines]
            try:
                yield
            finally:
                for one in beside:
                    one.cancel()

    async def _beat(self, lease: Lease, connection: Connection) -> None:
        time, used = lease.clock(), process_time()
        while True:
            before, used_before = time, used
            time, used = lease.clock(), process_time()
            busy = (used - used_before) / max(time - before, BRIEF)
            pace = connection.stack.pace.statistics()
            await self._sign(lease, Seen(pace, resident(), self.stop.reason, busy=busy))
            await asyncio.sleep(min(BEAT, self.order.lease / BEATS))

    async def _sign(self, lease: Lease, seen: Seen) -> None:
        asked = lease.clock()
        reason: Reason | None = await self.coordinator.call("beat", seen)
        lease.renew(asked)
        if reason is not None:
            self.stop.ask(reason)
