"""Writes `report.html`, the page of a run, with what there is to do next.

It tells of a run that is over, and decides nothing about it: where it cannot be written, that is noted.
"""

import logging
from pathlib import Path

from bulkmail.app.commands import next_steps
from bulkmail.app.observe import Note
from bulkmail.errors import BulkmailError
from bulkmail.rundir.folder import REPORT, is_held
from bulkmail.rundir.reader import RunDir

log = logging.getLogger(__name__)


def write_report(folder: Path, path: Path | None = None, *, ours: bool = False) -> Path:
    """Where it was written: `report.html` in the run directory, if no other `path` is given. A run that goes on has
    nothing to do next, unless it is `ours` and has just ended.

    Raises InputError for what is not a run directory, and OutputError. Blocks.
    """
    from bulkmail.report.page.write import write_page  # noqa: PLC0415 - brings the library of templates, for this alone

    run = RunDir(folder)
    wanted = folder / REPORT if path is None else path
    goes_on = not ours and run.manifest.state == "running" and is_held(folder)
    write_page(run, wanted, [] if goes_on else next_steps(run.manifest, folder))
    return wanted


def write_report_at_end(folder: Path, note: Note) -> None:
    """As `write_report`, for a run that has just ended. Raises nothing. Blocks."""
    try:
        write_report(folder, ours=True)
    except BulkmailError as error:
        note(f"warning: there is no {REPORT}: {error}")
    except Exception:
        log.exception("there is no %s, which changes nothing about the run", REPORT)
