"""Runs what was prepared: connects, sweeps, and writes down how it ended, whatever the end was.

The run directory is held by the caller, and may have been begun by a process that died.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bulkmail import __version__
from bulkmail.app.compose import Connection, connected
from bulkmail.app.ending import Ended, end
from bulkmail.app.fingerprint import measured
from bulkmail.app.input import chosen, directory_source, require_unchanged, spooled, survey
from bulkmail.app.loop import interruptible
from bulkmail.app.masking import masked_logs
from bulkmail.app.observe import Note, Observer, observed
from bulkmail.app.page import write_report_at_end
from bulkmail.app.prepare import Prepared
from bulkmail.app.sharing import sharing
from bulkmail.app.signing import sign, unsigned
from bulkmail.app.state import open_freshness, open_states
from bulkmail.app.sweeping import Sweeping, Watched, Work, alone
from bulkmail.app.templates import asked, collecting, require_columns
from bulkmail.app.warnings import warned
from bulkmail.app.writes import Writes, booked
from bulkmail.errors import BulkmailError, gravest
from bulkmail.model import Chunks, Source, Status, Wait
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.outputs import NO_PARTS, OutputSettings, open_outputs
from bulkmail.run.pending import Outputs
from bulkmail.run.sampling import sampled
from bulkmail.run.snapshot import Snapshot, resident
from bulkmail.run.stop import TIME_BOX, Reason, Stop, changes_made
from bulkmail.run.sweep import SweepSettings
from bulkmail.rundir.addresses import Addresses, write_manifest
from bulkmail.rundir.figures import believed
from bulkmail.rundir.folder import INPUT, identity, require_itself
from bulkmail.rundir.freshness import Freshness
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.manifest import Process, now
from bulkmail.rundir.planned import Planned
from bulkmail.rundir.recovery import Recovered
from bulkmail.rundir.state import States
from bulkmail.sink.uncancelled import uncancelled
from bulkmail.source.largest import Largest, require_sizes
from bulkmail.source.remaining import Gate, Remaining
from bulkmail.source.spool import SpooledSource
from bulkmail.source.stalest import Stalest
from bulkmail.task.declare import Options
from bulkmail.transport.wire import new_ids

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Runner:
    """One run while it goes. `observers` see it once a second, `note` tells the user of a wish to stop.

    `recovered` is how far processes before this one got; `under_way` are rows in which another run, that this one takes
    back, had a write under way. `sweeping` works through the mailboxes. A run with a `canary` stops after so many
    mailboxes, so that a person can look; one that carries out a plan makes only the changes that are `planned`.
    """

    prepared: Prepared
    observers: Sequence[Observer] = ()
    note: Note = log.info
    recovered: Recovered = field(default_factory=Recovered)
    under_way: Mapping[int, Heartbeat] = field(default_factory=dict)
    canary: int = 0
    planned: Planned | None = None
    sweeping: Sweeping = alone
    stop: Stop = field(default_factory=Stop)
    addresses: Addresses | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if (mask := self.prepared.mask) is not None:
            tell = self.note
            self.note = lambda text: tell(mask.text(text))

    async def run(self, folder: Path) -> Ended:
        """From the first request to the last file. Raises OutputError where not even `run.json` can be written."""
        with interruptible(self.stop, self.note), masked_logs(self.prepared.mask):
            clock = asyncio.get_running_loop().time
            started, failure, began_in = clock(), None, identity(folder)
            self.addresses = self.prepared.addresses(folder)
            try:
                await asyncio.to_thread(unsigned, folder)
                this = Process.this(__version__, new_ids())
                self._set(processes=(*self.prepared.manifest.processes, this))
                await self._write_manifest(folder)
                await self._work(folder)
            except BaseExceptionGroup as errors:
                failure = gravest(errors.exceptions)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told in the manifest, raised by the caller
                failure = error
            ended: list[Ended] = []

            async def finish() -> None:
                await asyncio.to_thread(require_itself, folder, began_in)
                ended.append(await self._end(folder, failure, clock() - started))

            await uncancelled(finish())  # an interrupt has nothing left to stop now
            if self.prepared.job.output.report:
                await asyncio.to_thread(write_report_at_end, folder, self.note)
            return ended[0]

    async def _write_manifest(self, folder: Path) -> None:
        """Always to its end: a thread that still wrote when the run ends would write over what the end has written."""
        writing = asyncio.to_thread(write_manifest, self.prepared.manifest, folder, self.addresses)
        if cancelled := await uncancelled(writing):
            raise cancelled

    async def _work(self, folder: Path) -> None:
        prepared = self.prepared
        async with (
            booked(
                folder, prepared.manifest.mode, prepared.job.limits, self.recovered.changes, self.under_way,
                exhausted=lambda: self.stop.ask(changes_made(prepared.job.limits.max_changes)), planned=self.planned,
                run=prepared.manifest.id, addresses=self.addresses, lease=prepared.job.cluster.granted,
            ) as writes,
            connected(
                prepared.job, prepared.credential, self.recovered.totals.hear, writes,
                ids=prepared.manifest.processes[-1].requests,
            ) as connection,
            open_states(prepared, self.note) as states,
            open_freshness(prepared, self.note) as freshness,
            self._sharing(folder, connection),
        ):  # fmt: skip
            with self._outputs(folder, states, freshness) as outputs, self._counting(connection):
                source = await self.stop.before(self._input(folder, connection, freshness))
                if source is not None:
                    await self._work_on(source, connection, writes, outputs, folder)
                    if freshness is not None:
                        await asyncio.to_thread(freshness.whole)

    @contextmanager
    def _counting(self, connection: Connection) -> Iterator[None]:
        """How many attempts this process made stands in the manifest, however it ends."""
        try:
            yield
        finally:
            *before, this = self.prepared.manifest.processes
            ended = replace(this, ended=now(), attempts=connection.wire.sent)
            self._set(processes=(*before, ended))

    def _set(self, **changed: Any) -> None:
        self.prepared = replace(self.prepared, manifest=replace(self.prepared.manifest, **changed))

    @asynccontextmanager
    async def _sharing(self, folder: Path, connection: Connection) -> AsyncIterator[None]:
        """Beside other runs with this application; which they were stands in the manifest."""
        async with sharing(self.prepared, folder, connection.stack, self.stop, self.note) as found:
            try:
                yield
            finally:
                met = [f"shared the limits of the service with {one}" for one in (found.met if found else ())]
                self._set(warnings=(*self.prepared.manifest.warnings, *met))

    def _outputs(
        self, folder: Path, states: States | None, freshness: Freshness | None
    ) -> AbstractContextManager[Outputs]:
        task, options, out = self.prepared.task, self.prepared.options, self.prepared.manifest.output
        settings = OutputSettings(out.format, out.raw, out.bom, out.delimiter, decimal_comma=out.decimal_comma)
        planning = self.prepared.manifest.mode in ("plan", "drift")
        return open_outputs(
            folder,
            list(task.columns(options)),
            settings,
            self.recovered,
            states,
            planning=planning,
            run=self.prepared.manifest.id,
            freshness=freshness,
            parts=NO_PARTS if task.parts is None else task.parts(options),
            addresses=self.addresses,
            depot=self.prepared.depot(folder),
            anew=self.prepared.job.cluster.wanted,
        )

    async def _input(self, folder: Path, connection: Connection, freshness: Freshness | None) -> Source:
        """The mailboxes, from where they can be read again."""
        source = self.prepared.source
        if source is None or not source.replayable:
            keep_columns = self.prepared.task.wants_columns
            once = source or directory_source(self.prepared.job.input, connection, keep_columns=keep_columns)
            source = await self._kept(once, folder)
            manifest = measured(measured(self.prepared.manifest, once), source)  # the first knows names of columns
            manifest = warned(manifest, self.prepared.options, source)
            for text in manifest.warnings:
                self.note(f"warning: {text}")
            self.prepared = replace(self.prepared, source=source, manifest=manifest)
            await self._write_manifest(folder)
        given = self.prepared.job.input
        if freshness is not None and given.order == "stalest" and not self.prepared.manifest.parent:
            kept = SpooledSource(folder / INPUT, self.addresses)
            source = Stalest(
                source, kept, freshness.last, done=self.recovered.done, begun=self.recovered.begun, limit=given.limit
            )
        elif given.order == "largest" and not self.prepared.manifest.parent:
            source = Largest(source, SpooledSource(folder / INPUT, self.addresses), given.size_column)
        self.prepared = replace(self.prepared, source=source)
        return source

    async def _kept(self, once: Source, folder: Path) -> Source:
        """What the job wants of a source that is copied into the run directory."""
        prepared, empty_is_ok = self.prepared, self.prepared.job.output.empty_is_ok
        kept = await spooled(once, folder / INPUT, self.addresses, empty_is_ok=empty_is_ok)
        source = chosen(kept, prepared.job.input, keep_columns=prepared.task.wants_columns)
        names, wanted, sizes = set[str](), asked(prepared.options), prepared.job.input.size_column
        if kept.size() and (wanted or sizes or source is not kept):
            await survey(source, empty_is_ok=empty_is_ok, look=collecting(names) if wanted or sizes else None)
            if wanted and source.size():
                require_columns(prepared.options, names, once.name)
            if sizes and source.size():
                require_sizes(sizes, names, once.name)
        return source

    async def _work_on(
        self, source: Source, connection: Connection, writes: Writes, outputs: Outputs, folder: Path
    ) -> None:
        """Raises InputError, when all is done, if the input was not what it had been found to be."""
        found = self.prepared.manifest.input
        try:
            async with self._observed(connection, outputs, folder) as watched:
                remaining = self._gated(Remaining(source, self.recovered.done))
                await self._sweep(remaining, connection, writes, outputs, folder, watched)
        finally:  # however the run ends, its manifest names the input that was worked on
            self.prepared = replace(self.prepared, manifest=measured(self.prepared.manifest, source))
        require_unchanged(source, found)

    def _gated(self, source: Chunks) -> Chunks:
        return Gate(source, self.canary, self.stop.wait) if self.canary else source

    async def _sweep(
        self, source: Chunks, connection: Connection, writes: Writes, outputs: Outputs, folder: Path, watched: Watched
    ) -> None:
        limits = self.prepared.job.limits
        options, failure = await self._asked_once(connection)
        work = Work(
            self.prepared,
            options,
            folder,
            source,
            connection,
            writes,
            outputs,
            Alarm(self._watched(), self.recovered.changes.counts),
            self.stop,
            SweepSettings(
                limits.mailboxes_in_flight, limits.grace, barred=self.recovered.changes.barred, mask=self.addresses
            ),
            self.note,
            watched,
        )
        with self._time_box():
            try:
                await self.sweeping(work)
            finally:
                *before, this = self.prepared.manifest.processes
                self._set(processes=(*before, *work.processes.values(), this))
        if failure is not None:
            raise failure

    async def _asked_once(self, connection: Connection) -> tuple[Options, BulkmailError | None]:
        """The options for all mailboxes, with what the task asks before the first of them; or why that failed. Then,
        and when a stop is asked for first, the sweep has nothing to do but to say so of each mailbox."""
        once, options = self.prepared.task.once, self.prepared.options
        if once is None:
            return options, None
        try:
            return await self.stop.before(once(connection.directory(), options)) or options, None
        except BulkmailError as error:
            self.stop.ask(Reason(error.exit_code, str(error)))
            return options, error

    def _watched(self) -> AlarmSettings:
        prepared, limits = self.prepared, self.prepared.job.limits
        return AlarmSettings(
            limits.max_failures,
            0 if Status.DENIED in prepared.expected else limits.stop_if_denied,
            0 if Status.ABSENT in prepared.expected else limits.stop_if_absent,
            canary=self.canary,
            permission=prepared.task.needs(prepared.options).text,
            tenant=prepared.job.app.tenant_id,
        )

    @contextmanager
    def _time_box(self) -> Iterator[None]:
        box = self.prepared.job.limits.max_duration
        timer = asyncio.get_running_loop().call_later(box, self.stop.ask, TIME_BOX) if box else None
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()

    @asynccontextmanager
    async def _observed(self, connection: Connection, outputs: Outputs, folder: Path) -> AsyncIterator[Watched]:
        clock = asyncio.get_running_loop().time
        started, watched = clock(), Watched(connection.stack.pace.statistics)

        def look() -> Snapshot:
            pace = watched.statistics()
            return Snapshot.of(
                self.recovered.totals, self.recovered.changes.counts, pace,
                self._shown(connection.stack.waits()), at=datetime.now(UTC).timestamp(), seconds=clock() - started,
                expected=self.prepared.manifest.input.mailboxes or 0, memory=resident(),
                queue=outputs.writer.waiting, service=believed(pace, clock()), manifest=self.prepared.manifest,
                workers=watched.workers(),
            )  # fmt: skip

        try:
            async with sampled(folder) as sampler, observed(look, [*self.observers, sampler]):
                yield watched
        finally:
            service = believed(watched.statistics(), clock())
            self._set(service=service)

    def _shown(self, waits: Sequence[Wait]) -> Sequence[Wait]:
        mask = self.prepared.mask
        return [one._replace(mailbox=one.mailbox and mask(one.mailbox)) for one in waits] if mask else waits

    async def _end(self, folder: Path, failure: BaseException | None, seconds: float) -> Ended:
        prepared = self.prepared
        counts = prepared.manifest.counts if prepared.source is None else prepared.source.counts
        ended = await end(
            folder, prepared.manifest, self.recovered, failure, self.stop.reason, seconds=seconds, counts=counts,
            absent_is_failure=prepared.job.output.absent_is_failure, addresses=self.addresses,
        )  # fmt: skip
        return await asyncio.to_thread(sign, prepared, ended)
