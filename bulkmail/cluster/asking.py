"""A worker's end of the central law of the rate: says what was sent, twice a second and at once when that decides
something, and keeps to what is granted."""

import asyncio
from collections.abc import Callable

from bulkmail.cluster.calls import Calls
from bulkmail.cluster.clocks import Offset
from bulkmail.cluster.messages import BEAT
from bulkmail.core.pace.granted import Grant, GrantedPace

HURRY, FEW = 0.1, 8
"""Seconds from one word to the next while nothing may leave, while the rate rises quickly, and for the first FEW, which
show how long a word takes."""

MOST = 8
"""Words that are under way at most."""


def again(pace: GrantedPace, now: float) -> float:
    """Seconds until the next word. One that has no answer yet may have been lost."""
    if pace.words < FEW or pace.soon or not pace.may_send(now):
        return HURRY
    return BEAT / 2 if pace.unanswered > 1 else BEAT


class Asking:
    """`wake` is called after a grant, since more may leave then."""

    def __init__(self, calls: Calls, pace: GrantedPace, wake: Callable[[], None]) -> None:
        self._calls = calls
        self._pace = pace
        self._wake = wake
        self._time = asyncio.get_running_loop().time
        self._urgent = asyncio.Event()
        self._clock = Offset()  # of the coordinator's

    def __repr__(self) -> str:
        return f"<Asking for {self._pace!r}>"

    def here(self, instant: float) -> float:
        """An instant of the coordinator's clock by ours; inf while that is not known."""
        return instant + self._clock.ahead

    def note(self) -> None:
        """Something decides: a refusal, or a fence of others."""
        self._urgent.set()

    async def ask(self) -> None:
        """Until cancelled. Raises Gone, in a group."""
        async with asyncio.TaskGroup() as group:
            flying = set[asyncio.Task[None]]()
            while True:
                self._urgent.clear()
                if len(flying) < MOST:
                    task = group.create_task(self._say())
                    flying.add(task)
                    task.add_done_callback(flying.discard)
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(again(self._pace, self._time())):
                await self._urgent.wait()
        except TimeoutError:
            pass

    async def _say(self) -> None:
        grant: Grant = await self._calls.call("rate", self._pace.say(self._time()))
        now = self._time()
        self._clock.hear(now, grant.at)
        self._pace.grant(now, grant)
        self._wake()
