"""`bulkmail resume`: goes on with a run that was stopped or killed, or makes a new one of what did not end well."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.again import again
from bulkmail.app.commands import SEND_AGAIN
from bulkmail.app.resume import resume as resume_run
from bulkmail.cli import console as say
from bulkmail.cli.execute import execute
from bulkmail.cli.flags import (
    Against,
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
from bulkmail.errors import UsageError
from bulkmail.model import Status

ROOM = 100
"""Columns that help in tables needs: an option has a long name, so that no one gives it by mistake."""


def resume(
    run_dir: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN_DIR")],
    *,
    retry: Annotated[
        str,
        typer.Option(
            help="Run again what ended so, in a new run: any of failed, denied, unknown, absent, not_run, ok."
        ),
    ] = "",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although input, job or task are not what they were.")
    ] = False,
    apply: ApplyFlag = False,
    plan: PlanFlag = False,
    send_again: Annotated[
        bool,
        typer.Option(
            SEND_AGAIN, help="With --retry: also where something was sent, or may have been: it arrives twice."
        ),
    ] = False,
    moved: MovedJob = None,
    max_changes: MaxChanges = None,
    max_duration: MaxDuration = "",
    against: Against = "",
    wait: Wait = False,
    workers: Workers = None,
    scheduler: Scheduler = "",
    metrics: MetricsFile = None,
    metrics_listen: MetricsListen = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a run that was stopped or killed: what is done stays done, the rest is done now.

    Input, task, application and tenant have to be what they were; what is not is named, and refused until you accept
    it. A mailbox in which a write was under way waits until the service has settled (limits.settle), so that nothing
    is done twice. With --retry, mailboxes that ended so are run again, as a new run that names this one; where they
    would change something, that run only plans, unless told to --apply.

    Exit codes are those of `bulkmail run`.

    Examples:

      bulkmail resume out/settings.report-2026-11-23

      bulkmail resume out/settings.report-2026-11-23 --retry failed,denied
    """
    say.log_to_stderr(as_json=log_json)
    with say.exit_on_error():
        given = flags(None, {
            "limits.max_changes": max_changes, "limits.max_duration": max_duration, "limits.wait": wait or None,
            "cluster.workers": workers, "cluster.scheduler": scheduler,
        })  # fmt: skip
        statuses, wanted = _statuses(retry), applies(apply, plan)
        if not retry and (wanted is not None or send_again):
            raise UsageError(
                "--apply, --plan and " + SEND_AGAIN + " go with --retry",
                hint="A run that goes on does what it was begun for. `bulkmail apply RUN_DIR` applies a plan.",
            )
        if wanted is not None:
            given |= {"task.apply": wanted}
        go_on = partial(resume_run, run_dir, given, job=moved, accept=accept_changes)
        work = partial(again, run_dir, statuses, given, send_again=send_again, job=moved) if retry else go_on
        metering = Metering(metrics, metrics_listen)
        code = execute(work, hidden=no_progress or log_json, as_json=as_json, metering=metering, against=against)
    raise typer.Exit(code)


def _statuses(text: str) -> frozenset[Status]:
    try:
        return frozenset(Status(word.strip()) for word in text.split(",")) if text else frozenset()
    except ValueError:
        raise UsageError(f"--retry {text}: not a status", hint=f"There are {', '.join(Status)}.") from None
