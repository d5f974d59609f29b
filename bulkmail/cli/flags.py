"""Options that several commands have, each declared once, and what they mean as settings of a job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bulkmail.config import flag
from bulkmail.errors import UsageError

JobFile = Annotated[Path, typer.Argument(help="Job file (TOML); configs/ has one for each task.", metavar="JOB.toml")]
ApplyFlag = Annotated[bool, typer.Option("--apply", help="Change mailboxes; otherwise changes are only planned.")]
AsIfApplied = Annotated[bool, typer.Option("--apply", help="As for a run with --apply; changes nothing here.")]
PlanFlag = Annotated[bool, typer.Option("--plan", help="Only plan, which is what happens anyway.")]
MaxChanges = Annotated[int | None, typer.Option(help="Stop an apply before it makes one change more.", min=0)]
MovedJob = Annotated[
    Path | None, typer.Option("--job", help="The run's job file, if it does not lie where it did.", metavar="JOB.toml")
]
MaxDuration = Annotated[str, typer.Option(help="Stop after this time, such as 90s or 2h; exit code 5.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Log lines in place of the moving line.")]
LogJson = Annotated[bool, typer.Option("--log-json", help="Log as JSON lines.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until other runs with this application on this host have ended.")
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", help="Share the work between so many processes on this machine (needs Dask).", min=0),
]
Scheduler = Annotated[
    str,
    typer.Option("--scheduler", help="Share the work between the workers of a Dask cluster: its address or file."),
]
Masked = Annotated[bool, typer.Option("--mask", help="Digests in place of addresses in all that is told.")]
MetricsFile = Annotated[
    Path | None,
    typer.Option("--metrics", help="Write metrics for Prometheus' textfile collector: name it *.prom.", metavar="FILE"),
]
MetricsListen = Annotated[
    str, typer.Option("--metrics-listen", help="Serve metrics while it runs, as at 127.0.0.1:9464.", metavar="ADDRESS")
]
Against = Annotated[
    str, typer.Option(help="Show in what it differs from this run: a directory, or `previous`.", metavar="RUN")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, such as limits.batch=true; may come more than once.")
]


def applies(apply: bool, plan: bool) -> bool | None:  # noqa: FBT001 - they are two flags
    """What was said about changing mailboxes; None where nothing was. Raises UsageError where both were."""
    if apply and plan:
        raise UsageError("--apply and --plan exclude each other", hint="Give one of them.")
    return apply if apply or plan else None


def flags(settings: list[str] | None, named: dict[str, Any]) -> dict[str, Any]:
    """The settings of a command line; an option with a name of its own wins over --set."""
    duration = named.get("limits.max_duration", "")
    if duration.isdigit():
        raise UsageError(f"--max-duration {duration}: of what? Write {duration}s, {duration}m or {duration}h")
    given = dict(flag(text) for text in settings or ())
    return given | {key: value for key, value in named.items() if value not in (None, "")}
