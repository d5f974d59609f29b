"""Makes `outcomes.csv` from the outcomes when a run has ended: a row for each mailbox, also for the absent ones, as a
spreadsheet shows it. Streams the journal, in its order: a journal of any length takes the memory of a block.

There may be a million rows, and the run is over when the last is written. So those that are nearly all alike, of
mailboxes that ended as ok at the first attempt, are made of the lines of the journal without decoding them.
"""

import re
from collections.abc import Callable
from itertools import islice

from bulkmail import atomic
from bulkmail.core.mask import Mask
from bulkmail.model import Outcome, Row
from bulkmail.rundir.folder import VERDICTS
from bulkmail.rundir.manifest import PinnedOutput
from bulkmail.rundir.maskkey import known
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
    mask = known(style.mask)
    told = run.told(_shortly(style) if mask is None else _at_length)
    with atomic.replacing(path) as file:
        file.write(sheet.header)
        while block := list(islice(told, BLOCK)):
            file.write(b"".join(one if isinstance(one, bytes) else sheet.encode([_row(one, mask)]) for one in block))


def _at_length(_line: bytes) -> None:
    """For outcomes that are all decoded."""


_PLAIN = re.compile(
    rb'\{"row":(\d+),"mailbox":"([0-9A-Za-z][0-9A-Za-z@._-]*)","status":"ok","rows":(\d+),"requests":(\d+),'
    rb'"throttled":(\d+),"waited":(\d+\.\d+),"seconds":(\d+\.\d+),"offsets":\{[^{}]*\},"'
)
"""An outcome without id, error and limit, of an address that a CSV neither quotes nor escapes. Its figures look the
same in JSON and in CSV."""


def _shortly(style: PinnedOutput) -> Callable[[bytes], bytes | None]:
    """Makes the row of such an outcome from its line in the journal."""
    if style.decimal_comma or style.delimiter not in (",", ";", "\t"):
        return lambda _line: None
    order = b"%b,,%b,ok,,,%b,%b,%b,%b,%b,\r\n".replace(b",", style.delimiter.encode())

    def shortly(line: bytes) -> bytes | None:
        found = _PLAIN.match(line)
        return order % found.group(2, 1, 3, 4, 5, 6, 7) if found else None

    return shortly


def _row(outcome: Outcome, mask: Mask | None = None) -> Row:
    mailbox, status, rows, tally, seconds, problem, _ = outcome
    code, message, request_id = ("", "", "") if problem is None else (problem.code, problem.message, problem.request_id)
    name, id_ = (mailbox.address, mailbox.id) if mask is None else (mask(mailbox.address), "")
    message = message if mask is None else mask.text(message)
    values = (name, id_, mailbox.row, str(status), code, message, rows, tally.requests,
              tally.throttled, tally.waited, seconds, request_id)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
