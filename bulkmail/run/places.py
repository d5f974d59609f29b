"""Lets only a few mailboxes at a time work below the same other one: a sender of many notices is one mailbox.

More would not be faster, since the service takes four requests at a time there; they would only all be half done.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 8
"""Twice the requests that a mailbox may have in flight, so that one is always ready to go."""


class Places:
    """`async with places.turn(place, row)` waits until few enough are there. `waiting` are the rows that still do."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._inside: dict[str, int] = {}
        self.waiting: set[int] = set()

    def __repr__(self) -> str:
        return f"<Places {len(self._turns)}, {len(self.waiting)} rows waiting>"

    @asynccontextmanager
    async def turn(self, place: str, row: int) -> AsyncIterator[None]:
        turns = self._turns.setdefault(place, asyncio.Semaphore(AT_ONCE))
        self._inside[place] = self._inside.get(place, 0) + 1
        self.waiting.add(row)
        try:
            async with turns:
                self.waiting.discard(row)
                yield
        finally:
            self.waiting.discard(row)
            self._inside[place] -= 1
            if not self._inside[place]:
                del self._inside[place], self._turns[place]
