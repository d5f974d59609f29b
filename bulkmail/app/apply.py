"""Applies a plan that was reviewed: its own options, its own input, and no change that it does not have."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bulkmail.app.ending import Ended
from bulkmail.app.fingerprint import measured
from bulkmail.app.input import require_unchanged
from bulkmail.app.late import under_way_before
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, introduce, prepare_apply, surveyed
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.errors import ConfigError, UsageError
from bulkmail.rundir.differences import differences
from bulkmail.rundir.folder import INPUT, existing, hold, open_folder
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.reader import RunDir
from bulkmail.source.remaining import Only
from bulkmail.source.spool import spool

log = logging.getLogger(__name__)


async def apply(
    folder: Path,
    flags: Flags,
    *,
    into: Path,
    job: Path | None = None,
    canary: int = 0,
    observers: Sequence[Observer] = (),
    note: Note = log.info,
    sweeping: Sweeping = alone,
) -> Ended:
    """Carries out the plan in `folder`, in a directory of its own, `into`. A mailbox that is not as it was when the
    plan was made is reported and left alone. With a `canary` it stops after so many mailboxes. `job` is the job
    file, where that has been moved.

    Raises UsageError for what is not a plan or not a whole one, ConfigError if its input, its task or its application
    is not what it was, and as `begin` does.
    """
    with hold(existing(folder)):
        plan = RunDir(folder, job)
        plan.require_addresses()
        require_plan(plan)
        planned = await asyncio.to_thread(plan.planned)
        if not len(planned):
            note("the plan has no change: there is nothing to apply")
            return Ended(folder, plan.manifest, None)
        prepared = await surveyed(await asyncio.to_thread(prepare_apply, plan, flags))
        require_as_planned(folder, plan.manifest, prepared.manifest)
        under_way = await asyncio.to_thread(under_way_before, plan.manifest)
        await introduce(prepared, note)
        if prepared.source is None:  # a plan whose input was not a file has kept it
            raise UsageError(f"{folder} does not have the mailboxes that it planned for", hint="Plan anew.")
        with open_folder(into) as new:
            source = await spool(Only(prepared.source, planned.rows), new / INPUT, prepared.addresses(new))
            require_unchanged(prepared.source, prepared.manifest.input)
            prepared = replace(prepared, source=source, manifest=measured(prepared.manifest, source))
            first = canary if canary < len(planned.rows) else 0
            runner = Runner(
                prepared, observers, note, under_way=under_way, canary=first, planned=planned, sweeping=sweeping
            )
            return await runner.run(new)


def require_plan(plan: RunDir) -> None:
    """Raises UsageError."""
    manifest = plan.manifest
    if manifest.mode not in ("plan", "drift"):
        what = "it was only a report" if manifest.mode == "read" else "it was applied"
        raise UsageError(f"{plan.path} is not a plan: {what}", hint="`bulkmail run JOB.toml` plans.")
    if manifest.state != "finished":
        raise UsageError(f"the plan in {plan.path} is not complete", hint="`bulkmail resume` goes on with it.")


def require_as_planned(folder: Path, then: Manifest, now: Manifest) -> None:
    """Raises ConfigError where what was reviewed is not what would be done."""
    changed = [one for one in differences(then, now) if one.name.startswith(("input.", "code"))]
    if changed:
        raise ConfigError(
            "\n".join([f"the plan in {folder} no longer fits:", *map(str, changed)]),
            hint="Put that back as it was, or plan anew: what was reviewed is not what would be done.",
        )
