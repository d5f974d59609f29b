"""Puts the mailboxes of an input into the order of need: those that were never tried first, then by the last success.

A try that failed counts like a success here, or a thousand mailboxes that fail each night would take up a time box
alone. In its stead every twelfth place is for one whose last try failed, though it is not its turn; they take it in
turn. So a box that covers a tenth of a list reaches all of it in eleven nights, however many fail, and what failed for
a moment is soon tried again.

Only times and places are sorted, some 50 bytes a mailbox; the mailboxes themselves stay in the file that they lie in.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from bulkmail.model import Mailbox, Rejected, Source
from bulkmail.source.ordered import Ordered
from bulkmail.source.rows import Rows
from bulkmail.source.spool import SpooledSource

AGAIN = 12
"""Of so many places one is for a mailbox whose last try failed: of a tenth of a list a twelfth, so that what is left of
eleven nights is all of it once, and a little."""


class Last(NamedTuple):
    """When a mailbox was last tried, in seconds since 1970, minus infinity for never; and whether that failed."""

    tried: float
    failed: bool = False


class Stalest(Ordered):
    """The mailboxes of `source` in that order, behind its rejected rows. Is a `model.Source`.

    `spooled` is where all of them lie. `last` tells of the last try of mailboxes, in a thread. Mailboxes in rows that
    are `done`, or that were `begun` and are to be brought to an end, come first of all, since a run that goes on has
    counted them; `limit` is how many there are to be.
    """

    def __init__(
        self, source: Source, spooled: SpooledSource, last: Callable[[Sequence[Mailbox]], Sequence[Last]], *,
        done: Rows | None = None, begun: Collection[int] = (), limit: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(source, spooled)
        self._last = last
        self._done = Rows() if done is None else done
        self._begun = begun
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        rows, at, failed = array("Q"), array("d"), array("Q")  # of these, the places
        async for chunk in self._source:
            mailboxes = [row for row in chunk if isinstance(row, Mailbox)]
            last = await asyncio.to_thread(self._last, mailboxes)
            failed.extend(place for place, one in enumerate(last, len(rows)) if one.failed)
            rows.extend(row.row for row in mailboxes)
            at.extend(one.tried for one in last)
            self.counts = self._source.counts
            yield [row for row in chunk if isinstance(row, Rejected)]
        order = await asyncio.to_thread(self._sorted, rows, at, failed)
        wanted = order[: self._limit] if self._limit else order
        self.counts = replace(self.counts, unique=len(wanted), beyond=self.counts.beyond + len(order) - len(wanted))
        async for chunk in self._again(rows, wanted):
            yield chunk

    def _sorted(self, rows: "array[int]", at: "array[float]", failed: "array[int]") -> list[int]:
        is_counted = bytearray(row in self._done or row in self._begun for row in rows)
        in_turn = sorted((place for place, counted in enumerate(is_counted) if not counted), key=at.__getitem__)
        again = sorted((place for place in failed if not is_counted[place]), key=at.__getitem__)
        return [*(place for place, counted in enumerate(is_counted) if counted), *interleaved(in_turn, again)]


def interleaved(in_turn: Sequence[int], again: Sequence[int]) -> list[int]:
    """The places of `in_turn`, each once; those of them that are in `again` come earlier, where there is room."""
    given, order = bytearray(max(in_turn, default=-1) + 1), list[int]()
    turns, others = iter(in_turn), iter(again)
    for number in range(1, len(in_turn) + 1):
        candidates = turns if number % AGAIN else chain(others, turns)
        place = next(one for one in candidates if not given[one])
        given[place] = True
        order.append(place)
    return order
