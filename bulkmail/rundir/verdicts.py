"""Makes `outcomes.csv` from the outcomes when a run has ended: a row for each mailbox, also for the absent ones, as a
spreadsheet shows it. Streams the journal, in its order: a journal of any length takes the memory of a block."""

from itertools import islice

from bulkmail import atomic
from bulkmail.model import Outcome, Row
from bulkmail.rundir.folder import VERDICTS
from bulkmail.rundir.manifest import PinnedOutput
from bulkmail.rundir.reader import RunDir
from bulkmail.sink import Csv
from bulkmail.sink.appender import os_errors_as_output_error

COLUMNS = ("mailbox", "id", "row", "status", "code", "message", "rows", "requests", "throttled", "waited", "seconds",
           "request_id")  # fmt: skip

BLOCK = 1024
"""Rows held at a time."""


def write_verdicts(run: RunDir, style: PinnedOutput) -> None:
    """The whole file or none, in place of one of an earlier process. Raises OutputError and Damaged. Blocks."""
    path = run.path / VERDICTS
    sheet = Csv(COLUMNS, bom=style.bom, delimiter=style.delimiter, decimal_comma=style.decimal_comma)
    with os_errors_as_output_error(path):
        path.unlink(missing_ok=True)
    rows = map(_row, run.outcomes())
    with atomic.replacing(path) as file:
        file.write(sheet.header)
        while block := list(islice(rows, BLOCK)):
            file.write(sheet.encode(block))


def _row(outcome: Outcome) -> Row:
    mailbox, status, rows, tally, seconds, problem = outcome
    code, message, request_id = ("", "", "") if problem is None else (problem.code, problem.message, problem.request_id)
    values = (mailbox.address, mailbox.id, mailbox.row, str(status), code, message, rows, tally.requests,
              tally.throttled, tally.waited, seconds, request_id)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
