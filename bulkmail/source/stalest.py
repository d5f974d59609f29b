"""Puts the mailboxes of an input into the order of need: those that were never tried first, then by the last try.

By the last try and not by the last success: a mailbox that fails each night would otherwise stand in front each night,
and a thousand of them would take up a time box alone. So every mailbox has its turn, and a box that covers a tenth of a
list has seen all of it after ten nights.

Only times and places are sorted, some 50 bytes a mailbox; the mailboxes themselves stay in the file that they lie in.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from bulkmail.model import Counts, Digest, Mailbox, Rejected, Source
from bulkmail.source.chunks import CHUNK
from bulkmail.source.rows import Rows
from bulkmail.source.spool import SpooledSource


class Stalest:
    """The mailboxes of `source` in that order, behind its rejected rows. Is a `model.Source`.

    `spooled` is where all of them lie. `tried` says when mailboxes were last tried, in a thread. Mailboxes in rows that
    are `done` come first of all, since a run that goes on has counted them; `limit` is how many there are to be.
    """

    replayable = True

    def __init__(
        self, source: Source, spooled: SpooledSource, tried: Callable[[Sequence[Mailbox]], Sequence[float]], *,
        done: Rows | None = None, limit: int = 0,
    ) -> None:  # fmt: skip
        self._source = source
        self._spooled = spooled
        self._tried = tried
        self._done = Rows() if done is None else done
        self._limit = limit
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<Stalest of {self._source!r}>"

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def excluded_sha256(self) -> str:
        return getattr(self._source, "excluded_sha256", "")

    def digest(self) -> Digest | None:
        return self._source.digest()

    def size(self) -> int | None:
        return self._source.size()

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        rows, at = array("Q"), array("d")
        async for chunk in self._source:
            mailboxes = [row for row in chunk if isinstance(row, Mailbox)]
            rows.extend(row.row for row in mailboxes)
            at.extend(await asyncio.to_thread(self._tried, mailboxes))
            self.counts = self._source.counts
            yield [row for row in chunk if isinstance(row, Rejected)]
        order = await asyncio.to_thread(self._sorted, rows, at)
        wanted = order[: self._limit] if self._limit else order
        self.counts = replace(self.counts, unique=len(wanted), beyond=self.counts.beyond + len(order) - len(wanted))
        for start in range(0, len(wanted), CHUNK):
            yield await asyncio.to_thread(self._spooled.at, [rows[place] for place in wanted[start : start + CHUNK]])

    def _sorted(self, rows: "array[int]", at: "array[float]") -> list[int]:
        return sorted(range(len(rows)), key=lambda place: (rows[place] not in self._done, at[place]))
