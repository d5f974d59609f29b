"""Reads the rows of a CSV as people have them. Knows text: no file, no encoding.

Rows are counted as a spreadsheet shows them: the heading, `#TYPE` and blank lines count, Excel's `sep=` line does not.
A row whose quotes do not match is rejected if it stays in one line. If it ran over several, it may have swallowed other
rows, and the whole input is refused.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TypeAlias

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.source.address import clean, fault
from bulkmail.source.admission import Admission, Unread
from bulkmail.source.chunks import chunks
from bulkmail.source.columns import Choice, choose, is_heading
from bulkmail.source.lines import END, Lines

_SEP = re.compile(r'\ufeff?"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = "\t;,"

Chunk: TypeAlias = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """What the top of a CSV told: where the address stands, the columns to carry, and the rows below with the number of
    the first."""

    choice: Choice
    others: Sequence[tuple[int, str]] = ()
    row: int = 0
    chunks: Iterable[Chunk] = ()


@dataclass(frozen=True, slots=True)
class Preamble:
    """Where the first row is, counted in lines and as a spreadsheet counts, and its first line."""

    line: int
    row: int
    delimiter: str
    text: str


class Broken(list[str]):
    """A row that could not be read: no cells, but a reason."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = Unread(why)


def read_csv(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict a row below the heading, in chunks. With `keep_columns`, a mailbox carries the other cells of
    its row.

    Raises InputError for a table in which no column names mailboxes, and for a quote that is never closed.
    """
    table = _table(Lines(blocks), admission.sizes(), column)
    place, id_place = table.choice.address, table.choice.id
    row = table.row
    for records in table.chunks:
        ids = _column(records, id_place) if id_place >= 0 else ()
        columns = [_carried(table.others, cells) for cells in records] if keep_columns else ()
        yield admission.admit_all(row, _column(records, place), ids, columns)
        row += len(records)


def _column(records: Chunk, place: int) -> Sequence[str]:
    try:
        return list(map(itemgetter(place), records))
    except IndexError:
        return [_cell(cells, place) for cells in records]


def _cell(cells: Sequence[str], place: int) -> str:
    """A row that is too short has a blank there."""
    if isinstance(cells, Broken):
        return cells.why
    return cells[place] if place < len(cells) else ""


def _carried(others: Sequence[tuple[int, str]], cells: Sequence[str]) -> Mapping[str, str]:
    return {name: cells[place] for place, name in others if place < len(cells)}


def _table(lines: Lines, sizes: Iterable[int], column: str) -> Table:
    """Reads down to the first row and tells whether it is a heading or already a mailbox."""
    above = _preamble(lines)
    below = _records(lines, above, chain([1], sizes))
    top = next(below, [[]])
    cells = top[0]
    if isinstance(cells, Broken):
        raise InputError(f"the first row {cells.why}", hint="Correct it; it should hold the names of the columns.")
    if not cells:
        return Table(Choice(0))
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if len(filled) == 1 and not column and not is_heading(cells) and not fault(clean(cells[filled[0]])):
        return Table(Choice(filled[0]), (), above.row, chain([top], below))
    choice = choose(cells, column)
    others = [(place, cells[place].strip()) for place in filled if place != choice.address]
    return Table(choice, others, above.row + 1, below)


def _preamble(lines: Lines) -> Preamble:
    """Reads down to the first line that is neither blank nor #-something nor `sep=`."""
    row, delimiter = 1, ""
    for number, line in enumerate(lines, 1):
        if sep := _SEP.fullmatch(line):
            delimiter = sep[1]
            continue
        bare = line.strip("\ufeff\t\r\n ,;")
        if bare and not bare.startswith(("#", '"#')):
            return Preamble(number, row, delimiter or _likeliest(line), line.removeprefix("\ufeff"))
        row += 1
    return Preamble(0, row, ",", "")


def _likeliest(line: str) -> str:
    unquoted = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=unquoted.count) if any(mark in unquoted for mark in _DELIMITERS) else ","


def _records(lines: Lines, top: Preamble, sizes: Iterable[int]) -> Iterator[Chunk]:
    """The records, chunk by chunk; one that stands in a line of its own and cannot be read is `Broken`."""
    # Strict, for else a forgotten quote quietly makes one row of many.
    reader = csv.reader(chain([top.text], lines), delimiter=top.delimiter, strict=True, skipinitialspace=True)
    done = since = 0  # lines that are accounted for, and how many records of the chunk they took

    def mend(error: csv.Error, above: Chunk) -> Broken:
        nonlocal done, since
        start = done + sum(map(_height, above[since:])) + 1
        done, since = reader.line_num + lines.skipped, len(above) + 1
        if lines.ended or done > start:
            raise _unclosed(top.line - 1 + start) from error
        return Broken(_why(error))

    for chunk in chunks(reader, sizes, mend):
        yield chunk
        done, since = reader.line_num + lines.skipped, 0


def _height(cells: Sequence[str]) -> int:
    """Of a record, in lines: each but the last of them ends inside a cell."""
    return 1 + sum(len(END.findall(cell)) for cell in cells)


def _unclosed(line: int) -> InputError:
    return InputError(
        f"the row that begins in line {line} has a quote that is not closed, and takes in the rows below",
        hint='Close the quote, or double one that belongs to the text: "".',
    )


def _why(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"has a cell longer than {csv.field_size_limit():,} characters"
    return "has quotes that do not match" if "expected after" in str(error) else str(error)
