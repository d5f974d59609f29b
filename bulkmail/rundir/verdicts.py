"""Makes `outcomes.csv` from the outcomes when a run has ended: a row for each mailbox, also for the absent ones, as a
spreadsheet shows it. Streams the journal, in its order: a journal of any length takes the memory of a block.

There may be a million rows, and the run is over when the last is written. So those that are nearly all alike, of
mailboxes that ended as ok at the first attempt, are made of the lines of the journal without decoding them, and all
loops over them are in C.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias, cast

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

Figures: TypeAlias = tuple[bytes, ...]
"""Row, mailbox, rows, requests, throttled, waited, seconds and id (which may be empty), as they stand in a line, and an
empty text behind."""


_LINES = re.compile(
    rb'\{"row":(\d++),"mailbox":"([0-9A-Za-z][0-9A-Za-z@._-]*+)","status":"ok","rows":(\d++),"requests":(\d++),'
    rb'"throttled":(\d++),"waited":(\d++\.\d++),"seconds":(\d++\.\d++)(?:,"id":"([0-9A-Fa-f][0-9A-Fa-f-]*+)")?+,'
    rb'"offsets":\{[^}]*+\},"[^\n]*+\n|([^\n]*+\n)'
)
"""A line whose outcome is plain: without error and limit, of an address that a CSV neither quotes nor escapes, and of
no id or one of the directory; its figures look the same in JSON and in CSV. Or else any line: each is one match, for
its last `}` is its last byte."""


def write_verdicts(run: RunDir, style: PinnedOutput) -> None:
    """The whole file or none, in place of one of an earlier process. Raises OutputError and Damaged. Blocks."""
    path = run.path / VERDICTS
    sheet = Csv(COLUMNS, bom=style.bom, delimiter=style.delimiter, decimal_comma=style.decimal_comma)
    with os_errors_as_output_error(path):
        path.unlink(missing_ok=True)
    mask = known(style.mask)
    plain = mask is None and not style.decimal_comma and style.delimiter in (",", ";", "\t")
    with atomic.replacing(path) as file:
        file.write(sheet.header)
        for told in run.told(_plain if plain else _none):
            for kind, some in groupby(told, type):
                if kind is Outcome:
                    file.write(sheet.encode([_row(cast(Outcome, one), mask) for one in some]))
                else:
                    file.write(_joined(cast(list[Figures], list(some)), style.delimiter.encode()))


def _plain(lines: Sequence[bytes]) -> Sequence[Figures | None]:
    """The figures of each line whose outcome is plain."""
    found: list[Figures] = _LINES.findall(b"".join(lines))
    return [None if one[-1] else one for one in found] if any(map(itemgetter(-1), found)) else found


def _none(lines: Sequence[bytes]) -> Sequence[None]:
    """For outcomes that are all decoded."""
    return [None] * len(lines)


def _joined(found: Sequence[Figures], delimiter: bytes) -> bytes:
    """The rows of some outcomes, end to end: each column of cells, and what stands behind it, is put in its place in
    all rows at once."""
    row, mailbox, *figures, id_, _ = zip(*found, strict=True)
    d = delimiter
    pieces = [b"", d, b"", d, b"", d + b"ok" + d * 3, b"", d, b"", d, b"", d, b"", d, b"", d + b"\r\n"] * len(found)
    for place, cells in enumerate((mailbox, id_, row, *figures)):
        pieces[2 * place :: 16] = cells
    return b"".join(pieces)


def _row(outcome: Outcome, mask: Mask | None = None) -> Row:
    mailbox, status, rows, tally, seconds, problem, _ = outcome
    code, message, request_id = ("", "", "") if problem is None else (problem.code, problem.message, problem.request_id)
    name, id_ = (mailbox.address, mailbox.id) if mask is None else (mask(mailbox.address), "")
    message = message if mask is None else mask.text(message)
    values = (name, id_, mailbox.row, str(status), code, message, rows, tally.requests,
              tally.throttled, tally.waited, seconds, request_id)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
