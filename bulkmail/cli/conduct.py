"""Conducts one run: holds the directory, connects, sweeps, and writes down how it ended, whatever the end was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bulkmail import __version__
from bulkmail.cli import say
from bulkmail.cli.compose import Connection, connected, directory_source
from bulkmail.cli.loop import interruptible
from bulkmail.config import Job
from bulkmail.core.odata import one_line
from bulkmail.errors import BulkmailError, OutputError
from bulkmail.model import Source, Status, TokenSource
from bulkmail.run import folder as folders
from bulkmail.run import manifest as manifests
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.failed import write_failed
from bulkmail.run.manifest import Manifest
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.progress import Look, Progress
from bulkmail.run.source import FileSource
from bulkmail.run.stop import TIME_BOX, Stop
from bulkmail.run.sweep import Sweep, SweepSettings, foremost
from bulkmail.run.totals import Totals
from bulkmail.tasks import Options, Task

OK, NOT_ALL_OK, DEFECT = 0, 3, 1


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over: where it lies, its manifest as written, and what ended it early, if anything did."""

    folder: Path
    manifest: dict[str, Any]
    failure: Exception | None


@dataclass(slots=True)
class Run:
    """One run while it goes. `listed` are its mailboxes, and `expected` their number, unless the directory is asked."""

    job: Job
    task: Task
    options: Options
    credential: TokenSource
    listed: FileSource | None = None
    expected: int = 0
    console: Console | None = None  # where progress is shown
    totals: Totals = field(default_factory=Totals)
    stop: Stop = field(default_factory=Stop)

    async def conduct(self) -> Ended:
        """From the first request to the last file. Raises RunHeld, and OutputError where not even `run.json` can be
        written."""
        wanted = folders.name(self.job.output.directory, self.task.name, datetime.now().astimezone())
        with folders.open_folder(wanted) as folder, interruptible(self.stop, say.note):
            started = asyncio.get_running_loop().time()
            manifest = self._manifest()
            await asyncio.to_thread(manifest.write, folder)
            failure: BaseException | None = None
            source: Source | None = self.listed
            try:
                async with connected(self.job, self.credential, self.totals.hear) as connection:
                    source = source or directory_source(self.job.input, connection)
                    await self._sweep(folder, connection, source)
            except BaseExceptionGroup as errors:
                failure = foremost(errors)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - told in the manifest, raised by the caller
                failure = error
            seconds = asyncio.get_running_loop().time() - started
            return await self._end(folder, manifest, source, failure, seconds)

    async def _sweep(self, folder: Path, connection: Connection, source: Source) -> None:
        limits, output = self.job.limits, self.job.output
        columns = list(self.task.columns(self.options))
        settings = OutputSettings(output.format, output.raw, output.bom)
        watched = AlarmSettings(limits.max_failures, limits.stop_if_denied)
        with open_outputs(folder, columns, settings, self.totals) as writer:
            sweep = Sweep(
                self.task,
                self.options,
                source=source,
                open_graph=connection.of,
                lanes=connection.stack.lanes,
                writer=writer,
                alarm=Alarm(watched, self.task.permission),
                stop=self.stop,
                settings=SweepSettings(limits.mailboxes_in_flight, limits.grace),
            )
            async with self._beside(connection):
                await sweep.run()

    @asynccontextmanager
    async def _beside(self, connection: Connection) -> AsyncIterator[None]:
        """Progress and the time box, while the sweep runs."""
        loop = asyncio.get_running_loop()
        box = self.job.limits.max_duration
        timer = loop.call_later(box, self.stop.ask, TIME_BOX) if box else None

        def look() -> Look:
            seen = connection.stack.pace.statistics()
            return Look(self.totals, self.expected, seen.in_flight, seen.fence_until - loop.time())

        progress = asyncio.create_task(Progress(look, self.console).show())
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            progress.cancel()
            await asyncio.wait([progress])

    async def _end(
        self, folder: Path, manifest: Manifest, source: Source | None, failure: BaseException | None, seconds: float
    ) -> Ended:
        """Write `failed.csv` and `run.json`. An error on the way is the run's own end unless there was one before."""
        names = OutputSettings(self.job.output.format).names()
        try:
            await asyncio.to_thread(write_failed, folder / folders.OUTCOMES, folder / folders.FAILED)
        except OutputError as error:
            failure = failure or error
        state, reason, code = self._verdict(failure)
        ended = replace(
            manifest,
            state=state,
            reason=reason,
            exit_code=code,
            ended=manifests.now(),
            seconds=round(seconds, 3),
            input=self._input(source),
            counts=source.counts if source is not None else manifest.counts,
            statuses={str(status): self.totals.statuses[status] for status in Status},
            sums=manifests.sums(self.totals),
            refusals=dict(self.totals.refusals),
            problems=dict(self.totals.problems),
            outputs=await asyncio.to_thread(manifests.digests, folder, names),
        )
        await asyncio.to_thread(ended.write, folder)
        return Ended(folder, manifests.read(folder), failure if isinstance(failure, Exception) else None)

    def _verdict(self, failure: BaseException | None) -> tuple[str, str, int]:
        if isinstance(failure, BulkmailError):
            return "failed", one_line(str(failure)), failure.exit_code
        if isinstance(failure, Exception):
            return "failed", f"a defect: {type(failure).__name__}", DEFECT
        if self.stop.reason is not None:
            return "stopped", self.stop.reason.text, self.stop.reason.code
        if failure is not None:
            return "stopped", "cancelled", say.INTERRUPTED
        absent = self.totals.statuses[Status.ABSENT] if self.job.output.absent_is_failure else 0
        return "finished", "", NOT_ALL_OK if self.totals.not_ok + absent else OK

    def _manifest(self) -> Manifest:
        app = self.job.app
        return Manifest(
            task=self.task.name,
            options=self.options.model_dump(mode="json"),
            input=self._input(None),
            app={"tenant_id": app.tenant_id, "client_id": app.client_id, "cloud": app.cloud},
            limits=self.job.limits.model_dump(mode="json"),
            version=__version__,
            started=manifests.now(),
        )

    def _input(self, source: Source | None) -> dict[str, Any]:
        given = self.job.input.model_dump(mode="json", exclude_defaults=True)
        if isinstance(source, FileSource):
            given |= {"bytes": source.digest.size, "sha256": source.digest.sha256}
        return given
