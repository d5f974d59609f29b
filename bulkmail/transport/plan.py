"""Lets reads pass and swallows writes: a run that only plans cannot alter a mailbox, whatever its task tries.

It stands above the limiter, because a write that is not sent needs no slot.
"""

from collections.abc import Coroutine
from typing import Any

from bulkmail.core.effect import writes
from bulkmail.errors import WriteRefused
from bulkmail.model import Ledger, Request, Response, Transport


class Planning:
    """Notes every write in the ledger and answers it with 204."""

    def __init__(self, inner: Transport, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    def send(self, request: Request, /) -> Coroutine[Any, Any, Response]:
        return self._note(request) if writes(request) else self._inner.send(request)

    async def _note(self, request: Request) -> Response:
        await self._ledger.plan(request)
        return Response(204)


class Refusing:
    """For a task that says it only reads: no write passes, and the task hears why."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, request: Request, /) -> Coroutine[Any, Any, Response]:
        if writes(request):
            raise WriteRefused(
                f"the task tried to {request.method} though it is declared to read only",
                hint="Declare it with writes=True: it then plans until it is told to apply.",
            )
        return self._inner.send(request)
