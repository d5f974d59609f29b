"""Makes `failed.csv` from the outcomes when a run has ended: whoever did not end well, as input for the next run."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import orjson

from bulkmail.model import Row, Status
from bulkmail.run.sink import Appender, Csv

COLUMNS = ("mailbox", "id", "row", "status", "code", "message", "request_id")
WELL = frozenset({Status.OK, Status.ABSENT})
BLOCK = 1024
"""Rows held at a time."""


def write_failed(outcomes: Path, failed: Path) -> int:
    """Rows written; with none there is no file. Raises OutputError. Blocks: call it in a thread."""
    if not outcomes.exists():
        return 0  # the run ended before it began
    rows = _rows(outcomes)
    first = list(islice(rows, BLOCK))
    if not first:
        return 0
    table = Csv(COLUMNS)
    written = 0
    with Appender(failed) as file:
        file.append(table.header)
        while first:
            file.append(table.encode(first))
            written += len(first)
            first = list(islice(rows, BLOCK))
    return written


def _rows(outcomes: Path) -> Iterator[Row]:
    with outcomes.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # the disk was full in the middle of it
            outcome = orjson.loads(line)
            if outcome["status"] not in WELL:
                error = outcome.get("error", {})
                yield outcome | {name: error.get(name) for name in ("code", "message", "request_id")}
