"""Goes on with a run that was stopped or killed: what is done stays done, and the rest is done now."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bulkmail.app.ending import Ended
from bulkmail.app.fingerprint import require_same
from bulkmail.app.input import earlier_source
from bulkmail.app.late import outlived, under_way_before
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, Prepared, introduce, prepare_again, prepare_apply, prepare_undo, surveyed
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.errors import InputError
from bulkmail.rundir.addresses import addresses_of, write_manifest
from bulkmail.rundir.figures import carry_over
from bulkmail.rundir.folder import existing, hold
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.maskkey import kept
from bulkmail.rundir.planned import Planned
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered, check_rows, recover

log = logging.getLogger(__name__)


async def resume(
    folder: Path, flags: Flags, *, job: Path | None = None, accept: bool = False,
    observers: Sequence[Observer] = (), note: Note = log.info, sweeping: Sweeping = alone,
) -> Ended:  # fmt: skip
    """Goes on with the run in `folder`; of one that is finished, only the end is returned. `flags` are laid over those
    that the run was given. `job` is the job file, where that has been moved.

    Raises ConfigError if input, task, application or output are no longer what they were, unless that is accepted and
    can be, and as `begin` does.
    """
    with hold(existing(folder)):
        run = RunDir(folder, job)
        run.require_addresses()
        before = run.manifest
        if before.state == "finished":
            note("the run is finished; --retry failed,denied,unknown makes a new one of what did not end well")
            return Ended(folder, before, None)
        # For the message of a process that finds the directory held.
        write_manifest(before, folder, addresses_of(before, folder, kept(before.output.mask)))
        await outlived(folder, note)
        prepared = await surveyed(await asyncio.to_thread(_prepare, run, flags))
        recovered, under_way, planned = await asyncio.to_thread(_recover, run)
        if prepared.source is not None:
            await _require_same(run, prepared, recovered, accept=accept)
        await introduce(prepared, note)
        note(f"{len(recovered.done):,} mailboxes are done already")
        return await Runner(prepared, observers, note, recovered, under_way, planned=planned, sweeping=sweeping).run(
            folder
        )


def _prepare(run: RunDir, flags: Flags) -> Prepared:
    before = run.manifest
    if before.applies:
        applied = prepare_apply(_plan_of(before), flags)
        prepared = replace(applied, source=earlier_source(run, applied.job, applied.task))
    elif before.undo:
        undo = prepare_undo(run, flags)
        prepared = replace(undo, source=earlier_source(run, undo.job, undo.task))
    else:
        prepared = prepare_again(run, flags)
    manifest = replace(
        prepared.manifest, parent=before.parent, undo=before.undo, id=before.id, started=before.started,
        seconds=before.seconds, sums=before.sums, waits=before.waits, processes=before.processes,
    )  # fmt: skip
    return replace(prepared, manifest=manifest)


def _plan_of(before: Manifest) -> RunDir:
    """The plan that a run carries out. Raises InputError if it is not there any more."""
    try:
        return RunDir(existing(Path(before.parent)))
    except InputError as error:
        raise InputError(f"the plan that this run carries out is gone: {error}", hint="Put it back.") from None


def _recover(run: RunDir) -> tuple[Recovered, Mapping[int, Heartbeat], Planned | None]:
    """How far the run got, where the run before it had a write under way, and the changes of the plan that it carries
    out."""
    before, recovered = run.manifest, recover(run)
    carry_over(recovered.totals, before)
    return recovered, under_way_before(before), _plan_of(before).planned() if before.applies else None


async def _require_same(run: RunDir, prepared: Prepared, recovered: Recovered, *, accept: bool) -> None:
    """Raises ConfigError for a run that is no longer what it was, unless that was accepted and can be."""
    changed = require_same(run.manifest, prepared.manifest, accept=accept)
    if prepared.source is not None and any(change.name.startswith("input.") for change in changed):
        await check_rows(run, recovered.done, prepared.source)
