"""Runs again, as a new run, the mailboxes of an earlier one that ended in certain ways."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bulkmail.app.commands import SEND_AGAIN
from bulkmail.app.ending import Ended
from bulkmail.app.fingerprint import measured, require_same
from bulkmail.app.input import require_unchanged
from bulkmail.app.observe import Note, Observer
from bulkmail.app.prepare import Flags, introduce, prepare_again, surveyed
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, alone
from bulkmail.errors import UsageError
from bulkmail.model import Status
from bulkmail.rundir.folder import INPUT, existing, hold, name, open_folder
from bulkmail.rundir.reader import RunDir
from bulkmail.source.remaining import Only
from bulkmail.source.rows import Rows
from bulkmail.source.spool import spool

log = logging.getLogger(__name__)


async def again(
    folder: Path, statuses: frozenset[Status], flags: Flags, *, send_again: bool = False, job: Path | None = None,
    observers: Sequence[Observer] = (), note: Note = log.info, sweeping: Sweeping = alone,
) -> Ended:  # fmt: skip
    """Runs the mailboxes of the run in `folder` that ended in one of `statuses`, with the job as it is today. Without
    `task.apply` among the `flags` it only plans, also where the run applied. `job` is the job file, where
    that has been moved.

    Mailboxes in which something was or may have been sent that leaves no trace are left out, unless they are to
    `send_again`: people would get it twice. One with a write under way waits until that has settled.

    Raises UsageError if there are none, ConfigError if the input is no longer what it was, and as `begin` does.
    """
    with hold(existing(folder)):
        run = RunDir(folder, job)
        run.require_addresses()
        chosen = await asyncio.to_thread(run.rows_with, statuses)
        sent = set() if send_again else await asyncio.to_thread(run.sent_once)
        under_way = (await asyncio.to_thread(run.unfinished)).under_way
    if not chosen:
        raise UsageError(f"{folder} has no mailbox that ended {' or '.join(sorted(statuses))}")
    rows = without(chosen, sent, note)
    flags = {"task.apply": False} | ({"task.drift": False} if flags.get("task.apply") else {}) | dict(flags)
    prepared = await surveyed(await asyncio.to_thread(prepare_again, run, flags))
    if run.manifest.undo or prepared.source is None:
        raise UsageError(f"{folder} cannot be run again in part", hint="Start it anew.")
    require_same(run.manifest, prepared.manifest, only=("input.",))
    await introduce(prepared, note)
    wanted = name(
        prepared.job.output.directory, prepared.task.name, datetime.now().astimezone(), prepared.job.path.stem
    )
    with open_folder(wanted) as new:
        source = await spool(Only(prepared.source, rows), new / INPUT, prepared.addresses(new))
        require_unchanged(prepared.source, prepared.manifest.input)
        manifest = measured(prepared.manifest, source)
        prepared = replace(prepared, source=source, manifest=manifest, expected=statuses)
        return await Runner(prepared, observers, note, under_way=under_way, sweeping=sweeping).run(new)


def without(chosen: Rows, sent: Collection[int], note: Note) -> Rows:
    """Raises UsageError where nothing is left."""
    left_out = sum(row in chosen for row in sent)
    if not left_out:
        return chosen
    told = f"in {left_out:,} of these {len(chosen):,} mailboxes something was sent, or may have been"
    if left_out == len(chosen):
        raise UsageError(
            f"{told}: people would get it twice",
            hint=f"Look there first (for messages: in Sent Items). Only where it did not arrive: {SEND_AGAIN}.",
        )
    note(f"{told}, and would arrive twice: they are left out")
    return chosen.without(sent)
