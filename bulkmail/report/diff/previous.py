"""Finds the run before a run: the last one of the same job that finished and lies beside it."""

from bulkmail.errors import InputError
from bulkmail.report.view import run_before
from bulkmail.rundir.reader import RunDir

PREVIOUS = "previous"
"""What a user calls it."""


def previous_of(run: RunDir) -> RunDir:
    """Raises InputError where there is none. Blocks."""
    name, _ = run_before(run.path, run.manifest)
    if not name:
        raise InputError(
            f"beside {run.path} lies no earlier run of the same job that finished", hint="Name the run to compare with."
        )
    return RunDir(run.path.resolve().parent / name)
