"""`bulkmail run`: one job, from sign-in to summary."""

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from bulkmail.app.begin import begin
from bulkmail.app.ending import Ended
from bulkmail.cli.check import require_passed
from bulkmail.cli.execute import Work
from bulkmail.cli.executes import Aim, Compared, executes
from bulkmail.cli.flags import JobFile, Masked, Output, Settings, flags
from bulkmail.config import load


@executes
def run(
    job_file: JobFile,
    *,
    input_path: Annotated[
        str, typer.Option("--input", help="Mailboxes: CSV, NDJSON or text; - for standard input.")
    ] = "",
    output: Output = "",
    aim: Aim,
    drift: Annotated[
        bool | None,
        typer.Option("--drift", help="Plan, and exit with 8 if anything would be changed, or if there are findings."),
    ] = None,
    where: Annotated[
        str, typer.Option("--where", help="Only these rows, such as \"Department == 'Finance' and not Exempt\".")
    ] = "",
    limit: Annotated[int | None, typer.Option(help="Stop after so many mailboxes; 0 takes all.", min=0)] = None,
    settings: Settings = None,
    check: Annotated[
        bool, typer.Option("--check", help="Do `bulkmail check` first; run unless something fails.")
    ] = False,
    mask: Masked = False,
    usual: Compared,
) -> Work:
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
    given = flags(settings, usual.settings | {
        "input.path": input_path, "output.directory": output, "input.where": where, "input.limit": limit,
        "task.apply": aim.applies, "task.drift": drift, "output.mask": mask or None,
    })  # fmt: skip
    if check:
        require_passed(job_file, given, log_json=usual.log_json)

    def work(**shown: Any) -> Coroutine[Any, Any, Ended]:
        return begin(load(job_file, flags=given), given, **shown)

    return work
