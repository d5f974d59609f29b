"""What the tests of the wrappers share: a service with a memory, and ways to ask it many things at once."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import orjson

from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.lane import Slots
from bulkmail.core.slots.line import LineStatistics
from bulkmail.errors import OutcomeUnknown
from bulkmail.model import Effect, Event, Request, Response, Transport
from bulkmail.transport.limit import Limiting

T = TypeVar("T")
OK = Response(200, body={})
Answer = Callable[[Request], Coroutine[Any, Any, Response]]


def get(path: str = "/x", mailbox: str = "ada", **other: Any) -> Request:
    return Request("GET", path, mailbox, **other)


def post(path: str = "/x", mailbox: str = "ada", **other: Any) -> Request:
    return Request("POST", path, mailbox, body={"a": 1}, effect=Effect.NONE, **other)


def unheard(_event: Event) -> None:
    """A reporter for tests that do not listen."""


def open_pace() -> Pace:
    """A pace that holds nothing back."""
    return Pace(rate=1e6, in_flight=100_000)


def limiting(inner: Transport, **settings: Any) -> Limiting:
    """A limiter whose waits are not spread, so that they can be told."""
    given: dict[str, Any] = {"slots": Slots(), "pace": open_pace(), "report": unheard, "dice": lambda: 0.0}
    return Limiting(inner, **{**given, **settings})


def throttled(seconds: float | str | None, code: str = "ApplicationThrottled", *, status: int = 429) -> Response:
    """A refusal: of its mailbox by its default code, of the application by any other."""
    headers = {} if seconds is None else {"retry-after": str(seconds)}
    message = "Application is over its MailboxConcurrency limit." if code == "ApplicationThrottled" else ""
    return Response(status, headers, {"error": {"code": code, "message": message}})


def assert_nothing_held(limiter: Limiting) -> None:
    """No slot, no place in a queue, no request in flight, no memory of any mailbox."""
    assert limiter.statistics() == LineStatistics((), 0, 0, 0, 0)


async def together(*calls: Coroutine[Any, Any, T]) -> list[T]:
    """The results of calls that are made at the same time, or the first error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def part_requests(posted: Request) -> list[Request]:
    """The requests inside a `$batch`; the mailbox of each is read off its path, `/users/<mailbox>/…`."""
    return [
        Request(
            entry["method"], entry["url"], entry["url"].split("/")[2] if entry["url"].startswith("/users/") else "",
            entry.get("headers", {}), entry.get("body"),
        )
        for entry in orjson.loads(posted.body)["requests"]
    ]  # fmt: skip


class Unbatching:
    """A terminal that answers `$batch` posts by asking `answer` for each of their parts, the last part first.

    `told` hears of each answer when it leaves, which for a part is when all of its post is answered.
    """

    def __init__(
        self, answer: Answer, told: Callable[[Request, Response], None] = lambda _request, _answer: None
    ) -> None:
        self.answer = answer
        self.told = told
        self.posts: list[list[Request]] = []
        self.plain: list[Request] = []

    async def send(self, request: Request, /) -> Response:
        if request.path != "/$batch":
            self.plain.append(request)
            answer = await self.answer(request)
            self.told(request, answer)
            return answer
        parts = part_requests(request)
        self.posts.append(parts)
        answers: list[Response] = await together(*(self.answer(part) for part in parts))
        for part, answer in zip(parts, answers, strict=True):
            self.told(part, answer)
        entries = [
            {"id": str(number), "status": answer.status, "headers": dict(answer.headers), "body": answer.body}
            for number, answer in enumerate(answers)
        ]
        return Response(200, {"content-type": "application/json"}, {"responses": entries[::-1]})


class Witness:
    """A service that keeps its own account of slots and fences, and is told how each request ends.

    `plan(request)` gives seconds until the answer and the answer, or an error. `early` counts requests that came before
    a fence that the sender knew of; `most` is the largest number in flight of each mailbox.
    """

    def __init__(self, plan: Callable[[Request], tuple[float, Response | Exception]]) -> None:
        self._plan = plan
        self._flying: Counter[str] = Counter()
        self._fences: dict[str, list[tuple[float, float]]] = {}  # from when to when
        self.most: Counter[str] = Counter()
        self.early = 0

    async def answer(self, request: Request) -> Response:
        now = asyncio.get_running_loop().time
        fences = self._fences.get(request.mailbox, []) + self._fences.get("*", [])
        self.early += any(since < now() < until for since, until in fences)
        self._flying[request.mailbox] += 1
        self.most[request.mailbox] = max(self.most[request.mailbox], self._flying[request.mailbox])
        try:
            seconds, answer = self._plan(request)
            await asyncio.sleep(seconds)
        finally:
            self._flying[request.mailbox] -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def told(self, request: Request, answer: Response) -> None:
        """An answer leaves for the sender, who knows of its fence from now on."""
        asked, now = float(answer.headers.get("retry-after", 0)), asyncio.get_running_loop().time()
        if asked:
            mailbox_only = answer.status == 503 or answer.body["error"]["code"] == "ApplicationThrottled"
            scope = request.mailbox if mailbox_only else "*"
            self._fences.setdefault(scope, []).append((now, now + asked))

    async def send(self, request: Request, /) -> Response:
        answer = await self.answer(request)
        self.told(request, answer)
        return answer


def late(limiter: Callable[[], Limiting]) -> Callable[[str], bool]:
    """What a packer asks a limiter that is made after it."""
    return lambda key: limiter().held(key)


async def until_answered(transport: Transport, request: Request) -> Response | None:
    """Asks for as long as it is told to come back."""
    while True:
        try:
            response = await transport.send(request)
        except OutcomeUnknown:
            continue
        if response.status < 500 and response.status != 429:
            return response


def cancel_soon(task: asyncio.Task[Response]) -> None:
    asyncio.get_running_loop().call_soon(task.cancel)
