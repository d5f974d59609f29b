"""Hands the rows of a source to many workers, one at a time, and reads a chunk ahead of them."""

import asyncio
from collections import deque

from bulkmail.model import Chunks, Mailbox, Rejected

AHEAD = 256
"""The next chunk is read when no more rows than this are at hand: half a chunk, so that no worker waits for a file."""


class Waiters:
    """Workers that wait for something, and are woken in the order in which they came."""

    def __init__(self) -> None:
        self._turns: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._turns)

    async def wait(self) -> None:
        """Until woken. A worker that is cancelled just after it was woken wakes the next one in its place."""
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.wake(1)
            raise

    def wake(self, number: int) -> None:
        """Wakes as many, or all if there are fewer."""
        while number and self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # else it was cancelled
                turn.set_result(None)
                number -= 1


class Feed:
    """`await feed.next()` gives the next row, or None at the end; safe to call from many workers. The next chunk is
    read when no more than `ahead` rows are at hand; where it is None, when half of the last chunk is.

    Workers that wait are served in order, and only as many are woken as there are rows. A worker that is cancelled
    while it waits takes no row with it.
    """

    def __init__(self, source: Chunks, ahead: int | None = AHEAD) -> None:
        self._is_half = ahead is None
        self._ahead = ahead or 0
        self._chunks = aiter(source)
        self._rows: deque[Mailbox | Rejected] = deque()
        self._waiting = Waiters()
        self._reading: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._ended = False

    def __repr__(self) -> str:
        return f"<Feed {len(self._rows)} rows at hand{', ended' if self._ended else ''}>"

    def take(self) -> Mailbox | Rejected | None:
        """The next row if it is at hand, which is nearly always so."""
        rows = self._rows
        if not rows:
            return None
        if len(rows) <= self._ahead:
            self._read_on()
        return rows.popleft()

    async def next(self) -> Mailbox | Rejected | None:
        """Raises what the source raised, to every worker that comes when the rows before it are used up."""
        while (row := self.take()) is None and not self._ended:
            self._read_on()
            await self._waiting.wait()
        if row is None and self._failure is not None:
            raise self._failure
        return row

    def at_hand(self) -> list[Mailbox | Rejected]:
        """What was read and not handed out; it is handed out now."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    async def close(self) -> None:
        """Read no more. A chunk that is just being read is dropped before the source counts it."""
        self._ended = True
        self._waiting.wake(len(self._waiting))
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _read_on(self) -> None:
        if self._reading is None and not self._ended:
            self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            chunk = await anext(self._chunks, None)
        except Exception as error:  # noqa: BLE001 - `next` raises it
            self._failure, chunk = error, None
        self._reading = None
        if chunk is None:
            self._ended = True
            self._waiting.wake(len(self._waiting))
        else:
            self._rows.extend(chunk)
            if self._is_half:
                self._ahead = len(chunk) // 2
            self._waiting.wake(len(chunk))
            if not chunk or self._waiting:
                self._read_on()
