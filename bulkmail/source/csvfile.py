"""Reads the mailboxes of a CSV: which columns name them, and a verdict on each row. Knows text, not files."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from bulkmail.model import Mailbox, Rejected
from bulkmail.source.address import clean, fault
from bulkmail.source.admission import Admission, Look
from bulkmail.source.cells import TWICE, Cells, marked
from bulkmail.source.columns import Choice, choose, exact, is_heading, twice
from bulkmail.source.failures import CHOICE, is_failed_csv, own_cells, own_names
from bulkmail.source.table import Broken, Chunk, Table, read_table


def _cells_by_name(columns: Sequence[tuple[int, str]], cells: Sequence[str]) -> Mapping[str, str]:
    return {name: cells[place] for place, name in columns if place < len(cells)}


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows below the heading, with the number of the first. Columns to carry are a place and a name each;
    `doubled` are the names of those that are there twice. `cells` takes what is carried out of a row."""

    choice: Choice
    row: int
    below: Iterable[Chunk]
    carried: Sequence[tuple[int, str]] = ()
    doubled: Sequence[str] = ()
    cells: Callable[[Sequence[tuple[int, str]], Sequence[str]], Mapping[str, str]] = _cells_by_name


def read_csv(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict a row below the heading, in chunks. With `keep_columns`, a mailbox carries all cells of its
    row, that of the address too: a text may call it by the name that it has there.

    Raises InputError for a table in which no column names mailboxes, and for a quote that is never closed.
    """
    listed = _listed(read_table(blocks, admission.sizes()), column)
    choice, row = listed.choice, listed.row
    admission.columns = choice.names
    for records in listed.below:
        ids = _column(records, choice.id) if choice.id >= 0 else ()
        columns = _carried(listed, records) if keep_columns else ()
        look = Look(choice.names, _also(records, choice.also, row), choice.concealable)
        yield admission.admit_all(row, _column(records, choice.address), ids, columns, look)
        row += len(records)


def _listed(table: Table, column: str) -> Listed:
    """Tells whether the first row is a heading or already a mailbox."""
    cells = table.top
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if not cells:
        return Listed(Choice(0), table.row, ())
    if len(filled) == 1 and not column and not is_heading(cells) and not fault(clean(cells[filled[0]])):
        return Listed(Choice(filled[0]), table.row, chain([[cells]], table.below))
    if is_failed_csv(cells):
        own = own_names(cells)
        twice_there = twice([name for _, name in own])
        doubled_own = [name for _, name in own if exact(name) in twice_there]
        return Listed(CHOICE, table.row + 1, table.below, own, doubled_own, own_cells)
    choice = choose(cells, column)
    carried = [(place, cells[place].strip()) for place in filled]
    doubled = twice(cells)
    return Listed(choice, table.row + 1, table.below, carried, [name for _, name in carried if exact(name) in doubled])


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


def _also(records: Chunk, places: Sequence[int], first: int) -> Callable[[int], Sequence[str]]:
    return lambda row: [_cell(records[row - first], place) for place in places]


def _carried(listed: Listed, records: Chunk) -> Sequence[Mapping[str, str]]:
    """The other cells of each row; guarded in a chunk that holds one which cannot be relied on."""
    columns = [listed.cells(listed.carried, cells) for cells in records]
    if not listed.doubled and not marked(map("".join, records)):
        return columns
    doubled = dict.fromkeys(listed.doubled, TWICE)
    return [Cells({**cells, **doubled}) for cells in columns]
