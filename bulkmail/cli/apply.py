"""`bulkmail apply`: carries out a plan that was reviewed, and nothing else."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bulkmail.app.apply import apply as apply_plan
from bulkmail.cli.execute import Work
from bulkmail.cli.executes import Usual, executes
from bulkmail.cli.flags import MovedJob, flags


@executes
def apply(
    run_dir: Annotated[Path, typer.Argument(help="Directory of the plan.", metavar="RUN_DIR")],
    *,
    canary: Annotated[
        int, typer.Option(help="Apply to so many mailboxes first and stop, with exit code 5; 0 does all.", min=0)
    ] = 0,
    output: Annotated[str, typer.Option("--output", help="Run directory; RUN_DIR-applied if not given.")] = "",
    moved: MovedJob = None,
    usual: Usual,
) -> Work:
    """Carry out a plan that you have reviewed: exactly the changes in its records.csv and changes.ndjson.

    The options, the flags and the list are those of the plan, whatever the job file says today; the key comes from the
    job file. A list that was changed since is refused. A mailbox that was changed since the plan was made is reported
    (NotAsPlanned in failed.csv) and left alone. With --canary N the run stops after N mailboxes so that you can look;
    `bulkmail resume` then does the rest.

    Exit codes are those of `bulkmail run`.

    Examples:

      bulkmail apply out/settings.apply-2026-11-23

      bulkmail apply out/settings.apply-2026-11-23 --canary 50
    """
    into = Path(output) if output else run_dir.with_name(f"{run_dir.resolve().name}-applied")
    return partial(apply_plan, run_dir, flags(None, usual.settings), into=into, job=moved, canary=canary)
