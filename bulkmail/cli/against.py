"""What `--against` adds to the end of a run: `diff.csv` in its directory, and the first differences behind the summary.

It tells of a run that is over: what goes wrong here is said, and does not change how the run ended.
"""

from pathlib import Path

from bulkmail import atomic
from bulkmail.cli import console as say
from bulkmail.errors import BulkmailError, InputError
from bulkmail.report.diff.compare import compared
from bulkmail.report.diff.previous import PREVIOUS, previous_of
from bulkmail.report.diff.tell import Counts, as_csv, differences, tell
from bulkmail.report.text import laid_out
from bulkmail.rundir.folder import DIFFERENCES
from bulkmail.rundir.reader import RunDir

FIRST = 20
"""Differences that are shown; the file has all of them."""


def require_run(against: str) -> None:
    """Raises InputError where the run that is named is not there: before anything is asked, and not hours later. Which
    one the `previous` run is, only the end of this one tells."""
    if against in ("", PREVIOUS):
        return
    try:
        _ = RunDir(Path(against)).manifest
    except InputError as error:
        raise InputError(
            f"--against: {error}", hint=f"Name the directory of an earlier run, or `{PREVIOUS}`."
        ) from None


def tell_against(folder: Path, against: str, *, silent: bool) -> None:
    """Compares the run in `folder` with another one, or with the `previous` one of its job. The `silent` way only
    writes the file."""
    after, counts = RunDir(folder), Counts()
    try:
        before = previous_of(after) if against == PREVIOUS else RunDir(Path(against))
        with compared(before, after) as comparison:
            with atomic.replacing(folder / DIFFERENCES) as file:
                file.writelines(as_csv(differences(comparison, Counts())))
            lines = [] if silent else laid_out(tell(comparison, counts, first=FIRST), say.results.width)
    except BulkmailError as error:
        say.note(f"not compared: {error}")
        return
    for line in ["", *lines] if lines else []:
        say.results.print(line, soft_wrap=True)
