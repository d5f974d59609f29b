"""The summary of a run on a terminal, in a mail or in a pipe: what `report` tells, with colour and with commands."""

import json
import shlex
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bulkmail.model import Status
from bulkmail.report.text import laid_out, tell
from bulkmail.report.view import View
from bulkmail.rundir.manifest import Manifest

STYLES = {"ok": "green", "absent": "dim", **dict.fromkeys(("denied", "failed", "unknown", "not_run"), "yellow")}
"""How words in front of lines are shown; of the rest, none stands out."""


def as_json(manifest: Manifest, folder: Path) -> str:
    """`run.json` and where it lies, for scripts."""
    return json.dumps({"directory": str(folder), **manifest.as_json()}, indent=2)  # in ASCII, whatever is in it


def show(view: View, console: Console) -> None:
    """The whole summary, laid out for the console's width."""
    hints = [] if view.standing == "running" else _next(view.manifest, view.folder)
    for line in laid_out(tell(view, hints=hints), console.width):
        console.print(Text(line, STYLES.get(line.partition(" ")[0], "")), soft_wrap=True)


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
