"""A service as Outlook is: four requests of a mailbox at a time, parts of a batch that depend on each other one after
another until one fails; and a way to it that takes time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from bulkmail.core.batch import Pause
from bulkmail.core.slots.lane import Slots
from bulkmail.model import Effect, Request, Response
from bulkmail.transport.chain import chaining
from bulkmail.transport.limit import Limiting
from tests.transport.rig import late, limiting, part_requests, throttled

Plan = Callable[[Request, int], Response]
"""The answer to a request, and to which attempt at it."""


def good(_request: Request, _attempt: int) -> Response:
    return Response(200, body={})


def write(number: int, mailbox: str = "ada", effect: Effect = Effect.IDEMPOTENT, **other: Any) -> Request:
    return Request(
        "PATCH", f"/users/{mailbox}/messages/{number}", mailbox, body={"isRead": True}, effect=effect, **other
    )


class Exchange:
    """`done` counts how often each path was carried out, `tried` how often it was looked at; `chains` has the number of
    links of each post, `plain` the paths that came by themselves. A post of which `spoil` gives an answer gets that,
    with nothing carried out."""

    def __init__(self, plan: Plan = good, *, way: float = 0.1, work: float = 0.15, slots: int = 4) -> None:
        self.plan = plan
        self.spoil: Callable[[int], Response | Exception | None] = lambda _number: None
        self.way = way
        self.work = work
        self.slots = slots
        self.done: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.flying: Counter[str] = Counter()
        self.most = self.refused = 0
        self.chains: list[int] = []
        self.plain: list[str] = []

    async def send(self, request: Request, /) -> Response:
        await asyncio.sleep(self.way / 2)
        answer = await self._post(request) if request.path == "/$batch" else await self._single(request)
        await asyncio.sleep(self.way / 2)
        return answer

    async def _single(self, request: Request) -> Response:
        self.plain.append(request.path)
        return await self._one(request)

    async def _post(self, post: Request) -> Response:
        parts, entries = part_requests(post), orjson.loads(post.body)["requests"]
        self.chains.append(len(parts))
        assert [entry.get("dependsOn", []) for entry in entries] == [[], *([str(n)] for n in range(len(parts) - 1))]
        if (spoilt := self.spoil(len(self.chains))) is not None:
            if isinstance(spoilt, Exception):
                raise spoilt
            return spoilt
        answers: list[dict[str, Any]] = []
        for number, part in enumerate(parts):
            failed = bool(answers) and answers[-1]["status"] >= 400
            answer = Response(424, body={"error": {"code": "Failed Dependency"}}) if failed else await self._one(part)
            answers.append(
                {"id": str(number), "status": answer.status, "headers": dict(answer.headers), "body": answer.body}
            )
        return Response(200, {"content-type": "application/json"}, {"responses": answers[::-1]})

    async def _one(self, request: Request) -> Response:
        mailbox = request.path.split("/")[2]
        if self.flying[mailbox] >= self.slots:
            self.refused += 1
            return throttled(1)
        self.flying[mailbox] += 1
        self.most = max(self.most, self.flying[mailbox])
        await asyncio.sleep(self.work)
        self.flying[mailbox] -= 1
        self.tried[request.path] += 1
        answer = self.plan(request, self.tried[request.path])
        self.done[request.path] += answer.status < 300
        return answer


@asynccontextmanager
async def chained(service: Exchange, **settings: Any) -> AsyncIterator[Limiting]:
    """A limiter that lets chains leave, and what posts them."""
    async with chaining(service, held=late(lambda: limiter), pause=Pause(lambda: 0.0)) as posting:
        limiter = limiting(posting, slots=Slots(longest=20), **settings)
        yield limiter
