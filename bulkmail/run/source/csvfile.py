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
from typing import TextIO

from bulkmail.errors import InputError
from bulkmail.model import NOTHING, Mailbox, Rejected
from bulkmail.run.source.address import clean, fault
from bulkmail.run.source.admission import Admission
from bulkmail.run.source.columns import Choice, choose, is_heading
from bulkmail.run.source.lines import Lines

_SEP = re.compile(r'\ufeff?"?sep=([^\w\s"]|\t)"?\s*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = "\t;,"


@dataclass(frozen=True, slots=True)
class Table:
    """What the top of a CSV told: where the address stands, the columns to carry, and the rows with their numbers."""

    choice: Choice
    others: Sequence[tuple[int, str]]
    rows: Iterable[tuple[int, list[str]]]


class Broken(list[str]):
    """A row that could not be read: no cells, but a reason."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


def read_csv(
    text: TextIO, admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Mailbox | Rejected]:
    """Yields a verdict a row below the heading. With `keep_columns`, a mailbox carries the other cells of its row.

    Raises InputError for a table in which no column names mailboxes, and for a quote that is never closed.
    """
    table = _table(Lines(text), column)
    place, id_place = table.choice.address, table.choice.id
    for row, cells in table.rows:
        width = len(cells)
        if width <= place:
            yield _short(admission, row, cells)
            continue
        id_ = cells[id_place] if -1 < id_place < width else ""
        columns = _carried(table.others, cells) if keep_columns else NOTHING
        yield admission.admit(row, cells[place], id=id_, columns=columns)


def _short(admission: Admission, row: int, cells: list[str]) -> Rejected:
    if isinstance(cells, Broken):
        return admission.reject(row, "invalid", "", cells.why)
    return admission.reject(row, "blank", "")


def _carried(others: Sequence[tuple[int, str]], cells: list[str]) -> Mapping[str, str]:
    return {name: cells[place] for place, name in others if place < len(cells)}


def _table(lines: Lines, column: str) -> Table:
    """Reads down to the first row and tells whether it is a heading or already a mailbox."""
    number, delimiter, first = _preamble(lines)
    rows = enumerate(_records(chain([first], lines), lines, delimiter), number)
    _, cells = top = next(rows, (0, []))
    if isinstance(cells, Broken):
        raise InputError(f"the first row {cells.why}", hint="Correct it; it should hold the names of the columns.")
    if not cells:
        return Table(Choice(0), (), ())
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if len(filled) == 1 and not column and not is_heading(cells) and not fault(clean(cells[filled[0]])):
        return Table(Choice(filled[0]), (), chain([top], rows))
    choice = choose(cells, column)
    others = [(place, cells[place].strip()) for place in filled if place != choice.address]
    return Table(choice, others, rows)


def _preamble(lines: Lines) -> tuple[int, str, str]:
    """The row number, the delimiter and the text of the first line that is neither blank nor #-something nor `sep=`."""
    row, delimiter = 1, ""
    for line in lines:
        if sep := _SEP.fullmatch(line):
            delimiter = sep[1]
            continue
        bare = line.strip("\ufeff\t\r\n ,;")
        if bare and not bare.startswith(("#", '"#')):
            return row, delimiter or _likeliest(line), line.removeprefix("\ufeff")
        row += 1
    return row, ",", ""


def _likeliest(line: str) -> str:
    unquoted = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=unquoted.count) if any(mark in unquoted for mark in _DELIMITERS) else ","


def _records(source: Iterable[str], lines: Lines, delimiter: str) -> Iterator[list[str]]:
    """The records of `source`; one that stands in a line of its own and cannot be read is `Broken`."""
    # Strict, for else a forgotten quote quietly makes one row of many.
    reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
    start = lines.number - 1
    while True:
        try:
            for record in reader:
                yield record
                start = lines.number
        except csv.Error as error:
            if lines.ended or lines.number > start + 1:
                raise _unclosed(start + 1) from error
            yield Broken(_why(error))
            start = lines.number
        else:
            return


def _unclosed(line: int) -> InputError:
    return InputError(
        f"the row that begins in line {line} has a quote that is not closed, and takes in the rows below",
        hint='Close the quote, or double one that belongs to the text: "".',
    )


def _why(error: csv.Error) -> str:
    if "field limit" in str(error):
        return f"has a cell longer than {csv.field_size_limit():,} characters"
    return "has quotes that do not match" if "expected after" in str(error) else str(error)
