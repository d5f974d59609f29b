"""The rows of a run, each with the mailbox that it is of and the place where it stands, so that it can be read again.

The journal says where the rows of each mailbox lie: a row is known by its mailbox whatever its columns are, and a run
of any length is read in the memory of one row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bulkmail.errors import Damaged
from bulkmail.model import Mailbox, Outcome, Row
from bulkmail.rundir.entries import Committed
from bulkmail.rundir.folder import RECORDS
from bulkmail.rundir.reader import RunDir, as_damage
from bulkmail.rundir.sheets import Sheet, csv_sheet, json_sheet
from bulkmail.sink.appender import os_errors_as_output_error


class Placed(NamedTuple):
    """A row, and the offset in its file where it begins."""

    mailbox: Mailbox
    place: int
    row: Row


class PlacedRows:
    """The rows of a run, in order and again by their places. Made by `placed_rows`."""

    def __init__(self, run: RunDir, path: Path, file: BinaryIO, sheet: Sheet) -> None:
        self._run = run
        self._path = path
        self._file = file
        self._sheet = sheet
        self._start = file.tell()

    def __repr__(self) -> str:
        return f"<PlacedRows {self._path}>"

    def pieces(self) -> Iterator[Placed | Outcome]:
        """The rows of each mailbox, and behind them how it ended; in the order in which they were committed."""
        end = self._start
        for _, commit in self._run.commits():
            start, end = end, commit.lengths.get(self._path.name, end)
            of = commit.outcome if isinstance(commit, Committed) else commit.reached
            if start < end:
                yield from self._between(of.mailbox, start, end)
            if isinstance(of, Outcome):
                yield of

    def at(self, place: int) -> Row:
        """The row that begins there. Not while `pieces` is read."""
        with as_damage(self._path, place), os_errors_as_output_error(self._path):
            self._file.seek(place)
            for _, row in self._sheet(iter(self._file.readline, b""), place=place):
                return row
        raise _short(self._path)

    def _between(self, mailbox: Mailbox, start: int, end: int) -> Iterator[Placed]:
        with as_damage(self._path, start), os_errors_as_output_error(self._path):
            self._file.seek(start)
            for place, row in self._sheet(self._lines(end - start), place=start):
                yield Placed(mailbox, place, row)

    def _lines(self, length: int) -> Iterator[bytes]:
        while length > 0:
            line = self._file.readline()
            if not line:
                raise _short(self._path)
            length -= len(line)
            yield line


@contextmanager
def placed_rows(run: RunDir) -> Iterator[PlacedRows | None]:
    """Those of a run, while its file is open; None where it has no file of rows. JSON is preferred: it tells numbers
    from texts.

    Raises InputError for what is not a run, OutputError, and Damaged for rows that are not what was committed. Blocks.
    """
    output = run.manifest.output
    path = run.path / f"{RECORDS}.{'ndjson' if 'ndjson' in output.format else 'csv'}"
    if not path.exists():
        yield None
        return
    with os_errors_as_output_error(path), path.open("rb") as file:
        sheet: Sheet = json_sheet
        if path.suffix == ".csv":
            with as_damage(path, 0):
                sheet = csv_sheet(iter(file.readline, b""), delimiter=output.delimiter, raw=output.raw)
        yield PlacedRows(run, path, file, sheet)


def _short(path: Path) -> Damaged:
    return Damaged(f"{path}: is shorter than its outcomes say", hint="Put the file back from a backup.")
