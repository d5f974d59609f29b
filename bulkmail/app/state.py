"""Opens what mailboxes left behind in the earlier runs of a job, for a task that keeps it and a job that says where."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict

from bulkmail.app.observe import Note
from bulkmail.app.prepare import Prepared
from bulkmail.rundir.state import States, scope_of


@asynccontextmanager
async def open_states(prepared: Prepared, note: Note) -> AsyncIterator[States | None]:
    """Those of the task with its options, its code and its application: with others, nothing was left behind. `note`
    hears of a file that is new or damaged. Raises OutputError."""
    task, path, manifest = prepared.task, prepared.job.state.path, prepared.manifest
    if path is None or not task.keeps_state:
        yield None
        return
    scope = scope_of({"options": manifest.options, "code": manifest.code, "app": asdict(manifest.app)})
    with closing(await asyncio.to_thread(States.open, path, task.name, scope, note)) as states:
        yield states
