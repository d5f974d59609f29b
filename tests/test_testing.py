"""What is given to those who write tasks: the stepper, the jumping clock, the scripted service."""

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from bulkmail.errors import GraphError, OutcomeUnknown, Unreachable
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response, Row
from bulkmail.testing import Scripted, Stepper, Tokens, collect, run

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@example.com", 2)


async def task(graph: Graph) -> AsyncGenerator[Row, None]:
    """A task as a plugin's author writes it."""
    try:
        settings = await graph.get("/mailboxSettings")
    except GraphError as error:
        settings = {"timeZone": error.code}
    yield {"zone": settings["timeZone"]}
    async for rule in graph.items("/rules"):
        yield {"rule": rule["id"]}
        if rule["id"] == "bad":
            await graph.delete(f"/rules/{rule['id']}")


def stepper() -> Stepper:
    return Stepper(lambda transport: task(Graph.of(ADA, transport, BASE)))


def page(*ids: str, more: str = "") -> Response:
    link = {"@odata.nextLink": f"{BASE}/users/ada@example.com/rules?{more}"} if more else {}
    return Response(200, body={"value": [{"id": one} for one in ids], **link})


def paths(*requests: Request | None) -> list[str]:
    return [f"{request.method} {request.path}" for request in requests if request]


def test_a_task_is_driven_step_by_step_without_a_loop() -> None:
    steps = stepper()
    asked = [
        steps.step(),
        steps.step(Response(200, body={"timeZone": "UTC"})),
        steps.step(page("a", "bad", more="$skip=2")),
        steps.step(Response(204)),
        steps.step(page(more="$skip=3")),
        steps.step(page("b")),
    ]
    assert asked[-1] is None
    assert paths(*asked) == [
        "GET /users/ada@example.com/mailboxSettings",
        "GET /users/ada@example.com/rules",
        "DELETE /users/ada@example.com/rules/bad",
        "GET /users/ada@example.com/rules?$skip=2",
        "GET /users/ada@example.com/rules?$skip=3",
    ]
    assert steps.rows == [{"zone": "UTC"}, {"rule": "a"}, {"rule": "bad"}, {"rule": "b"}]
    assert steps.step() is None, "an ended task stays ended"


def test_an_answer_with_an_error_reaches_the_task() -> None:
    steps = stepper()
    steps.step()
    steps.step(Response(403, body={"error": {"code": "ErrorAccessDenied"}}))
    assert steps.rows == [{"zone": "ErrorAccessDenied"}]


@pytest.mark.parametrize("error", [Unreachable("no route"), OutcomeUnknown("lost")])
def test_a_lost_answer_is_raised_inside_the_task(error: Unreachable | OutcomeUnknown) -> None:
    steps = stepper()
    steps.step()
    with pytest.raises(type(error)):
        steps.step(error)
    assert steps.step() is None


def test_a_task_that_waits_for_anything_else_is_told_so() -> None:
    async def sleepy() -> AsyncGenerator[Row, None]:
        await asyncio.sleep(0)
        yield {}

    with pytest.raises(RuntimeError, match="nothing but its graph"):
        Stepper(lambda _transport: sleepy()).step()


def test_hours_pass_at_once_and_in_order() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        woken: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(loop.time())

        async with asyncio.TaskGroup() as group:
            for seconds in (7200, 0.1, 60, 0.1 + 0.2, 0.3):
                group.create_task(sleeper(seconds))
        return woken

    assert run(main()) == [0.1, 0.3, 0.1 + 0.2, 60, 7200]


def test_a_timer_is_never_early() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(1, 200):
            due = loop.time() + 1 / number
            reached = loop.create_future()
            loop.call_at(due, reached.set_result, None)
            await reached
            assert loop.time() >= due

    run(main())


def test_the_clock_waits_for_threads() -> None:
    async def main() -> tuple[str, float]:
        def work() -> str:
            time.sleep(0.02)
            return "done"

        result = await asyncio.to_thread(work)
        return result, asyncio.get_running_loop().time()

    assert run(main()) == ("done", 0.0)


def test_a_deadlock_is_an_error_and_no_silence() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="everything waits"):
        run(main())


def test_a_scripted_service_keeps_what_it_was_asked() -> None:
    async def slowly(request: Request) -> Response:
        await asyncio.sleep(5)
        return Response(200, body=request.path)

    service = Scripted(slowly)
    assert run(service.send(Request("GET", "/x"))).body == "/x"
    assert service.requests == [Request("GET", "/x")]


def test_tokens_change_only_when_the_present_one_was_refused() -> None:
    async def main() -> list[str]:
        tokens = Tokens()
        return [
            await tokens.token(),
            await tokens.token(refused="token-1", claims="c"),
            await tokens.token(refused="token-1"),
            *tokens.claims,
        ]

    assert run(main()) == ["token-1", "token-2", "token-2", "c"]


def test_collect_takes_all() -> None:
    async def count() -> AsyncGenerator[int, None]:
        for number in range(3):
            yield number

    assert run(collect(count())) == [0, 1, 2]
