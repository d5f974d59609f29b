"""Begins a new run of a job: reads the list, signs in, makes the directory, runs."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from bulkmail.app.ending import Ended
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, introduce, prepare, surveyed
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.config import Job
from bulkmail.rundir.folder import name, open_folder

log = logging.getLogger(__name__)


async def begin(
    job: Job, flags: Flags, *, observers: Sequence[Observer] = (), note: Note = log.info, sweeping: Sweeping = alone
) -> Ended:
    """Runs a job in a directory of its own. `flags` are those that the job was loaded with.

    Raises BulkmailError for what prevents the run; what ends it early is in what is returned.
    """
    prepared = await surveyed(await asyncio.to_thread(prepare, job, flags))
    await introduce(prepared, note)
    wanted = name(job.output.directory, prepared.task.name, datetime.now().astimezone(), job.path.stem)
    with open_folder(wanted) as folder:
        note(f"run directory: {folder.resolve()}")
        return await Runner(prepared, observers, note, sweeping=sweeping).run(folder)
