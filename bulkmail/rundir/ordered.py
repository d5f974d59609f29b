"""Sorts the rows of a run into the order of its input when it has ended: `sorted.csv` beside `records.csv`.

The journal says where the rows of each mailbox lie. So only places are sorted, some 60 bytes for a mailbox, and the
rows are copied piece by piece, however large they are. The files that the journal speaks of stay as they are.
"""

from array import array
from pathlib import Path
from typing import BinaryIO

from bulkmail import atomic
from bulkmail.errors import Damaged
from bulkmail.rundir.entries import Committed
from bulkmail.rundir.folder import RECORDS, SORTED
from bulkmail.rundir.reader import RunDir
from bulkmail.sink.appender import os_errors_as_output_error

BLOCK = 1 << 20
"""Bytes that are copied at a time."""

_INDEX = 32
"""Bits of a sort key that say which piece it is; those above are the row."""


def write_sorted(run: RunDir, suffix: str) -> None:
    """`sorted.<suffix>`, the whole file or none. Raises OutputError and Damaged. Blocks."""
    name = f"{RECORDS}.{suffix}"
    path = run.path / name
    with os_errors_as_output_error(path), path.open("rb") as rows, atomic.replacing(run.path / _sorted(suffix)) as file:
        heading = _heading(rows) if suffix == "csv" else 0
        keys, ends = _pieces(run, name)
        _copy(rows, file, path, 0, heading)
        for key in keys:
            place = key & ((1 << _INDEX) - 1)
            start = ends[place - 1] if place else heading
            _copy(rows, file, path, start, ends[place] - start)


def drop_sorted(folder: Path, suffix: str) -> None:
    """One of an earlier process goes. Raises OutputError."""
    path = folder / _sorted(suffix)
    with os_errors_as_output_error(path):
        path.unlink(missing_ok=True)


def _sorted(suffix: str) -> str:
    return f"{SORTED}.{suffix}"


def _pieces(run: RunDir, name: str) -> "tuple[list[int], array[int]]":
    """The pieces of a file in the order of their rows, each a key that holds its number, and where each piece ends. A
    mailbox has a piece for each checkpoint, which stay in their order."""
    ends, keys = array("Q"), array("Q")
    for _, commit in run.commits():
        row = commit.outcome.mailbox.row if isinstance(commit, Committed) else commit.reached.mailbox.row
        keys.append(row << _INDEX | len(ends))
        ends.append(commit.lengths.get(name, 0))
    return sorted(keys), ends


def _heading(rows: BinaryIO) -> int:
    """The bytes of the heading of a CSV; a name in it may hold a line feed, but only the end of the line has both."""
    length = 0
    for line in rows:
        length += len(line)
        if line.endswith(b"\r\n"):
            break
    return length


def _copy(rows: BinaryIO, file: BinaryIO, path: Path, start: int, length: int) -> None:
    if length < 0:
        raise Damaged(f"{path}: its outcomes name places that are not in their order")
    rows.seek(start)
    while length:
        block = rows.read(min(length, BLOCK))
        if not block:
            raise Damaged(f"{path}: is shorter than its outcomes say", hint="Put the file back from a backup.")
        file.write(block)
        length -= len(block)
