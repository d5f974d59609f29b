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
from bulkmail.cli.compose import Connection, connected, expected, source_of
from bulkmail.cli.loop import interruptible
from bulkmail.config import Job
from bulkmail.core.odata import one_line
from bulkmail.errors import BulkmailError
from bulkmail.model import Source, Status, TokenSource
from bulkmail.run import folder as folders
from bulkmail.run import manifest as manifests
from bulkmail.run.failed import write_failed
from bulkmail.run.manifest import Manifest
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.progress import Look, Progress
from bulkmail.run.source import FileSource
from bulkmail.run.stop import TIME_BOX, Stop
from bulkmail.run.sweep import Sweep, SweepSettings
from bulkmail.run.totals import Totals
from bulkmail.tasks import Options, Task

OK, NOT_ALL_OK, DEFECT = 0, 3, 1


@dataclass(slots=True)
class Run:
    """One run while it goes."""

    job: Job
    task: Task
    options: Options
    credential: TokenSource
    console: Console | None = None  # where progress is shown
    totals: Totals = field(default_factory=Totals)
    stop: Stop = field(default_factory=Stop)
    expected: int = 0

    async def conduct(self) -> tuple[Path, dict[str, Any]]:
        """The run directory and its manifest. Raises what ends a run early, when everything known is written."""
        wanted = folders.name(self.job.output.directory, self.task.name, datetime.now().astimezone())
        with folders.open_folder(wanted) as folder:
            started = asyncio.get_running_loop().time()
            manifest = self._manifest()
            manifest.write(folder)
            failure: BaseException | None = None
            source: Source | None = None
            try:
                async with connected(self.job, self.credential, self.totals.hear) as connection:
                    source = source_of(self.job, connection)
                    await self._sweep(folder, connection, source)
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - raised again below, when all is written
                failure = error
            seconds = asyncio.get_running_loop().time() - started
            ended = await self._end(folder, manifest, source, failure, seconds)
            if isinstance(failure, Exception):
                raise failure
            return folder, ended

    async def _sweep(self, folder: Path, connection: Connection, source: Source) -> None:
        limits, output = self.job.limits, self.job.output
        columns = list(self.task.columns(self.options))
        self.expected = await asyncio.to_thread(expected, self.job)
        settings = OutputSettings(output.format, output.raw, output.bom)
        with interruptible(self.stop, say.note), open_outputs(folder, columns, settings, self.totals) as writer:
            sweep = Sweep(
                self.task,
                self.options,
                source=source,
                open_graph=connection.of,
                lanes=connection.stack.lanes,
                writer=writer,
                totals=self.totals,
                stop=self.stop,
                settings=SweepSettings(
                    limits.mailboxes_in_flight, limits.max_failures, limits.stop_if_denied, limits.grace
                ),
            )
            async with self._beside(connection):
                await sweep.run()
            sweep.require_admission()

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
    ) -> dict[str, Any]:
        """Write `failed.csv` and `run.json`; an error on the way is the run's own end unless there was one before."""
        names = OutputSettings(self.job.output.format).names()
        if (folder / folders.OUTCOMES).exists():
            await asyncio.to_thread(write_failed, folder / folders.OUTCOMES, folder / folders.FAILED)
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
        ended.write(folder)
        return manifests.read(folder)

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
