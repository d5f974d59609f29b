"""`bulkmail diff`: in what two runs of a task differ. Only reads."""

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bulkmail import atomic
from bulkmail.cli import console as say
from bulkmail.errors import UsageError
from bulkmail.report.diff.compare import Comparison, compared
from bulkmail.report.diff.previous import PREVIOUS, previous_of
from bulkmail.report.diff.tell import Counts, as_csv, as_ndjson, differences, tell
from bulkmail.report.text import laid_out
from bulkmail.rundir.reader import RunDir

DIFFERENT = 8
"""The exit code for runs that differ, as for drift."""


class Form(StrEnum):
    """How the differences are written."""

    TABLE = "table"
    CSV = "csv"
    NDJSON = "ndjson"
    HTML = "html"


def diff(
    run_a: Annotated[Path, typer.Argument(help="The run before.", metavar="RUN_A")],
    run_b: Annotated[
        Path | None, typer.Argument(help="The run after; left out with --against.", metavar="RUN_B")
    ] = None,
    *,
    against: Annotated[
        str, typer.Option(help="Compare RUN_A with this run before it: a directory, or `previous`.", metavar="RUN")
    ] = "",
    form: Annotated[Form, typer.Option("--format", help="How to write the differences.")] = Form.TABLE,
    output: Annotated[Path | None, typer.Option(help="File to write to, in place of the standard output.")] = None,
    first: Annotated[int, typer.Option(help="Differences that a table shows; 0 shows all.", min=0)] = 20,
    key: Annotated[
        list[str] | None, typer.Option(help="Column that tells the rows of a mailbox apart; may come more than once.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column not to compare; may come more than once.")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 8 if there is any difference.")] = False,
) -> None:
    """Show in what two runs of a task differ: rows, cell by cell, and how mailboxes ended.

    Rows are compared by mailbox and by the task's key columns, in mailboxes that both runs could look at. A mailbox
    that became absent or denied, or came back, is told as such. The order of rows and mailboxes does not matter.

    Exit codes: 0; with --exit-code 8 if there is any difference; 2 for runs that cannot be compared.

    Examples:

      bulkmail diff out/settings.report-2026-11-25 out/settings.report-2026-11-26

      bulkmail diff out/settings.report-2026-11-26 --against previous --ignore internal_reply

      bulkmail diff out/rules.report-2026-11-25 out/rules.report-2026-11-26 --format html --output diff.html
    """
    with say.exit_on_error():
        before, after = _runs(run_a, run_b, against)
        counts = Counts()
        with compared(before, after, keys=key or (), ignore=ignore or ()) as comparison:
            _write(_content(comparison, counts, form, first), output)
    if exit_code and counts.any:
        raise typer.Exit(DIFFERENT)


def _runs(run_a: Path, run_b: Path | None, against: str) -> tuple[RunDir, RunDir]:
    if (run_b is None) == (not against):
        raise UsageError(
            "name two runs: RUN_A RUN_B, or RUN --against RUN", hint="`bulkmail diff --help` has examples."
        )
    if run_b is not None:
        return RunDir(run_a), RunDir(run_b)
    after = RunDir(run_a)
    return previous_of(after) if against == PREVIOUS else RunDir(Path(against)), after


def _content(comparison: Comparison, counts: Counts, form: Form, first: int) -> Iterable[bytes]:
    found = differences(comparison, counts)
    if form is Form.CSV:
        return as_csv(found)
    if form is Form.NDJSON:
        return as_ndjson(found)
    if form is Form.HTML:
        from bulkmail.report.diff.page import as_page  # noqa: PLC0415 - brings the library of templates

        return [as_page(comparison, counts)]
    lines = laid_out(tell(comparison, counts, first=first), say.results.width)
    return (f"{line}\n".encode() for line in lines)


def _write(content: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        sys.stdout.flush()
        for block in content:
            typer.echo(block, nl=False)
        return
    with atomic.replacing(output) as file:
        for block in content:
            file.write(block)
