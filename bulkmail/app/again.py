"""Runs again, as a new run, the mailboxes of an earlier one that ended in certain ways."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bulkmail.app.ending import Ended
from bulkmail.app.fingerprint import measured, require_same
from bulkmail.app.input import require_unchanged
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, introduce, prepare_again, surveyed
from bulkmail.app.runner import Runner
from bulkmail.errors import UsageError
from bulkmail.model import Status
from bulkmail.rundir.folder import INPUT, existing, hold, name, open_folder
from bulkmail.rundir.reader import RunDir
from bulkmail.source.remaining import Only
from bulkmail.source.spool import spool

log = logging.getLogger(__name__)


async def again(
    folder: Path, statuses: frozenset[Status], flags: Flags, *,
    observers: Sequence[Observer] = (), note: Note = log.info,
) -> Ended:  # fmt: skip
    """Runs the mailboxes of the run in `folder` that ended in one of `statuses`, with the job as it is today.

    Raises UsageError if there are none, ConfigError if the input is no longer what it was, and as `begin` does.
    """
    with hold(existing(folder)):
        run = RunDir(folder)
        rows = await asyncio.to_thread(run.rows_with, statuses)
    if not rows:
        raise UsageError(f"{folder} has no mailbox that ended {' or '.join(sorted(statuses))}")
    prepared = await surveyed(await asyncio.to_thread(prepare_again, run, flags))
    if run.manifest.undo or prepared.source is None:
        raise UsageError(f"{folder} cannot be run again in part", hint="Start it anew.")
    require_same(run.manifest, prepared.manifest, only=("input.",))
    await introduce(prepared, note)
    wanted = name(
        prepared.job.output.directory, prepared.task.name, datetime.now().astimezone(), prepared.job.path.stem
    )
    with open_folder(wanted) as new:
        source = await spool(Only(prepared.source, rows), new / INPUT)
        require_unchanged(prepared.source, prepared.manifest.input)
        manifest = measured(prepared.manifest, source)
        return await Runner(replace(prepared, source=source, manifest=manifest), observers, note).run(new)
