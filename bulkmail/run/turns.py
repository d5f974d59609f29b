"""Lets only a few mailboxes at a time work below the same other one: a sender of many notices is one mailbox.

More would not be faster, since the service takes four requests at a time there; they would only all be half done.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_ONCE = 8
"""Twice the requests that a mailbox may have in flight, so that one is always ready to go."""


class Places:
    """`async with places.turn(place)` waits until few enough are there. Knows only places where somebody is."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._there: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"<Places {dict(self._there)}>"

    @asynccontextmanager
    async def turn(self, place: str) -> AsyncIterator[None]:
        turns = self._turns.setdefault(place, asyncio.Semaphore(AT_ONCE))
        self._there[place] += 1
        try:
            async with turns:
                yield
        finally:
            self._there[place] -= 1
            if not self._there[place]:
                del self._there[place], self._turns[place]
