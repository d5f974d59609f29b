"""`bulkmail status`: how fresh the mailboxes of a job are. Only reads."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bulkmail.app.status import Fresh, status_of
from bulkmail.cli import console as say
from bulkmail.cli.flags import AsIfApplied, ForPrograms, JobFile, Masked, Settings, flags
from bulkmail.config import load
from bulkmail.errors import UsageError
from bulkmail.rundir.freshness import NEVER, Entry
from bulkmail.text import counted, duration, one_line, seconds

OLD = 8
"""The exit code where a mailbox is older than it may be: that of a finding."""


def status(
    job_file: JobFile,
    *,
    max_age: Annotated[
        str, typer.Option("--max-age", help="Exit with 8 if a mailbox is older than this, such as 36h or 10d.")
    ] = "",
    few: Annotated[int, typer.Option("--stalest", help="How many of the stalest mailboxes are named.", min=0)] = 10,
    apply: AsIfApplied = False,
    mask: Masked = False,
    settings: Settings = None,
    as_json: ForPrograms = False,
) -> None:
    """Tell how fresh a tenant is: mailboxes by how long ago the job last went well there, the stalest, the denied.

    Needs `path` in the job's [state], which each run of the job writes to. The mailboxes are those of the last run that
    went through its whole list, whether it reached all of them or not. With --apply: of the runs that applied.

    A mailbox that is denied has no age, and is told apart: the application may not touch it. One that does not exist
    is fresh.

    Exit codes: 0 fresh; 2 usage, or no run has remembered anything; 8 something is older than --max-age.

    Example: bulkmail status report.toml --max-age 12d
    """
    with say.exit_on_error():
        job = load(job_file, flags=flags(settings, {"task.apply": apply or None, "output.mask": mask or None}))
        found = status_of(job, max_age=_seconds(max_age), few=few)
    if as_json:
        typer.echo(json.dumps(as_fields(found), indent=2))
    else:
        for line in lines(found, max_age):
            say.results.print(line, soft_wrap=True, highlight=False, markup=False)
    raise typer.Exit(OLD if found.old else 0)


def _seconds(text: str) -> float:
    """Raises UsageError."""
    if text.isdigit():
        raise UsageError(f"--max-age {text}: of what? Write {text}h or {text}d")
    try:
        return seconds(text) if text else float("inf")
    except ValueError as error:
        raise UsageError(f"--max-age {one_line(text)}: {error}") from None


def lines(found: Fresh, max_age: str = "") -> Iterator[str]:
    """What is told of a tenant, a line each."""
    when = datetime.fromtimestamp(found.started, UTC).astimezone()
    yield f"{found.task}: {counted(found.mailboxes, 'mailbox', 'mailboxes')}, as listed {when:%a %d %b %Y %H:%M}"
    for name, number in found.ages.items():
        label = name if name in ("older", "never") else f"within {name}"
        yield f"{label:<16}{number:>10,}"
    if found.denied:
        yield f"{'denied':<16}{found.denied:>10,}"
    for place, entry in enumerate(found.stalest):
        yield f"{'' if place else 'stalest':<16}{_told(entry, found.at)}"
    if max_age:
        yield f"{'over ' + max_age:<16}{found.old:>10,}"


def _told(entry: Entry, at: float) -> str:
    well = "never went well" if entry.well == NEVER else f"{_age(at - entry.well)} old"
    tried = "never tried" if entry.tried == NEVER else f"tried {_age(at - entry.tried)} ago"
    ended = f": {entry.status} {one_line(entry.code)}".rstrip() if entry.status not in ("", "ok") else ""
    return f"{one_line(entry.mailbox)}  {well}, {tried}{ended}"


def _age(seconds: float) -> str:
    days, rest = divmod(round(seconds), 86_400)
    return f"{days} d {rest // 3600} h" if days > 1 else duration(seconds)


def as_fields(found: Fresh) -> dict[str, Any]:
    """The same for machines; times are ISO 8601, null where there is none."""
    return {
        "task": found.task, "listed": _iso(found.started), "at": _iso(found.at), "mailboxes": found.mailboxes,
        "ages": dict(found.ages), "denied": found.denied, "old": found.old,
        "stalest": [one._asdict() | {"well": _iso(one.well), "tried": _iso(one.tried)} for one in found.stalest],
    }  # fmt: skip


def _iso(at: float) -> str | None:
    return None if at == NEVER else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
