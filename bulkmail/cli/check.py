"""`bulkmail check`: looks at everything that a run needs, and changes nothing. One line a check."""

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.check import Finding, Level, exit_code
from bulkmail.app.check import check as findings_of
from bulkmail.app.loop import run as run_loop
from bulkmail.app.prepare import Flags
from bulkmail.cli import console as say
from bulkmail.cli.findings import show
from bulkmail.cli.flags import AsIfApplied, ForPrograms, JobFile, Masked, MaxDuration, Output, Settings, flags

log = logging.getLogger(__name__)


def check(
    job_file: JobFile,
    *,
    input_path: Annotated[str, typer.Option("--input", help="Mailboxes: a file, as for `bulkmail run`.")] = "",
    output: Output = "",
    apply: AsIfApplied = False,
    limit: Annotated[int | None, typer.Option(help="Mailboxes that the run is to take; 0 takes all.", min=0)] = None,
    mask: Masked = False,
    settings: Settings = None,
    max_duration: MaxDuration = "",
    as_json: ForPrograms = False,
) -> None:
    """Check a job before it is run: a line a check, PASS, WARN or FAIL, with what to do. Writes nothing to the tenant.

    Looks at the job and its options, the list, the place for the results, other runs with this application, the
    certificate, both hosts, the clock, the token and its roles, the directory, a sample of mailboxes, and reckons how
    long the run will take. A check that an earlier failure makes impossible is told as SKIP. The sample (the first
    mailbox, the last, and ten at random) goes through the job's own task, which only reads or plans.

    Exit codes: 0 all passed; 3 there is a warning; else the code that `bulkmail run` would end with.

    Examples:

      bulkmail check report.toml

      bulkmail check report.toml --input staff.csv --json
    """
    say.log_to_stderr(as_json=False)
    with say.exit_on_error():
        given = flags(settings, {
            "input.path": input_path, "output.directory": output, "input.limit": limit, "task.apply": apply or None,
            "limits.max_duration": max_duration, "output.mask": mask or None,
        })  # fmt: skip
        found = run_loop(checked(job_file, given, _ignore if as_json else partial(show, console=say.results)))
    if as_json:
        told = {"job": str(job_file), "exit_code": exit_code(found), "checks": [one.as_json() for one in found]}
        typer.echo(json.dumps(told, indent=2))
    raise typer.Exit(exit_code(found))


async def checked(job_file: Path, given: Flags, tell: Callable[[Finding], None]) -> Sequence[Finding]:
    """All findings; `tell` hears of each once it is made."""
    found = []
    async for finding in findings_of(job_file, given):
        found.append(finding)
        tell(finding)
    return found


def require_passed(job_file: Path, given: Flags, *, log_json: bool) -> None:
    """The checks before a run, told beside its notes. Ends the program where one fails; a warning is only told."""
    found = run_loop(checked(job_file, given, _log if log_json else partial(show, console=say.errors)))
    if any(one.level is Level.FAIL for one in found):
        raise typer.Exit(exit_code(found))


def _ignore(_finding: Finding) -> None:
    """For a telling that is made of all of them at the end."""


def _log(finding: Finding) -> None:
    """An entry of the log has a `level` of its own, so that of the check is its `result`."""
    told = finding.as_json()
    fields = {"event": "check", "result": told.pop("level"), **told}
    log.info("%s %s: %s", finding.level, finding.check, finding.text, extra={"fields": fields})
