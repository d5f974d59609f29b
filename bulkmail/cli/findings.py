"""Findings of checks on a terminal or in a pipe: the level, the check, what was found, and below it what to do."""

from rich.console import Console

from bulkmail.app.finding import Finding, Level
from bulkmail.cli.columns import below, line

STYLES = {Level.PASS: "green", Level.WARN: "yellow", Level.FAIL: "bold red", Level.SKIP: "dim"}


def show(finding: Finding, console: Console) -> None:
    """One finding."""
    skipped = finding.level is Level.SKIP
    line(console, finding.level, finding.check, finding.text, style=STYLES[finding.level], dim=skipped)
    if finding.hint:
        below(console, finding.hint)
