"""A worker may send while its lease lasts. It is renewed by each sign of life that the coordinator has answered, and
counted from when that was sent, so that it has ended here before it ends there.

A lease that has lapsed decides nothing about a mailbox: requests wait until it is renewed, or until the coordinator
says that this worker was given up. What was stopped between that look and the wire is asked again there (`leaving`).
"""

import asyncio
import math
import sys
import time
from collections.abc import Callable

from bulkmail.errors import NOT_SENT, Lapsed
from bulkmail.model import Request, Response, Transport

SENDING = 0.8
"""Share of the lease in which requests may leave: those that left last have the rest to be answered in, before their
mailbox begins elsewhere, and so it has no more than its slots in flight."""


def now() -> float:
    """Seconds of a clock that nothing can set, and that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


class Lease:
    """Of `seconds`, as the coordinator counts them; none yet."""

    def __init__(self, seconds: float, clock: Callable[[], float] = now) -> None:
        self._sending = seconds * SENDING
        self._until = -math.inf
        self._renewed = asyncio.Event()
        self.clock = clock

    def __repr__(self) -> str:
        return f"<Lease {'lasts' if self.lasts else 'lapsed'}>"

    @property
    def lasts(self) -> bool:
        return self.clock() < self._until

    def renew(self, asked: float) -> None:
        """A sign of life that was sent at the instant `asked` of `clock` has been answered."""
        self._until = max(self._until, asked + self._sending)
        self._renewed.set()

    def check(self) -> None:
        """A `leaving.Leaving`. Raises Lapsed."""
        if not self.lasts:
            raise Lapsed("the coordinator was not heard of for too long, so nothing is sent now")

    async def held(self) -> None:
        """Until it lasts."""
        while not self.lasts:
            self._renewed.clear()
            await self._renewed.wait()


class Leased:
    """Sends nothing while the lease has lapsed: these mailboxes may be another worker's by then."""

    def __init__(self, inner: Transport, lease: Lease) -> None:
        self._inner = inner
        self._lease = lease

    async def send(self, request: Request, /) -> Response:
        while True:
            if not self._lease.lasts:
                with request.waits:
                    await self._held()
            try:
                return await self._inner.send(request)
            except Lapsed:
                continue  # between this look and the wire

    async def _held(self) -> None:
        try:
            await self._lease.held()
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(NOT_SENT)
            raise
