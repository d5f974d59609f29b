"""Conducts one run: connects, sweeps, and writes down how it ended, whatever the end was. Its directory is held by the
caller, and may have been begun by a process that died."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from bulkmail.app.compose import Connection, Writes, connected, directory_source
from bulkmail.app.fingerprint import measured
from bulkmail.app.loop import interruptible
from bulkmail.app.observe import Note, Observer, observed
from bulkmail.config import Job
from bulkmail.errors import BulkmailError
from bulkmail.model import Ending, Source, Status, TokenSource
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.pending import Outputs
from bulkmail.run.snapshot import Snapshot, resident
from bulkmail.run.stop import CANCELLED, CHANGES, TIME_BOX, Stop
from bulkmail.run.sweep import Sweep, SweepSettings, foremost
from bulkmail.rundir import folder as folders
from bulkmail.rundir import heartbeat
from bulkmail.rundir.digests import digests
from bulkmail.rundir.failed import write_failed
from bulkmail.rundir.figures import sums, waits
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.ledger import ChangeLedger, written
from bulkmail.rundir.manifest import FileDigest, Manifest, State, now
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered
from bulkmail.sink.appender import reopened
from bulkmail.sink.uncancelled import uncancelled
from bulkmail.source import FileSource
from bulkmail.source.remaining import Remaining
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.tasks import Options, Task
from bulkmail.text import one_line

log = logging.getLogger(__name__)

OK, NOT_ALL_OK, DRIFT, DEFECT = 0, 3, 8, 1


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over: where it lies, its manifest as written, and what ended it early, if anything did."""

    folder: Path
    manifest: Manifest
    failure: Exception | None


@dataclass(slots=True)
class Run:
    """One run while it goes. `listed` are its mailboxes, unless the directory is asked, and `expected` their number.
    `recovered` is how far processes before this one got. `observers` see the run while it goes."""

    job: Job
    task: Task
    options: Options
    credential: TokenSource
    manifest: Manifest
    listed: FileSource | SpooledSource | None = None
    expected: int = 0
    observers: Sequence[Observer] = ()
    note: Note = log.info
    recovered: Recovered = field(default_factory=Recovered)
    stop: Stop = field(default_factory=Stop)

    async def conduct(self, folder: Path) -> Ended:
        """From the first request to the last file. Raises OutputError where not even `run.json` can be written."""
        with interruptible(self.stop, self.note):
            started = asyncio.get_running_loop().time()
            failure: BaseException | None = None
            try:
                await self._write_manifest(folder)
                await self._work(folder)
            except BaseExceptionGroup as errors:
                failure = foremost(errors)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told in the manifest, raised by the caller
                failure = error
            seconds = asyncio.get_running_loop().time() - started
            ended: list[Ended] = []

            async def end() -> None:
                ended.append(await self._end(folder, failure, seconds))

            await uncancelled(end())  # who interrupts now has nothing left to stop
            return ended[0]

    async def _work(self, folder: Path) -> None:
        async with (
            self._writes(folder) as writes,
            connected(self.job, self.credential, self.recovered.totals.hear, writes) as connection,
        ):
            with self._outputs(folder) as outputs:
                source = await self.stop.before(self._pin_source(folder, connection))
                if source is not None:
                    await self._sweep(connection, Remaining(source, self.recovered.done), outputs)

    def _outputs(self, folder: Path) -> AbstractContextManager[Outputs]:
        output = self.job.output
        settings = OutputSettings(output.format, output.raw, output.bom)
        return open_outputs(folder, list(self.task.columns(self.options)), settings, self.recovered)

    @asynccontextmanager
    async def _writes(self, folder: Path) -> AsyncIterator[Writes]:
        """Where writes are noted; they last until every request has ended."""
        mode, known = self.manifest.mode, self.recovered.changes
        if mode == "read":
            yield Writes()
            return
        path, last = folder / folders.CHANGES, heartbeat.last(folder / folders.ALIVE)
        with await asyncio.to_thread(reopened, path, known.length) as file:
            ledger = ChangeLedger(
                Journal(file), number=known.number, counts=known.counts, most=self.job.limits.max_changes,
                exhausted=lambda: self.stop.ask(CHANGES),
            )  # fmt: skip
            if known.length:
                ledger.reopen(last)
            settle, now = self.job.limits.settle, heartbeat.current()
            unsettled = {
                row: settle + heartbeat.INTERVAL - heartbeat.elapsed(beat, now) for row, beat in known.unsettled.items()
            }
            async with heartbeat.beating(folder / folders.ALIVE), written(ledger):
                yield Writes(mode, ledger, settle, unsettled, known.made)

    async def _pin_source(self, folder: Path, connection: Connection) -> Source:
        """The mailboxes, from where they can be read again, and noted what they were read from."""
        if self.listed is None or (isinstance(self.listed, FileSource) and not self.listed.local):
            once = self.listed or directory_source(self.job.input, connection)
            self.listed = await spool(once, folder / folders.INPUT)
            self.expected = self.listed.counts.unique
        known = await asyncio.to_thread(measured, self.manifest, self.listed)
        self.manifest = replace(known, counts=self.listed.counts)
        await self._write_manifest(folder)
        return self.listed

    async def _write_manifest(self, folder: Path) -> None:
        """Always to its end: a thread that still wrote when the run ends would write over what the end has written."""
        if cancelled := await uncancelled(asyncio.to_thread(self.manifest.write, folder)):
            raise cancelled

    async def _sweep(self, connection: Connection, source: Source, outputs: Outputs) -> None:
        limits = self.job.limits
        watched = AlarmSettings(limits.max_failures, limits.stop_if_denied)
        sweep = Sweep(
            self.task,
            self.options,
            source=source,
            open_graph=connection.of,
            lanes=connection.stack.lanes,
            outputs=outputs,
            alarm=Alarm(watched, self.task.permission),
            stop=self.stop,
            settings=SweepSettings(limits.mailboxes_in_flight, limits.grace, barred=self.recovered.changes.barred),
        )
        async with self._beside(connection):
            await sweep.run()

    @asynccontextmanager
    async def _beside(self, connection: Connection) -> AsyncIterator[None]:
        """Observers and the time box, while the sweep runs."""
        loop = asyncio.get_running_loop()
        box, started = self.job.limits.max_duration, loop.time()
        timer = loop.call_later(box, self.stop.ask, TIME_BOX) if box else None

        def look() -> Snapshot:
            return Snapshot.of(
                self.recovered.totals, self.recovered.changes.counts, connection.stack.pace.statistics(),
                connection.stack.waits(), at=datetime.now(UTC).timestamp(), seconds=loop.time() - started,
                expected=self.expected, memory=resident(),
            )  # fmt: skip

        try:
            async with observed(look, self.observers):
                yield
        finally:
            if timer is not None:
                timer.cancel()

    async def _end(self, folder: Path, failure: BaseException | None, seconds: float) -> Ended:
        """Write `failed.csv` and `run.json`. An error on the way is the run's own end unless there was one before."""
        names, totals = OutputSettings(self.job.output.format).names(), self.recovered.totals
        outputs: dict[str, FileDigest] = {}
        try:
            await asyncio.to_thread(write_failed, RunDir(folder))
            outputs = await asyncio.to_thread(digests, folder, names)
        except BulkmailError as error:
            failure = failure or error
        state, reason, code = self._verdict(failure)
        ended = replace(
            self.manifest,
            state=state,
            reason=reason,
            exit_code=code,
            ended=now(),
            seconds=round(self.manifest.seconds + seconds, 3),
            counts=self.listed.counts if self.listed is not None else self.manifest.counts,
            statuses={str(status): totals.statuses[status] for status in Status},
            sums=sums(totals),
            changes={str(ending): number for ending, number in self.recovered.changes.counts.items() if number},
            waits=waits(totals),
            problems=dict(totals.problems),
            outputs=outputs,
        )
        ended = await asyncio.to_thread(ended.write, folder)
        return Ended(folder, ended, failure if isinstance(failure, Exception) else None)

    def _verdict(self, failure: BaseException | None) -> tuple[State, str, int]:
        if isinstance(failure, BulkmailError):
            return "failed", one_line(str(failure)), failure.exit_code
        if isinstance(failure, Exception):
            return "failed", f"a defect: {type(failure).__name__}", DEFECT
        if self.stop.reason is not None:
            return "stopped", self.stop.reason.text, self.stop.reason.code
        if failure is not None:
            return "stopped", CANCELLED.text, CANCELLED.code
        totals = self.recovered.totals
        absent = totals.statuses[Status.ABSENT] if self.job.output.absent_is_failure else 0
        if totals.not_ok + absent:
            return "finished", "", NOT_ALL_OK
        drifted = self.manifest.mode == "drift" and self.recovered.changes.counts[Ending.PLANNED]
        return "finished", "drift was found" if drifted else "", DRIFT if drifted else OK
