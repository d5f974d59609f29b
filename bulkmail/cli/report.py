"""`bulkmail report`: a run as one HTML page. Changes nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from bulkmail.cli import console as say
from bulkmail.cli.flags import RunDirectory


def report(
    run_dir: RunDirectory,
    *,
    output: Annotated[Path | None, typer.Option(help="File to write; RUN_DIR/report.html if not given.")] = None,
) -> None:
    """Write the page of a run: verdict, outcomes, problems and what to do, changes, curves, in one HTML file.

    The page loads nothing and runs no script. It can be made of a run that goes on, was killed or is damaged, too. With
    `output.report = true` in the job, each run makes its own when it ends.

    Examples:

      bulkmail report out/settings.report-2026-11-23

      bulkmail report out/settings.report-2026-11-23 --output night.html
    """
    from bulkmail.app.page import write_report  # noqa: PLC0415 - `--help` starts without the application

    with say.exit_on_error():
        say.results.print(str(write_report(run_dir, output)), soft_wrap=True)
