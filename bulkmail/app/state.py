"""Opens what lasts between the runs of a job that says where: what mailboxes left behind, for a task that keeps it, and
when each was last tried."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from datetime import datetime

from bulkmail.app.observe import Note
from bulkmail.app.prepare import Prepared
from bulkmail.rundir.freshness import Freshness
from bulkmail.rundir.manifest import Manifest, Mode
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


def freshness_scope(task: str, mode: Mode, tenant: str) -> str:
    """What runs have in common that share the age of a mailbox: to look at one is not to have changed it."""
    return f"{task} {'apply' if mode == 'apply' else 'look'} {tenant}"


@asynccontextmanager
async def open_freshness(prepared: Prepared, note: Note) -> AsyncIterator[Freshness | None]:
    """None for a run that takes back: it makes nothing fresh. `note` hears of a file that is new or damaged. Raises
    OutputError."""
    path, manifest = prepared.job.state.path, prepared.manifest
    if path is None or manifest.undo:
        yield None
        return
    scope = freshness_scope(prepared.task.name, manifest.mode, manifest.app.tenant_id)
    listed = 0.0 if _is_part(manifest) else datetime.fromisoformat(manifest.started).timestamp()
    opening = asyncio.to_thread(Freshness.open, path, scope, listed=listed, note=note)
    with closing(await opening) as freshness:
        yield freshness


def _is_part(manifest: Manifest) -> bool:
    """Whether the run knows only some mailboxes of the list that its job is about."""
    given = manifest.input
    return bool(manifest.parent or given.limit or given.skip or given.sample)
