"""A worker may send while its lease lasts: it is renewed by each sign of life that the coordinator has answered, and
counted from when that was sent, so that it has ended here before it ends there."""

import asyncio
import math

from bulkmail.cluster.messages import Gone
from bulkmail.model import Request, Response, Transport


class Lease:
    """`until` is an instant of the loop's clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.until = -math.inf

    def renew(self, asked: float) -> None:
        """A sign of life that was sent at `asked` has been answered."""
        self.until = max(self.until, asked + self._seconds)


class Leased:
    """Sends nothing once the lease has ended: these mailboxes may be another worker's by then."""

    def __init__(self, inner: Transport, lease: Lease) -> None:
        self._inner = inner
        self._lease = lease
        self._time = asyncio.get_running_loop().time

    async def send(self, request: Request, /) -> Response:
        if self._time() >= self._lease.until:
            raise Gone("the coordinator was not heard of for too long: nothing more is sent")
        return await self._inner.send(request)
