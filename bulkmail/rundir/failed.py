"""Makes `failed.csv` from the outcomes when a run has ended: the mailboxes that did not end well, as input for the next
run."""

from collections.abc import Iterator
from itertools import islice

from bulkmail import atomic
from bulkmail.model import Row, Status
from bulkmail.rundir.folder import FAILED
from bulkmail.rundir.reader import RunDir
from bulkmail.sink import Csv
from bulkmail.sink.appender import os_errors_as_output_error

COLUMNS = ("mailbox", "id", "row", "status", "code", "message", "request_id")
WELL = frozenset({Status.OK, Status.ABSENT})

BLOCK = 1024
"""Rows held at a time."""


def write_failed(run: RunDir, *, bom: bool = False, delimiter: str = ",") -> int:
    """Rows written; with none there is no file, and one of an earlier process goes. Whole or not at all.

    Raises OutputError and Damaged. Blocks: call it in a thread.
    """
    failed = run.path / FAILED
    with os_errors_as_output_error(failed):
        failed.unlink(missing_ok=True)
    rows = _rows(run)
    first = list(islice(rows, BLOCK))
    if not first:
        return 0
    table = Csv(COLUMNS, bom=bom, delimiter=delimiter)
    written = 0
    with atomic.replacing(failed) as file:
        file.write(table.header)
        while first:
            file.write(table.encode(first))
            written += len(first)
            first = list(islice(rows, BLOCK))
    return written


def _rows(run: RunDir) -> Iterator[Row]:
    for _, (outcome, _) in run.committed(but_ok=True):
        if outcome.status not in WELL:
            mailbox, problem = outcome.mailbox, outcome.problem
            row: Row = {"mailbox": mailbox.address, "id": mailbox.id, "row": mailbox.row, "status": outcome.status}
            yield row | {name: getattr(problem, name, "") for name in ("code", "message", "request_id")}
