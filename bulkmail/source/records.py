"""Reads a table as rows with named cells: a list that an option of a task names. Knows text, not files.

A list of mailboxes may be odd in columns that are not read; here every row counts, so a cell beyond the last column is
an error. Trailing empty cells are not: spreadsheets write them.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count, repeat, zip_longest
from typing import Any, TypeAlias

import orjson

from bulkmail.errors import InputError
from bulkmail.source.cells import TWICE, as_cells
from bulkmail.source.chunks import CHUNK
from bulkmail.source.columns import exact, twice
from bulkmail.source.content import Content, Kind
from bulkmail.source.jsonfile import document, is_page, listed
from bulkmail.source.table import Broken, read_table

Record: TypeAlias = tuple[int, Mapping[str, str]]

_BLANK = "\ufeff \t\r\n"


def records(content: Content) -> Iterator[Record]:
    """Each row that is not blank, with its number as a spreadsheet counts, or its line or place in JSON.

    Raises InputError that names the row.
    """
    if content.kind is Kind.JSON:
        return _objects(enumerate(listed(document(content.blocks())), 1))
    return _objects(_lines(content.blocks())) if content.kind is Kind.NDJSON else _rows(content.blocks())


def _rows(blocks: Iterable[str]) -> Iterator[Record]:
    table = read_table(blocks, repeat(CHUNK))
    names = [name.strip() for name in table.top]
    doubled = twice(names)
    marks = {name: TWICE for name in names if exact(name) in doubled}
    numbers = count(table.row + 1)
    for chunk in table.below:
        for number, cells in zip(numbers, chunk, strict=False):
            if isinstance(cells, Broken):
                raise InputError(f"row {number} {cells.why}")
            if any(map(str.strip, cells[len(names) :])):
                raise InputError(
                    f"row {number} has more cells than there are columns",
                    hint="Look for a delimiter inside a cell: such a cell has to stand in quotes.",
                )
            if any(map(str.strip, cells)):
                pairs = zip_longest(names, cells[: len(names)], fillvalue="")
                yield number, as_cells({name: cell.strip() for name, cell in pairs if name} | marks)


def _lines(blocks: Iterable[str]) -> Iterator[tuple[int, Any]]:
    rows = count(1)
    for line in "".join(blocks).split("\n"):
        if not (bare := line.strip(_BLANK)):
            next(rows)
            continue
        try:
            value = orjson.loads(bare)
        except orjson.JSONDecodeError:
            value = None
        yield from ((next(rows), one) for one in (listed(value) if is_page(value) else [value]))


def _objects(items: Iterable[tuple[int, Any]]) -> Iterator[Record]:
    for number, found in items:
        if not isinstance(found, dict):
            raise InputError(f"row {number} is not a JSON object")
        yield number, as_cells({name: _cell(value, number) for name, value in found.items()})


def _cell(value: Any, number: int) -> str:
    if isinstance(value, list):
        return "; ".join(_cell(one, number) for one in value)
    if isinstance(value, dict):
        raise InputError(f"row {number} has an object where a text should be")
    return "" if value is None else str(value).strip()
