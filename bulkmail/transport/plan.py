"""Lets reads pass and swallows writes: a run that only plans cannot alter a mailbox, whatever its task tries.

It stands above the limiter, because a write that is not sent needs no slot.
"""

from collections.abc import Callable

from bulkmail.model import Request, Response, Transport

READS = frozenset({"GET", "HEAD"})


class Planning:
    """Answers every write with 204 and tells `planned` of it."""

    def __init__(self, inner: Transport, planned: Callable[[Request], None]) -> None:
        self._inner = inner
        self._planned = planned

    async def send(self, request: Request, /) -> Response:
        if request.method in READS:
            return await self._inner.send(request)
        self._planned(request)
        return Response(204)
