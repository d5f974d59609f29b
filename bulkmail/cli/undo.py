"""`bulkmail undo`: puts back what a run changed, as a run of its own."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.undo import undo as undo_run
from bulkmail.cli.execute import Work
from bulkmail.cli.executes import Aim, Usual, executes
from bulkmail.cli.flags import MovedJob, flags


@executes
def undo(
    run_dir: Annotated[Path, typer.Argument(help="Directory of the run to take back.", metavar="RUN_DIR")],
    *,
    output: Annotated[str, typer.Option("--output", help="Run directory; RUN_DIR-undo if not given.")] = "",
    aim: Aim,
    moved: MovedJob = None,
    usual: Usual,
) -> Work:
    """Put back what a run changed, where it still is as the run left it. Only plans, unless told to --apply.

    What was changed since by others is reported and left alone. The undo goes by the task, the options and the
    application of the run, whatever the job file says today; the key comes from the job file. It is a run of its own,
    with its own directory, ledger and exit code; `bulkmail resume` goes on with it.

    Examples:

      bulkmail undo out/settings.apply-2026-11-23

      bulkmail undo out/settings.apply-2026-11-23 --apply
    """
    given = flags(None, usual.settings) | {"task.apply": bool(aim.applies)}
    into = Path(output) if output else run_dir.with_name(f"{run_dir.resolve().name}-undo")
    return partial(undo_run, run_dir, given, into=into, job=moved)
