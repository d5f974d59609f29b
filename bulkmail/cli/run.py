"""`bulkmail run`: one job, from sign-in to summary. Says what happens; what happens is decided elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from bulkmail.app.compose import credential_of, file_source, survey
from bulkmail.app.fingerprint import pinned
from bulkmail.app.loop import run as run_loop
from bulkmail.app.observe import Observer
from bulkmail.app.runner import Ended, Run
from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.progress import shown
from bulkmail.config import Job, flag, load
from bulkmail.identity.claims import decode
from bulkmail.identity.credential import Credential
from bulkmail.rundir import folder as folders
from bulkmail.tasks import check_options, find

EXPIRES_SOON = 30
"""Days before the end of a certificate from which each run warns."""

JobFile = Annotated[Path, typer.Argument(help="Job file (TOML); configs/ has one for each task.", metavar="JOB.toml")]
ApplyFlag = Annotated[
    bool | None, typer.Option("--apply/--plan", help="Change mailboxes; otherwise changes are only planned.")
]
MaxChanges = Annotated[int | None, typer.Option(help="Stop an apply before it makes one change more.", min=0)]
MaxDuration = Annotated[str, typer.Option(help="Stop after this time, such as 90s or 2h; exit code 5.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Log lines in place of the moving line.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="Log as JSON lines.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, such as limits.batch=true; may come more than once.")
]


def run(
    job_file: JobFile,
    *,
    input_path: Annotated[
        str, typer.Option("--input", help="Mailboxes: CSV, NDJSON or text; - for standard input.")
    ] = "",
    output: Annotated[str, typer.Option("--output", help="Run directory, such as out/{task}-{date}.")] = "",
    apply: ApplyFlag = None,
    drift: Annotated[
        bool | None, typer.Option("--drift", help="Plan, and exit with 8 if anything would be changed.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Stop after so many mailboxes; 0 takes all.", min=0)] = None,
    max_changes: MaxChanges = None,
    settings: Settings = None,
    max_duration: MaxDuration = "",
    no_progress: NoProgress = False,
    log_json: LogJson = False,
    as_json: AsJson = False,
) -> None:
    """Run a job's task against every mailbox of its input.

    Writes a run directory with the rows (records.ndjson, records.csv), an outcome for every mailbox
    (outcomes.ndjson), whatever did not end well (failed.csv, itself valid input), rows of the input that are no
    mailbox (rejected.csv), and the figures of the run (run.json). A task that writes only plans, unless it is told to
    --apply; either way changes.ndjson says what is changed, from what to what.

    Exit codes: 0 all ok, or no mailbox there; 1 a defect; 2 usage, input or configuration; 3 finished, some mailboxes
    not ok; 4 sign-in or permission; 5 stopped early; 6 the run directory is in use; 7 output could not be written;
    130, 143 interrupted. Ctrl-C finishes what is in flight; a second one stops at once.

    Examples:

      bulkmail run report.toml

      bulkmail run report.toml --input staff.csv --limit 20

      bulkmail run report.toml --set limits.batch=true --max-duration 2h

      bulkmail run settings.toml --apply --max-changes 100

      grep @contoso.com all.txt | bulkmail run report.toml --input -
    """
    say.log_to_stderr(as_json=log_json)
    with say.exit_on_error():
        given = flags(settings, {
            "input.path": input_path, "output.directory": output, "input.limit": limit, "task.apply": apply,
            "task.drift": drift, "limits.max_changes": max_changes, "limits.max_duration": max_duration,
        })  # fmt: skip
        job = load(job_file, flags=given)
        code = execute(job, given, console=say.progress(hidden=no_progress or log_json), as_json=as_json)
    raise typer.Exit(code)


def flags(settings: list[str] | None, named: dict[str, Any]) -> dict[str, Any]:
    """The settings of a command line; what has an option of its own wins over --set."""
    given = dict(flag(text) for text in settings or ())
    return given | {key: value for key, value in named.items() if value not in (None, "")}


def execute(job: Job, given: Mapping[str, Any], *, console: Console | None, as_json: bool = False) -> int:
    """Read the list, sign in, run, show the summary. Gives the exit code; raises what ended the run early."""
    task = find(job.task.name, job.path.parent)
    options = check_options(task, job.task.options, job.path.parent)
    listed = file_source(job.input, keep_columns=task.wants_columns)
    credential = signed(job)
    manifest = pinned(job, task, options, given)

    async def main(observer: Observer) -> Ended:
        expected = await survey(listed, empty_is_ok=job.output.empty_is_ok)
        introduce(job, decode(await credential.token()))
        with folders.open_folder(folders.name(job.output.directory, task.name, datetime.now().astimezone())) as folder:
            run = Run(job, task, options, credential, manifest, listed, expected, [observer], say.note)
            return await run.conduct(folder)

    with shown(console) as observer:
        ended = run_loop(main(observer))
    return conclude(ended, as_json=as_json)


def signed(job: Job) -> Credential:
    """The job's credential, with its warnings told. Raises ConfigError and CertificateError."""
    credential = credential_of(job)
    for text in (*job.notes, *credential.warnings):
        say.note(f"note: {text}")
    if credential.certificate and (left := credential.certificate.days_left()) < EXPIRES_SOON:
        say.note(f"note: the certificate expires in {left} days; `bulkmail cert new` makes its successor")
    return credential


def conclude(ended: Ended, *, as_json: bool) -> int:
    """Shows the summary, and gives the exit code; raises what ended the run early."""
    if as_json:
        typer.echo(summary.as_json(ended.manifest, ended.folder))
    else:
        summary.show(ended.manifest, ended.folder, say.results)
    if ended.failure is not None:
        raise ended.failure
    return int(ended.manifest.exit_code or 0)


def introduce(job: Job, claims: dict[str, Any]) -> None:
    """One line on who works where, and with what rights."""
    roles = ", ".join(claims.get("roles", ())) or "no roles (granted in Exchange, or missing)"
    say.note(f"{job.task.name} as {job.app.client_id} in {job.app.tenant_id} ({job.app.cloud}), with {roles}")
