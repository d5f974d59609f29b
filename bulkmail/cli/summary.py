"""The end of a run for a person: a table of outcomes, what the service refused, and where everything is. Reads
a manifest."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulkmail.model import Ending, Status
from bulkmail.rundir.manifest import Manifest, Waited
from bulkmail.text import duration, one_line

MEANINGS = {
    Status.OK: "",
    Status.ABSENT: "no mailbox there",
    Status.DENIED: "outside what the application may touch",
    Status.FAILED: "see failed.csv",
    Status.UNKNOWN: "may or may not have been changed",
    Status.NOT_RUN: "not begun, or not finished",
}
STYLES = {Status.OK: "green", Status.ABSENT: "dim"}
MOST = 5
"""Lines of problems and of waits; the rest is in the files."""


def as_json(manifest: Manifest, folder: Path) -> str:
    """`run.json` and where it lies, for scripts."""
    return orjson.dumps({"directory": str(folder), **manifest.as_json()}, option=orjson.OPT_INDENT_2).decode()


def show(manifest: Manifest, folder: Path, console: Console) -> None:
    """The whole summary."""
    sums, counts = manifest.sums, manifest.counts
    console.print(_statuses(manifest.statuses))
    console.print(
        f"input     {counts.rows:,} rows = {counts.unique:,} unique + {counts.duplicates:,} duplicates + "
        f"{counts.blank:,} blank + {counts.invalid:,} invalid",
        soft_wrap=True,
    )
    console.print(
        f"work      {sums.requests:,} requests, {sums.throttled:,} throttled, {sums.retried:,} repeated, "
        f"{sums.rows:,} rows, in {duration(manifest.seconds)}",
        soft_wrap=True,
    )
    for warning in manifest.warnings:
        console.print(f"warning   {one_line(warning)}", soft_wrap=True)
    _list(console, "waits", _waits(manifest.waits))
    if manifest.waits:
        console.print(f"          {duration(sums.waited)} were waited, by all requests together", soft_wrap=True)
    _list(console, "problems", _problems(manifest))
    if sums.findings:
        console.print(f"findings  {sums.findings:,} mailboxes with something to look into", soft_wrap=True)
    for line in _changes(manifest):
        console.print(f"changes   {line}", soft_wrap=True)
    if manifest.reason:
        console.print(f"{manifest.state:<9} {one_line(manifest.reason)}", soft_wrap=True)
    files = [str(folder / name) for name in (*manifest.outputs, "run.json")]
    console.print("files     " + "\n          ".join(files), soft_wrap=True)
    for line in _next(manifest, folder):
        console.print(f"next      {line}", soft_wrap=True)


def _changes(manifest: Manifest) -> list[str]:
    """What was changed, or would be; nothing for a run that reads."""
    if manifest.mode == "read":
        return []
    counted = manifest.changes
    listed = ", ".join(f"{counted[ending]:,} {ending}" for ending in Ending if counted.get(ending))
    return [f"{listed or 'none'}{'' if manifest.mode == 'apply' else '; nothing was sent'}"]


def _next(manifest: Manifest, folder: Path) -> list[str]:
    """What there is to do now, as commands."""
    job = shlex.quote(str(manifest.job.path or "JOB.toml"))
    where = shlex.quote(str(folder))
    if manifest.state != "finished":
        return [f"bulkmail resume {where}"]
    if manifest.mode == "plan" and manifest.changes:
        again = f"undo {shlex.quote(manifest.parent)}" if manifest.undo else f"run {job}"
        return [f"bulkmail {again} --apply, once changes.ndjson says what you mean"]
    found = manifest.statuses
    retry = [str(status) for status in (Status.FAILED, Status.UNKNOWN) if found.get(status)]
    return [f"bulkmail resume {where} --retry {','.join(retry)}"] if retry and not manifest.undo else []


def _statuses(statuses: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True)
    table.add_column("outcome")
    table.add_column("mailboxes", justify="right")
    table.add_column("")
    for status in Status:
        if statuses.get(status):
            table.add_row(Text(status, STYLES.get(status, "yellow")), f"{statuses[status]:,}", MEANINGS[status])
    table.add_row("in all", f"{sum(statuses.values()):,}", "")
    return table


def _waits(waits: Mapping[str, Waited]) -> list[str]:
    """Which limits asked for waits, how often and how long in all; the longest first. A run that ends before they have
    passed has not waited them."""
    found = sorted(waits.items(), key=lambda pair: -pair[1].seconds)
    return [f"{_times(w.times)} {one_line(by)}: {duration(w.seconds)} asked for" for by, w in found]


def _problems(manifest: Manifest) -> list[str]:
    """How often each refusal came and what to do about it, the most frequent first."""
    found = sorted(manifest.problems.items(), key=lambda pair: -pair[1])
    advice = ((name, number, manifest.advice.get(name.partition(" ")[2], "")) for name, number in found)
    return [
        f"{_times(number)} {one_line(name)}{f'. {one_line(what)}' if what else ''}" for name, number, what in advice
    ]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _list(console: Console, word: str, lines: Sequence[str]) -> None:
    for line in lines[:MOST]:
        console.print(f"{word:<9} {line}", soft_wrap=True)
        word = ""
