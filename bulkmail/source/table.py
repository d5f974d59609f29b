"""Reads a CSV as people have them: every table that bulkmail reads goes through here. Knows text: no file, no encoding.

Rows are counted as a spreadsheet shows them: the heading, `#TYPE` and blank lines count, Excel's `sep=` line does not.
A row with quotes that do not match is broken, alone, if it stays in one line. If it ran over several, it may have
swallowed other rows, and the whole table is refused.
"""

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from typing import NoReturn, TypeAlias

from bulkmail.errors import InputError
from bulkmail.source.address import is_address
from bulkmail.source.admission import Unread
from bulkmail.source.chunks import chunks
from bulkmail.source.lines import END, Lines, LineTooLong

_SEP = re.compile(r'\ufeff?"?sep=([^\w\s"]|\t)"?[\s,;]*', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = "\t;,"
_TALLEST = 40
"""Lines that a heading may have; quoted line ends are common in exported ones."""

Chunk: TypeAlias = Sequence[Sequence[str]]


class Broken(list[str]):
    """A row that could not be read: it has no cells, but a reason."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = Unread(why)


@dataclass(frozen=True, slots=True)
class Table:
    """The first row that is not blank, with its number, and the rows below in chunks; `top` is empty without any."""

    top: Sequence[str]
    row: int
    below: Iterator[Chunk]


@dataclass(frozen=True, slots=True)
class _Start:
    """Where the first row is, in lines and as a spreadsheet counts, and the lines read to find its delimiter."""

    line: int
    row: int
    delimiter: str
    lines: Sequence[str]


def read_table(blocks: Iterable[str], sizes: Iterable[int]) -> Table:
    """Reads down to the first row. `sizes` says how many rows to take next.

    Raises InputError for a first row that is broken and, from `below`, for a quote that is never closed.
    """
    lines = Lines(blocks)
    start = _start(lines)
    below = _records(lines, start, chain([1], sizes))
    top = next(below, [[]])[0]
    if isinstance(top, Broken):
        raise InputError(f"the first row {top.why}", hint="Correct it; it should hold the names of the columns.")
    return Table(top, start.row, below)


def _start(lines: Lines) -> _Start:
    """Reads down to the first line that is not blank, a comment such as `#TYPE`, or `sep=`."""
    row, delimiter = 1, ""
    for number, line in enumerate(lines, 1):
        if sep := _SEP.fullmatch(line):
            delimiter = sep[1]
        elif _is_above(line.strip("\ufeff\t\r\n ,;")):
            row += 1
        else:
            first = line.removeprefix("\ufeff")
            if delimiter:
                return _Start(number, row, delimiter, [first])
            heading = [first, *islice(_rest(lines, first), _TALLEST)]
            return _Start(number, row, _likeliest("".join(heading)), heading)
    return _Start(0, row, ",", [])


def _is_above(bare: str) -> bool:
    return not bare or (bare.startswith(("#", '"#')) and not is_address(bare.strip('"')))


def _rest(lines: Lines, first: str) -> Iterator[str]:
    """The lines of a heading below its first: while a quote is open."""
    quotes = first.count('"')
    if quotes % 2:
        for line in lines:
            yield line
            quotes += line.count('"')
            if quotes % 2 == 0:
                return


def _likeliest(heading: str) -> str:
    unquoted = _QUOTED.sub("", heading).partition("\n")[0]
    return max(_DELIMITERS, key=unquoted.count) if any(mark in unquoted for mark in _DELIMITERS) else ","


def _records(lines: Lines, top: _Start, sizes: Iterable[int]) -> Iterator[Chunk]:
    """The records, chunk by chunk; one that stands in a line of its own and cannot be read is `Broken`."""
    given, above = chain(top.lines, lines), top.line - 1
    for size in sizes:
        some, error = _taken(given, size)
        if error is not None:
            above = yield from _strictly(chain(some, map(_raise, [error]), given), top.delimiter, above, size)
        elif plain := _plainly(some, top.delimiter):
            yield plain
            above += len(plain)
        elif some:
            above = yield from _strictly(chain(some, given), top.delimiter, above, size)
        else:
            return


def _taken(lines: Iterator[str], size: int) -> tuple[list[str], Exception | None]:
    """As many lines, or those before one that cannot be read, or before the end of an input that broke off."""
    some: list[str] = []
    try:
        some.extend(islice(lines, size))  # what comes before an error stays
    except Exception as error:  # noqa: BLE001 - raised again behind these lines
        return some, error
    return some, None


def _raise(error: Exception) -> NoReturn:
    raise error


def _plainly(lines: Sequence[str], delimiter: str) -> Chunk:
    """What csv.reader makes of lines that are a cell each, at half the cost; nothing for other lines."""
    text = "".join(lines)
    if len(text) > csv.field_size_limit() or any(mark in text for mark in ('"', " ", delimiter)):
        return ()
    cells = list(map(str.rstrip, lines, repeat("\r\n")))
    return list(zip(cells)) if all(cells) else ()


def _strictly(lines: Iterator[str], delimiter: str, above: int, size: int) -> Generator[Chunk, None, int]:
    """A chunk of records, and how many lines are above the next one; `above` are those above the first."""
    # Strict, for otherwise a forgotten quote quietly makes one row of many.
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    done, since = above, 0  # lines that are accounted for, and how many records of the chunk they took
    skipped = 0

    def mend(error: csv.Error, records: Chunk) -> Broken:
        nonlocal done, since, skipped
        start = done + sum(map(_height, records[since:])) + 1
        skipped += isinstance(error, LineTooLong)
        done, since = above + reader.line_num + skipped, len(records) + 1
        if "end of data" in str(error) or done > start:
            raise _unclosed(start) from error
        return Broken(_why(error))

    yield from chunks(reader, [size], mend)
    return above + reader.line_num + skipped


def _height(cells: Sequence[str]) -> int:
    """The lines of a record: each but the last of them ends inside a cell."""
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
