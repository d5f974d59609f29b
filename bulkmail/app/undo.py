"""Takes back what a run changed, as a run of its own whose input is the other run's ledger."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bulkmail.app.ending import Ended
from bulkmail.app.fingerprint import measured
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, introduce, prepare_undo
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.errors import UsageError
from bulkmail.rundir.applied import ChangesSource
from bulkmail.rundir.folder import INPUT, existing, hold, open_folder
from bulkmail.rundir.reader import RunDir
from bulkmail.source.spool import spool

log = logging.getLogger(__name__)


async def undo(
    folder: Path, flags: Flags, *, into: Path, job: Path | None = None,
    observers: Sequence[Observer] = (), note: Note = log.info, sweeping: Sweeping = alone,
) -> Ended:  # fmt: skip
    """Undoes the run in `folder`, by what its `run.json` says; the directory of the undo is `into`. Without
    `task.apply` among the `flags` it only plans. `job` is the job file, where that has been moved.

    A mailbox in which the run had a write under way when it ended is not looked at before that has settled: it may be
    carried out late. Raises UsageError if nothing was changed or the task cannot undo, and as `begin` does.
    """
    with hold(existing(folder)):
        run = RunDir(folder, job)
        run.require_addresses()
        if run.manifest.mode != "apply":
            what = "only a report" if run.manifest.mode == "read" else "only a plan"
            raise UsageError(f"{folder} changed nothing: it was {what}")
        prepared = await asyncio.to_thread(prepare_undo, run, {"task.drift": False, "task.apply": False} | dict(flags))
        under_way = (await asyncio.to_thread(run.unfinished)).under_way
        await introduce(prepared, note)
        with open_folder(into) as new:
            source = await spool(ChangesSource(run), new / INPUT, prepared.addresses(new))
            manifest = measured(prepared.manifest, source)
            prepared = replace(prepared, source=source, manifest=manifest)
            return await Runner(prepared, observers, note, under_way=under_way, sweeping=sweeping).run(new)
