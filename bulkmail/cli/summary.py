"""The summary of a run on a terminal, in a mail or in a pipe: what `report` tells, with colour and with commands."""

import json
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bulkmail.report.text import laid_out, tell
from bulkmail.report.view import View
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.maskkey import known

STYLES = {"ok": "green", "absent": "dim", **dict.fromkeys(("denied", "failed", "unknown", "not_run"), "yellow")}
"""How words in front of lines are shown; of the rest, none stands out."""


def as_json(manifest: Manifest, folder: Path) -> str:
    """`run.json` and where it lies, for scripts."""
    mask, told = known(manifest.output.mask), manifest.as_json()
    told = told if mask is None else mask.value(told)
    return json.dumps({"directory": str(folder), **told}, indent=2)  # in ASCII, whatever is in it


def show(view: View, console: Console) -> None:
    """The whole summary, laid out for the console's width."""
    hints = [] if view.standing == "running" else _next(view.manifest, view.folder)
    mask = known(view.manifest.output.mask)
    told = tell(view, hints=hints)
    lines = told if mask is None else [line._replace(text=mask.text(line.text)) for line in told]
    for line in laid_out(lines, console.width):
        console.print(Text(line, STYLES.get(line.partition(" ")[0], "")), soft_wrap=True)


def _next(manifest: Manifest, folder: Path) -> list[str]:
    """What there is to do now: each step in words, and below it the command, to be copied."""
    from bulkmail.app.commands import next_steps  # noqa: PLC0415 - `show` starts without the application

    steps = next_steps(manifest, folder)
    return [line for step in steps for line in ((f"{step.why}:", step.command) if step.command else (step.why,))]
