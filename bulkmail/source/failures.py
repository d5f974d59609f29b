"""What `failed.csv` looks like, for the run that writes it and for the run that it is the input of.

Its first columns are a run's own; behind them stand the cells of the row as the list had them. They are read by their
places: a list may have a `status` or an `id` of its own, which must not be taken for the run's. Texts that a
spreadsheet would run are escaped, and come back as they were.
"""

from collections.abc import Mapping, Sequence

from bulkmail.sink.formula import unescape
from bulkmail.source.cells import MARK
from bulkmail.source.columns import Choice, exact

COLUMNS = ("mailbox", "id", "row", "status", "code", "message", "request_id")

CHOICE = Choice(0, 1, names=COLUMNS[:2])
"""Where address and id stand."""

NO_CELL = f"{MARK} none"
"""Stands where a row had no cell, being shorter than others. It is marked, so that no blank is sent in its place."""


def is_failed_csv(names: Sequence[str]) -> bool:
    """Whether a heading is that of a `failed.csv`, or of one that went through a spreadsheet."""
    return tuple(map(exact, names[: len(COLUMNS)])) == COLUMNS


def own_names(names: Sequence[str]) -> list[tuple[int, str]]:
    """The places and names of the columns that the list had."""
    first = len(COLUMNS)
    return [(place, unescape(name.strip())) for place, name in enumerate(names[first:], first) if name.strip()]


def own_cells(columns: Sequence[tuple[int, str]], cells: Sequence[str]) -> Mapping[str, str]:
    """The cells of a row by the names of `own_names`, as the list had them."""
    held = ((name, cells[place]) for place, name in columns if place < len(cells))
    return {name: unescape(cell) for name, cell in held if cell != NO_CELL}
