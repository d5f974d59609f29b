"""A fence of the application, told to all workers at once: what one is told by the service, the others keep to as well.

When it opens is told as an instant, which does not move while the word is on its way, where the clocks of the two are
known to each other; as the seconds that are left, otherwise. Neither is ever too early.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from bulkmail.cluster.calls import Calls

PATIENCE = 5.0
"""Seconds that a question for news waits for them before it is answered all the same: a line that is never used may be
cut without a word."""


class News(NamedTuple):
    """A fence: its number, the seconds that are left of it, the limit that asks for it, and when it opens by the
    coordinator's clock."""

    number: int = 0
    seconds: float = 0.0
    by: str = ""
    until: float = -math.inf


class Board:
    """The last fence, at the coordinator. One that opens no later than it changes nothing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._number = 0
        self._until = -math.inf
        self._by = ""
        self._from = 0
        self._news = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Board {self._number} fences told>"

    def rise(self, worker: int, seconds: float, by: str, until: float = math.inf) -> None:
        """The number of a worker that was told to wait, and for how long: so many seconds, or until an instant."""
        until = min(until, self._clock() + seconds)
        if until > self._until:
            self._number += 1
            self._until, self._by, self._from = until, by, worker
            self._news.set()
            self._news = asyncio.Event()  # those who ask from now on wait for the next

    async def after(self, worker: int, number: int) -> News:
        """What a worker has not heard of yet. A fence of its own is no news to it, nor is one that is open again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while number == self._number:
                    await self._news.wait()
        if number == self._number or self._from == worker:
            return News(self._number)
        return News(self._number, max(0.0, self._until - self._clock()), self._by, self._until)


class Ear:
    """A worker's end: says what the service asked of it, and `hold`s for what it asked of others. `here` makes an
    instant of the coordinator's clock one of ours."""

    def __init__(
        self, calls: Calls, hold: Callable[[float, str], None], here: Callable[[float], float] = lambda _: math.inf
    ) -> None:
        self._calls = calls
        self._hold = hold
        self._here = here
        self._time = asyncio.get_running_loop().time
        self._asked = asyncio.Event()
        self._until = -math.inf
        self._by = ""

    def note(self, seconds: float, by: str) -> None:
        """The service asked for a wait. At once; what is noted while a word is under way is told together."""
        until = self._time() + seconds
        if until > self._until:
            self._until, self._by = until, by
            self._asked.set()

    async def speak(self) -> None:
        """Until cancelled. Raises Gone."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._calls.call("fence", self._until - self._time(), self._by, self._until)

    async def listen(self) -> None:
        """Until cancelled. Raises Gone."""
        heard = 0
        while True:
            news: News = await self._calls.call("fences", heard)
            heard = news.number
            if (left := min(news.seconds, self._here(news.until) - self._time())) > 0:
                self._hold(left, news.by)
