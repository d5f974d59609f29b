"""`bulkmail show`: what a run was. Only reads."""

from typing import Annotated

import typer

from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.cli.flags import RunDirectory
from bulkmail.report.view import view_of
from bulkmail.rundir.reader import RunDir


def show(
    run_dir: RunDirectory,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json.")] = False,
) -> None:
    """Show the summary of a run again.

    Example: bulkmail show out/settings.report-2026-11-23
    """
    with say.exit_on_error():
        run = RunDir(run_dir)
        if as_json:
            typer.echo(summary.as_json(run.manifest, run_dir))
        else:
            summary.show(view_of(run), say.results)
