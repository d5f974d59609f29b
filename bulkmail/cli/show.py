"""`bulkmail show`: what a run was. Only reads."""

from pathlib import Path
from typing import Annotated

import typer

from bulkmail.cli import console as say
from bulkmail.cli import summary
from bulkmail.rundir.reader import RunDir


def show(
    run_dir: Annotated[Path, typer.Argument(help="Run directory.", metavar="RUN_DIR")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json.")] = False,
) -> None:
    """Show the summary of a run again.

    Example: bulkmail show out/settings.report-2026-11-23
    """
    with say.exit_on_error():
        manifest = RunDir(run_dir).manifest
        if as_json:
            typer.echo(summary.as_json(manifest, run_dir))
        elif manifest.state == "running":
            say.results.print(f"{manifest.task} since {manifest.started}: still running, or killed;")
            say.results.print(f"  bulkmail resume {run_dir} goes on with it", soft_wrap=True)
        else:
            summary.show(manifest, run_dir, say.results)
