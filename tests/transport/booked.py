"""A ledger that is told things, and what stands below a Booking, for tests of both."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bulkmail.model import Effect, Ending, Request, Response, Transport
from bulkmail.testing import Scripted

CREATED = Response(201, body={"id": "new"})


def write(effect: Effect = Effect.KEYED, row: int = 7) -> Request:
    return Request("POST", "/x", "ada", body={}, effect=effect, row=row)


@dataclass
class Noted:
    """A ledger that keeps what it is told in `told`, with the time. An intent takes `seconds`, or fails."""

    seconds: float = 0.0
    refusal: Exception | None = None
    told: list[tuple[float, str, Any]] = field(default_factory=list)
    number: int = 0

    def hear(self, word: str, what: Any) -> None:
        self.told.append((asyncio.get_running_loop().time(), word, what))

    async def plan(self, request: Request, /) -> None:
        raise AssertionError("nothing is planned here")

    async def intend(self, request: Request, /) -> int:
        await asyncio.sleep(self.seconds)
        if self.refusal:
            raise self.refusal
        self.number += 1
        self.hear("intended", self.number)
        return self.number

    def conclude(self, number: int, request: Request, ending: Ending, id_: str = "", /) -> None:
        self.hear("ended", (number, ending, id_))

    @property
    def endings(self) -> list[Ending]:
        return [what[1] for _, word, what in self.told if word == "ended"]


class Admitting:
    """A limiter that has room for everybody."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def send(self, request: Request, /) -> Response:
        if request.ready is not None:
            await request.ready()
        return await self._inner.send(request)


def answering(step: Response | BaseException, *, seconds: float = 0.0) -> Callable[[Request], Any]:
    async def answer(_request: Request) -> Response:
        await asyncio.sleep(seconds)
        if isinstance(step, BaseException):
            raise step
        return step

    return answer


def times(steps: dict[int, list[Response | BaseException]], *, seconds: float = 0.0) -> tuple[Scripted, list[float]]:
    """A service that ends the writes of a row one after another as told, all else well; and when it was asked."""
    asked: list[float] = []

    async def answer(request: Request) -> Response:
        asked.append(asyncio.get_running_loop().time())
        left = steps.get(request.row, []) if request.method != "GET" else []
        return await answering(left.pop(0) if left else CREATED, seconds=seconds)(request)  # type: ignore[no-any-return]

    return Scripted(answer), asked
