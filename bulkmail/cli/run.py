"""`bulkmail run`: one job, from sign-in to summary."""

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from bulkmail.app.begin import begin
from bulkmail.app.ending import Ended
from bulkmail.cli import console as say
from bulkmail.cli.check import require_passed
from bulkmail.cli.execute import execute
from bulkmail.cli.flags import (
    Against,
    ApplyFlag,
    AsJson,
    JobFile,
    LogJson,
    Masked,
    MaxChanges,
    MaxDuration,
    MetricsFile,
    MetricsListen,
    NoProgress,
    PlanFlag,
    Scheduler,
    Settings,
    Wait,
    Workers,
    applies,
    flags,
)
from bulkmail.cli.metering import Metering
from bulkmail.config import load


def run(
    job_file: JobFile,
    *,
    input_path: Annotated[
        str, typer.Option("--input", help="Mailboxes: CSV, NDJSON or text; - for standard input.")
    ] = "",
    output: Annotated[str, typer.Option("--output", help="Run directory, such as out/{task}-{date}.")] = "",
    apply: ApplyFlag = False,
    plan: PlanFlag = False,
    drift: Annotated[
        bool | None,
        typer.Option("--drift", help="Plan, and exit with 8 if anything would be changed, or if there are findings."),
    ] = None,
    where: Annotated[
        str, typer.Option("--where", help="Only these rows, such as \"Department == 'Finance' and not Exempt\".")
    ] = "",
    limit: Annotated[int | None, typer.Option(help="Stop after so many mailboxes; 0 takes all.", min=0)] = None,
    max_changes: MaxChanges = None,
    settings: Settings = None,
    max_duration: MaxDuration = "",
    against: Against = "",
    check: Annotated[
        bool, typer.Option("--check", help="Do `bulkmail check` first; run unless something fails.")
    ] = False,
    mask: Masked = False,
    wait: Wait = False,
    workers: Workers = None,
    scheduler: Scheduler = "",
    metrics: MetricsFile = None,
    metrics_listen: MetricsListen = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Run a job's task against every mailbox of its input.

    Writes a run directory with the rows (records.ndjson, records.csv), an outcome for every mailbox
    (outcomes.ndjson), whatever did not end well (failed.csv, itself valid input), rows of the input that are not a
    mailbox (rejected.csv), and the figures of the run (run.json). A task that writes only plans, unless it is told to
    --apply; either way changes.ndjson says what is changed, from what to what.

    Exit codes: 0 all ok, or no mailbox there; 1 a bug; 2 usage, input or configuration; 3 finished, some mailboxes
    not ok; 4 sign-in or permission; 5 stopped early; 6 the run directory is in use; 7 output could not be written;
    8 drift, with --drift; 9 drift, and some mailboxes not ok; 129, 130, 143, 149 terminal closed, interrupted or
    terminated. Ctrl-C finishes what is in flight; a second one stops at once.

    Examples:

      bulkmail run report.toml

      bulkmail run report.toml --input staff.csv --limit 20

      bulkmail run report.toml --where "Department == 'Finance'" --set input.sample=50

      bulkmail run report.toml --set limits.batch=true --max-duration 2h

      bulkmail run settings.toml --apply --max-changes 100

      grep @contoso.com all.txt | bulkmail run report.toml --input -
    """
    say.log_to_stderr(as_json=log_json)
    with say.exit_on_error():
        given = flags(settings, {
            "input.path": input_path, "output.directory": output, "input.where": where, "input.limit": limit,
            "task.apply": applies(apply, plan), "task.drift": drift,
            "limits.max_changes": max_changes, "limits.max_duration": max_duration, "limits.wait": wait or None,
            "output.mask": mask or None, "cluster.workers": workers, "cluster.scheduler": scheduler,
        })  # fmt: skip
        if check:
            require_passed(job_file, given, log_json=log_json)

        def work(**shown: Any) -> Coroutine[Any, Any, Ended]:
            return begin(load(job_file, flags=given), given, **shown)

        metering = Metering(metrics, metrics_listen)
        code = execute(work, hidden=no_progress or log_json, as_json=as_json, metering=metering, against=against)
    raise typer.Exit(code)
