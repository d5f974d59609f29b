"""Options that several commands have, each declared once, and what they mean as settings of a job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bulkmail.errors import UsageError

JobFile = Annotated[Path, typer.Argument(help="Job file (TOML); configs/ has one for each task.", metavar="JOB.toml")]
RunDirectory = Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN_DIR")]
Output = Annotated[str, typer.Option("--output", help="Run directory, such as out/{task}-{date}.")]
ForPrograms = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]
AsIfApplied = Annotated[bool, typer.Option("--apply", help="As for a run with --apply; changes nothing here.")]
MovedJob = Annotated[
    Path | None, typer.Option("--job", help="The run's job file, if it does not lie where it did.", metavar="JOB.toml")
]
MaxDuration = Annotated[str, typer.Option(help="Stop after this time, such as 90s or 2h; exit code 5.")]
Masked = Annotated[bool, typer.Option("--mask", help="Digests in place of addresses in all that is told.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, such as limits.batch=true; may come more than once.")
]


def flags(settings: list[str] | None, named: dict[str, Any]) -> dict[str, Any]:
    """The settings of a command line; an option with a name of its own wins over --set."""
    duration = named.get("limits.max_duration", "")
    if duration.isdigit():
        raise UsageError(f"--max-duration {duration}: of what? Write {duration}s, {duration}m or {duration}h")
    from bulkmail.config import flag  # noqa: PLC0415 - brings all tables of a job, which few commands need

    given = dict(flag(text) for text in settings or ())
    return given | {key: value for key, value in named.items() if value not in (None, "")}
