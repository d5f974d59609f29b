"""Makes `failed.csv` from the outcomes when a run has ended: whoever did not end well, as input for the next run."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bulkmail.model import Row, Status
from bulkmail.rundir.journal import read
from bulkmail.sink import Appender, Csv
from bulkmail.sink.appender import telling

COLUMNS = ("mailbox", "id", "row", "status", "code", "message", "request_id")
WELL = frozenset({Status.OK, Status.ABSENT})
OK = b'"status":"ok",'
"""What nearly every line has, and has only where it says so: within a text the quotes would be escaped."""

BLOCK = 1024
"""Rows held at a time."""


def write_failed(outcomes: Path, failed: Path) -> int:
    """Rows written; with none there is no file, and one of an earlier process goes. Whole or not at all.

    Raises OutputError and Damaged. Blocks: call it in a thread.
    """
    with telling(failed):
        failed.unlink(missing_ok=True)
    rows = _rows(outcomes)
    first = list(islice(rows, BLOCK))
    if not first:
        return 0
    table = Csv(COLUMNS)
    written = 0
    unfinished = failed.with_name(f".{failed.name}.new")
    with telling(unfinished):
        unfinished.unlink(missing_ok=True)
    with Appender(unfinished) as file:
        file.append(table.header)
        while first:
            file.append(table.encode(first))
            written += len(first)
            first = list(islice(rows, BLOCK))
    with telling(failed):
        unfinished.replace(failed)
    return written


def _rows(outcomes: Path) -> Iterator[Row]:
    for _, outcome in read(outcomes, without=OK):
        if outcome["status"] not in WELL:
            error = outcome.get("error", {})
            yield outcome | {name: error.get(name) for name in ("code", "message", "request_id")}
