"""`bulkmail undo`: puts back what a run changed, as a run of its own."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.undo import undo as undo_run
from bulkmail.cli import console as say
from bulkmail.cli.execute import execute
from bulkmail.cli.flags import (
    ApplyFlag,
    AsJson,
    LogJson,
    MaxChanges,
    MaxDuration,
    MetricsFile,
    MetricsListen,
    MovedJob,
    NoProgress,
    PlanFlag,
    Scheduler,
    Wait,
    Workers,
    applies,
    flags,
)
from bulkmail.cli.metering import Metering


def undo(
    run_dir: Annotated[Path, typer.Argument(help="Directory of the run to take back.", metavar="RUN_DIR")],
    *,
    output: Annotated[str, typer.Option("--output", help="Run directory; RUN_DIR-undo if not given.")] = "",
    apply: ApplyFlag = False,
    plan: PlanFlag = False,
    moved: MovedJob = None,
    max_changes: MaxChanges = None,
    max_duration: MaxDuration = "",
    wait: Wait = False,
    workers: Workers = None,
    scheduler: Scheduler = "",
    metrics: MetricsFile = None,
    metrics_listen: MetricsListen = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Put back what a run changed, where it still is as the run left it. Only plans, unless told to --apply.

    What was changed since by others is reported and left alone. The undo goes by the task, the options and the
    application of the run, whatever the job file says today; the key comes from the job file. It is a run of its own,
    with its own directory, ledger and exit code; `bulkmail resume` goes on with it.

    Examples:

      bulkmail undo out/settings.apply-2026-11-23

      bulkmail undo out/settings.apply-2026-11-23 --apply
    """
    say.log_to_stderr(as_json=log_json)
    with say.exit_on_error():
        given = flags(None, {
            "limits.max_changes": max_changes, "limits.max_duration": max_duration, "limits.wait": wait or None,
            "cluster.workers": workers, "cluster.scheduler": scheduler,
        })  # fmt: skip
        given |= {"task.apply": bool(applies(apply, plan))}
        into = Path(output) if output else run_dir.with_name(f"{run_dir.resolve().name}-undo")
        work = partial(undo_run, run_dir, given, into=into, job=moved)
        metering = Metering(metrics, metrics_listen)
        code = execute(work, hidden=no_progress or log_json, as_json=as_json, metering=metering)
    raise typer.Exit(code)
