"""Room in memory for what answers hold, shared by all mailboxes of a run: however many are under way, it is not more.

Who comes first is let in first; what is larger than all the room has it alone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

ROOM = 64 * 1024 * 1024
"""Bytes."""


class Room:
    """`async with room.of(size)`, and have so many bytes until the block ends."""

    def __init__(self, size: int = ROOM) -> None:
        self._size = size
        self.free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        wanted = min(size, self._size)
        if self._waiting or wanted > self.free:
            await self._turn(wanted)
        else:
            self.free -= wanted
        try:
            yield
        finally:
            self._give_back(wanted)

    async def _turn(self, wanted: int) -> None:
        """Returns when there is room, which is taken by then."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._give_back(0 if turn.cancelled() else wanted)  # else it was let in at the same moment
            raise

    def _give_back(self, size: int) -> None:
        self.free += size
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.cancelled():
                if wanted > self.free:
                    return
                self.free -= wanted
                turn.set_result(None)
            self._waiting.popleft()
