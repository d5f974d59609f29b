"""What sources have in common that put the mailboxes of another one into an order: they tell of it what it tells of
itself, pass its rejected rows on first, and read the mailboxes again from where all of them lie, a chunk at a time."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence

from bulkmail.model import Counts, Digest, Mailbox, Rejected, Source
from bulkmail.source.chunks import CHUNK
from bulkmail.source.spool import SpooledSource


class Ordered:
    """The mailboxes of `source`; `spooled` is where all of them lie. Its subclasses are `model.Source`s."""

    replayable = True

    def __init__(self, source: Source, spooled: SpooledSource) -> None:
        self._source = source
        self._spooled = spooled
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._source!r}>"

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

    async def _again(self, rows: "array[int]", order: Sequence[int]) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        """The mailboxes of `rows` at these places, in this order."""
        for start in range(0, len(order), CHUNK):
            yield await asyncio.to_thread(self._spooled.at, [rows[place] for place in order[start : start + CHUNK]])
