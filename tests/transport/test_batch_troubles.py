"""Whatever becomes of whole posts, each part ends once, with what is true of it, and no write is made twice."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, SignInError, TransportError, Unreachable
from bulkmail.model import Effect, Request, Response
from bulkmail.testing import Tokens, run
from bulkmail.transport import StackSettings, stack
from tests.transport.rig import get, part_requests, unheard

HTML = {"content-type": "text/html"}


class Trouble:
    """A service that works on a post or not, and then answers it, or loses the answer."""

    def __init__(self, script: list[str]) -> None:
        self._script = iter(script)
        self.done: Counter[str] = Counter()
        self.posts = 0

    async def send(self, request: Request, /) -> Response:
        await asyncio.sleep(0.1)
        if request.path != "/$batch":
            return self._work(request)
        self.posts += 1
        return TROUBLES[next(self._script, "well")](self, part_requests(request))

    def _work(self, part: Request) -> Response:
        self.done[part.path] += 1
        return Response(200, {}, {"path": part.path})

    def well(self, parts: list[Request]) -> Response:
        answers = [self._work(part) for part in parts]
        entries = [{"id": str(number), "status": 200, "body": one.body} for number, one in enumerate(answers)]
        return Response(200, body={"responses": entries[::-1]})

    def incomplete(self, parts: list[Request]) -> Response:
        answer = self.well(parts)
        del answer.body["responses"][0]
        return answer

    def doubled(self, parts: list[Request]) -> Response:
        answer = self.well(parts)
        answer.body["responses"].append(answer.body["responses"][0])
        return answer

    def half_throttled(self, parts: list[Request]) -> Response:
        """The first half of the parts is worked on, the others are refused."""
        answer = self.well(parts[: len(parts) // 2])
        refused = {"status": 429, "headers": {"Retry-After": "2"}, "body": {"error": {"code": "ApplicationThrottled"}}}
        for number in range(len(parts) // 2, len(parts)):
            answer.body["responses"].append({"id": str(number), **refused})
        return answer

    def lost(self, parts: list[Request]) -> Response:
        self.well(parts)
        raise OutcomeUnknown("the connection was reset")

    def unreachable(self, parts: list[Request]) -> Response:
        raise Unreachable("no route")


def refusing(status: int, *, worked: bool = False, body: object = None) -> Callable[[Trouble, list[Request]], Response]:
    def answer(service: Trouble, parts: list[Request]) -> Response:
        if worked:
            service.well(parts)
        return Response(status, HTML if isinstance(body, bytes) else {}, body)

    return answer


TROUBLES: dict[str, Callable[[Trouble, list[Request]], Response]] = {
    "well": Trouble.well,
    "incomplete": Trouble.incomplete,
    "doubled": Trouble.doubled,
    "half throttled": Trouble.half_throttled,
    "lost": Trouble.lost,
    "unreachable": Trouble.unreachable,
    "malformed": refusing(400),
    "too large": refusing(413),
    "forbidden": refusing(403),
    "token refused": refusing(401),
    "throttled": refusing(429),
    "busy": refusing(503),
    "time-out": refusing(504, worked=True),
    "failed": refusing(500, worked=True, body=b"<html>"),
    "page": refusing(200, worked=True, body=b"<html>"),
    "empty": refusing(200, worked=True),
    "nothing": refusing(204, worked=True),
    "redirect": refusing(302),
}

requests = st.lists(st.sampled_from(["GET", "PATCH", "POST"]), min_size=1, max_size=25)
EFFECTS = {"GET": Effect.READ, "PATCH": Effect.IDEMPOTENT, "POST": Effect.NONE}


@settings(max_examples=300)
@given(st.lists(st.sampled_from(sorted(TROUBLES)), max_size=12), requests, st.sampled_from([1, 3, 20]))
def test_no_part_is_lost_or_doubled(script: list[str], methods: list[str], size: int) -> None:
    service = Trouble(script)
    asked = [
        get(f"/users/m{number % 7}/{number}", f"m{number % 7}")._replace(method=method, effect=EFFECTS[method], body={})
        for number, method in enumerate(methods)
    ]

    async def main() -> list[Response | BaseException]:
        chosen = StackSettings(batch=size, retries=RetryRules(attempts=20, seconds=1e9))
        async with stack(service, Tokens(), chosen, unheard) as whole:
            tasks = [asyncio.create_task(whole.transport.send(request)) for request in asked]
            await asyncio.wait(tasks)
            assert whole.pace.statistics().in_flight == 0
        return [task.exception() or task.result() for task in tasks]

    for request, end in zip(asked, run(main()), strict=True):
        done = service.done[request.path]
        if request.effect is Effect.NONE:
            assert done <= 1
        if isinstance(end, Response):
            assert end.status in (200, 302, 401)
            assert end.status != 200 or (end.body == {"path": request.path} and done)
            assert end.status != 401 or script.count("token refused") > 1
            assert end.status != 302 or "redirect" in script
        elif isinstance(end, SignInError):
            assert script.count("token refused") > 1, "a fresh token was refused to several, too"
        else:
            assert isinstance(end, TransportError)
            assert request.effect is Effect.NONE, "what may be repeated is, until it is answered"
            assert isinstance(end, OutcomeUnknown)


@pytest.mark.parametrize("trouble", ["throttled", "busy", "too large", "unreachable", "token refused"])
def test_a_write_that_was_not_worked_on_is_made_all_the_same(trouble: str) -> None:
    service = Trouble([trouble])

    async def main() -> list[Response | BaseException]:
        async with stack(service, Tokens(), StackSettings(batch=20), unheard) as whole:
            posts = [get(f"/users/m{n}/x", f"m{n}")._replace(method="POST", effect=Effect.NONE) for n in range(20)]
            tasks = [asyncio.create_task(whole.transport.send(request)) for request in posts]
            await asyncio.wait(tasks)
        return [task.exception() or task.result() for task in tasks]

    ends = run(main())
    if trouble == "busy":  # a 503 may have been worked on: nobody can tell
        unknown = [end for end in ends if isinstance(end, OutcomeUnknown)]
        assert unknown
        assert len(unknown) + service.done.total() == 20
    else:
        assert all(isinstance(end, Response) and end.status == 200 for end in ends)
        assert service.done.total() == 20
    assert set(service.done.values()) == {1}
