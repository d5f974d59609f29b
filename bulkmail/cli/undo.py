"""`bulkmail undo`: puts back what a run changed, as a run of its own. Its input is the other run's ledger."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bulkmail.app.fingerprint import pinned
from bulkmail.app.loop import run as run_loop
from bulkmail.app.observe import Observer
from bulkmail.app.runner import Ended, Run
from bulkmail.cli import console as say
from bulkmail.cli.progress import shown
from bulkmail.cli.resume import reloaded
from bulkmail.cli.run import (
    ApplyFlag,
    AsJson,
    LogJson,
    MaxChanges,
    MaxDuration,
    NoProgress,
    conclude,
    flags,
    introduce,
    signed,
)
from bulkmail.errors import UsageError
from bulkmail.identity.claims import decode
from bulkmail.rundir import folder as folders
from bulkmail.rundir.applied import ChangesSource
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.reader import RunDir
from bulkmail.source.spool import spool
from bulkmail.task.undo import undoing
from bulkmail.tasks import check_options, find


def undo(
    run_dir: Annotated[Path, typer.Argument(help="Directory of the run to take back.", metavar="RUN_DIR")],
    *,
    output: Annotated[str, typer.Option("--output", help="Run directory; RUN_DIR-undo if not given.")] = "",
    apply: ApplyFlag = None,
    max_changes: MaxChanges = None,
    max_duration: MaxDuration = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a run changed, where it still is as the run left it. Only plans, unless told to --apply.

    What somebody changed since is reported and left alone. The undoing is a run of its own, with its own directory,
    ledger and exit code; `bulkmail resume` goes on with it.

    Examples:

      bulkmail undo out/settings.apply-2026-11-23

      bulkmail undo out/settings.apply-2026-11-23 --apply
    """
    say.log_to_stderr(as_json=log_json)
    console = say.progress(hidden=no_progress or log_json)
    with say.exit_on_error(), folders.hold(folders.existing(run_dir)):
        given = flags(None, {"limits.max_changes": max_changes, "limits.max_duration": max_duration})
        given |= {"task.apply": bool(apply), "task.drift": False}
        wanted = Path(output) if output else run_dir.with_name(f"{run_dir.name}-undo")
        code = _undo(run_dir, Manifest.read(run_dir), given, wanted, console, as_json=as_json)
    raise typer.Exit(code)


def _undo(
    folder: Path, before: Manifest, given: Mapping[str, Any], wanted: Path, console: Console | None, *,
    as_json: bool,
) -> int:  # fmt: skip
    if before.mode != "apply":
        raise UsageError(f"{folder} changed nothing: it was a run to {before.mode}")
    job, laid = reloaded(before, given)
    task = find(job.task.name, job.path.parent)
    options, reverse = check_options(task, job.task.options, job.path.parent), undoing(task)
    credential, parent = signed(job), str(folder.resolve())

    async def main(observer: Observer) -> Ended:
        introduce(job, decode(await credential.token()))
        manifest = replace(pinned(job, task, options, laid), parent=parent, undo=True)
        with folders.open_folder(wanted) as new:
            spooled = await spool(ChangesSource(RunDir(folder)), new / folders.INPUT)
            run = Run(job, reverse, options, credential, manifest, spooled, spooled.counts.unique, [observer], say.note)
            return await run.conduct(new)

    with shown(console) as observer:
        ended = run_loop(main(observer))
    return conclude(ended, as_json=as_json)
