"""`bulkmail apply`: carries out a plan that was reviewed, and nothing else."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.apply import apply as apply_plan
from bulkmail.cli import console as say
from bulkmail.cli.execute import execute
from bulkmail.cli.flags import (
    AsJson,
    LogJson,
    MaxChanges,
    MaxDuration,
    MetricsFile,
    MetricsListen,
    MovedJob,
    NoProgress,
    Scheduler,
    Wait,
    Workers,
    flags,
)
from bulkmail.cli.metering import Metering


def apply(
    run_dir: Annotated[Path, typer.Argument(help="Directory of the plan.", metavar="RUN_DIR")],
    *,
    canary: Annotated[
        int, typer.Option(help="Apply to so many mailboxes first and stop, with exit code 5; 0 does all.", min=0)
    ] = 0,
    output: Annotated[str, typer.Option("--output", help="Run directory; RUN_DIR-applied if not given.")] = "",
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
    """Carry out a plan that you have reviewed: exactly the changes in its records.csv and changes.ndjson.

    The options, the flags and the list are those of the plan, whatever the job file says today; the key comes from the
    job file. A list that was changed since is refused. A mailbox that was changed since the plan was made is reported
    (NotAsPlanned in failed.csv) and left alone. With --canary N the run stops after N mailboxes so that you can look;
    `bulkmail resume` then does the rest.

    Exit codes are those of `bulkmail run`.

    Examples:

      bulkmail apply out/settings.apply-2026-11-23

      bulkmail apply out/settings.apply-2026-11-23 --canary 50
    """
    say.log_to_stderr(as_json=log_json)
    with say.exit_on_error():
        given = flags(None, {
            "limits.max_changes": max_changes, "limits.max_duration": max_duration, "limits.wait": wait or None,
            "cluster.workers": workers, "cluster.scheduler": scheduler,
        })  # fmt: skip
        into = Path(output) if output else run_dir.with_name(f"{run_dir.resolve().name}-applied")
        work = partial(apply_plan, run_dir, given, into=into, job=moved, canary=canary)
        metering = Metering(metrics, metrics_listen)
        code = execute(work, hidden=no_progress or log_json, as_json=as_json, metering=metering)
    raise typer.Exit(code)
