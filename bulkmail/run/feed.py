"""Hands the rows of a source to many workers, one at a time, reading the next chunk only when the last is used up."""

import asyncio
from collections import deque

from bulkmail.model import Mailbox, Rejected, Source


class Feed:
    """`await feed.next()` gives the next row, or None at the end; safe to call from many workers.

    A worker that is cancelled while it waits does not end the reading: the rows are still there for the next one.
    """

    def __init__(self, source: Source) -> None:
        self._chunks = aiter(source)
        self._rows: deque[Mailbox | Rejected] = deque()
        self._reading: asyncio.Task[None] | None = None
        self._ended = False

    def __repr__(self) -> str:
        return f"<Feed {len(self._rows)} rows at hand{', ended' if self._ended else ''}>"

    async def next(self) -> Mailbox | Rejected | None:
        """Raises InputError once, for whoever waits; after that the input has ended."""
        while not self._rows:
            if self._ended:
                return None
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)
        return self._rows.popleft()

    def at_hand(self) -> list[Mailbox | Rejected]:
        """What was read and not handed out; it is handed out now."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def _read(self) -> None:
        try:
            chunk = await anext(self._chunks, None)
        except BaseException:
            self._ended = True
            raise
        self._reading = None
        if chunk is None:
            self._ended = True
        else:
            self._rows.extend(chunk)
