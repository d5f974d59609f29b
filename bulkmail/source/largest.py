"""Puts the mailboxes of an input into the order of their sizes, the largest first: none is waited for at the end.

(Longest processing time first: Graham, 1969.) Sizes are what a column of the list says, a number in any unit; mailboxes
whose cell is not a number come last, in the order of the list, like those of the same size. Only sizes and places are
sorted, some 50 bytes a mailbox; the mailboxes themselves stay in the file that they lie in.
"""

import asyncio
import math
from array import array
from collections.abc import AsyncIterator, Iterable, Sequence

from bulkmail.errors import ConfigError
from bulkmail.model import Mailbox, Rejected, Source
from bulkmail.source.columns import fold
from bulkmail.source.ordered import Ordered
from bulkmail.source.spool import SpooledSource
from bulkmail.text import likeliest

_SHOWN = 12


class Largest(Ordered):
    """The mailboxes of `source` by the sizes in `column`, behind its rejected rows. Is a `model.Source`.

    `spooled` is where all of them lie.
    """

    def __init__(self, source: Source, spooled: SpooledSource, column: str) -> None:
        super().__init__(source, spooled)
        self._column = fold(column)

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        rows, sizes = array("Q"), array("d")
        async for chunk in self._source:
            mailboxes = [row for row in chunk if isinstance(row, Mailbox)]
            rows.extend(row.row for row in mailboxes)
            sizes.extend(map(self._size_of, mailboxes))
            self.counts = self._source.counts
            yield [row for row in chunk if isinstance(row, Rejected)]
        order = await asyncio.to_thread(sorted, range(len(rows)), key=sizes.__getitem__, reverse=True)
        async for chunk in self._again(rows, order):
            yield chunk

    def _size_of(self, mailbox: Mailbox) -> float:
        """Minus infinity where it is not known."""
        for name, cell in mailbox.columns.items():  # as they were read: one that cannot be relied on is no number
            if fold(name) == self._column:
                return number(cell)
        return -math.inf


def number(cell: str) -> float:
    """A number without a unit; commas, and blanks of any kind, may stand between thousands. Minus infinity for what is
    not one."""
    try:
        found = float("".join(cell.split()).replace(",", ""))
    except ValueError:
        return -math.inf
    return found if math.isfinite(found) else -math.inf


def require_sizes(column: str, names: Iterable[str], source: str) -> None:
    """Raises ConfigError where a list has no such column; `names` are those that it has."""
    there = sorted(names)
    if fold(column) in map(fold, there):
        return
    near = likeliest(column, there)
    raise ConfigError(
        f"input.size_column is {column!r}; {source} has {', '.join(there[:_SHOWN]) or 'no columns beside the mailbox'}",
        hint=f"Did you mean {near!r}?" if near else 'Name the column with the sizes, or set order = "listed".',
    )
