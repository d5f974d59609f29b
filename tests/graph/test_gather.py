"""Calls that are made at the same time: one that fails ends none that is under way, and the gravest error is told.

The whole stack stands above a scripted service, with a ledger that hears how each write ended.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bulkmail.errors import GraphError, OutcomeUnknown, OutputError, PermissionMissing, SignInError, gravest
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Ending, Event, Mailbox, Request, Response, Transport
from bulkmail.testing import MemoryLedger, Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.book import Booking

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@example.com", 2)
GONE = Response(404, body={"error": {"code": "ErrorItemNotFound", "message": "no"}})
OK = Response(200, body={"id": "1"})
THROTTLED = Response(
    429, {"retry-after": "100"}, {"error": {"code": "ApplicationThrottled", "message": "MailboxConcurrency limit"}}
)


def unheard(_event: Event) -> None:
    """A reporter for tests that do not listen."""


class Service:
    """Answers by the last part of a path, after so many seconds; `done` are those that it has carried out."""

    def __init__(self, **answers: tuple[float, Response | Exception]) -> None:
        self._answers = answers
        self.asked: list[str] = []
        self.done: list[str] = []
        self.ledger = MemoryLedger()

    async def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        self.asked.append(name)
        seconds, answer = self._answers[name]
        await asyncio.sleep(seconds)
        self.done.append(name)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @asynccontextmanager
    async def graph(self, **settings: Any) -> AsyncIterator[Graph]:
        def booked(inner: Transport) -> Transport:
            return Booking(inner, self.ledger, unheard)

        async with stack(Scripted(self.answer), Tokens(), StackSettings(**settings), unheard, guard=booked) as stacked:
            yield Graph.of(ADA, stacked.transport, BASE)

    @property
    def endings(self) -> dict[str, Ending]:
        return {request.path.rpartition("/")[2]: ending for request, ending, _ in self.ledger.ended}


def gathered(
    service: Service, calls: Callable[[Graph], list[Coroutine[Any, Any, Any]]], **settings: Any
) -> tuple[BaseException | None, float]:
    """What gathering these calls raised, and after how many seconds."""

    async def main() -> tuple[BaseException | None, float]:
        clock = asyncio.get_running_loop().time
        async with service.graph(**settings) as graph:
            begun = clock()
            try:
                await graph.gather(*calls(graph))
            except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - it is what the test is about
                return error, clock() - begun
            return None, clock() - begun

    return run(main())


def post(graph: Graph, name: str, effect: Effect = Effect.NONE) -> Coroutine[Any, Any, Any]:
    return graph.post("/{}", {}, name, effect=effect, change=Change(name, after={}))


@pytest.mark.parametrize("effect", list(Effect))
def test_a_write_under_way_is_not_cut_off(effect: Effect) -> None:
    service = Service(bad=(1, GONE), slow=(5, OK))
    error, seconds = gathered(service, lambda graph: [graph.get("/bad"), post(graph, "slow", effect)])
    assert isinstance(error, GraphError)
    assert service.done == ["bad", "slow"]
    assert service.endings == {"slow": Ending.DONE}
    assert seconds == pytest.approx(5, abs=0.01)


def test_a_write_whose_answer_is_lost_is_told_before_a_refusal() -> None:
    """Its mailbox ends as unknown, and is not taken for one that can be done again."""
    service = Service(bad=(1, GONE), slow=(5, OutcomeUnknown("lost")))
    error, _ = gathered(service, lambda graph: [graph.get("/bad"), post(graph, "slow")])
    assert isinstance(error, OutcomeUnknown)
    assert service.endings == {"slow": Ending.UNKNOWN}


def test_a_lost_credential_is_told_before_a_refusal() -> None:
    service = Service(bad=(1, GONE), token=(5, SignInError("no token")))
    error, _ = gathered(service, lambda graph: [graph.get("/bad"), graph.get("/token")])
    assert isinstance(error, SignInError)


def test_what_has_not_left_is_given_up() -> None:
    """Four requests of a mailbox are under way at a time: the fifth waits, and never leaves."""
    names = ["bad", "a", "b", "c", "waits", "waits_too"]
    service = Service(bad=(1, GONE), **dict.fromkeys("abc", (5, OK)), waits=(1, OK), waits_too=(1, OK))
    error, seconds = gathered(service, lambda graph: [post(graph, name) for name in names])
    assert isinstance(error, GraphError)
    assert service.asked == ["bad", "a", "b", "c"]
    assert set(service.endings) == {"bad", "a", "b", "c"}  # the others are not even noted
    assert seconds == pytest.approx(5, abs=0.01)


def test_a_write_that_waits_for_its_mailbox_is_given_up_at_once() -> None:
    """The service refused it for an hour: nobody waits for that when the answer is known."""
    service = Service(bad=(1, GONE), refused=(0.5, THROTTLED))
    error, seconds = gathered(service, lambda graph: [graph.get("/bad"), post(graph, "refused")])
    assert isinstance(error, GraphError)
    assert service.endings == {"refused": Ending.UNSENT}
    assert seconds == pytest.approx(1, abs=0.01)


def test_a_write_that_is_refused_afterwards_is_not_begun_again() -> None:
    """It was under way when another failed; then the service wants it to wait."""
    service = Service(bad=(1, GONE), refused=(2, THROTTLED))
    _, seconds = gathered(service, lambda graph: [graph.get("/bad"), post(graph, "refused")])
    assert service.asked == ["bad", "refused"]
    assert service.endings == {"refused": Ending.UNSENT}
    assert seconds == pytest.approx(2, abs=0.01)


def test_a_call_of_several_requests_sends_no_more_of_them() -> None:
    service = Service(bad=(1, GONE), first=(2, OK), second=(1, OK))

    async def both(graph: Graph) -> None:
        await post(graph, "first")
        await post(graph, "second")

    error, _ = gathered(service, lambda graph: [graph.get("/bad"), both(graph)])
    assert isinstance(error, GraphError)
    assert service.asked == ["bad", "first"]
    assert service.endings == {"first": Ending.DONE}


def test_a_lost_create_is_told_though_it_cannot_be_looked_for_any_more() -> None:
    service = Service(bad=(1, GONE), made=(2, OutcomeUnknown("lost")), found=(1, OK))

    async def made(graph: Graph) -> Any:
        return await graph.create("/made", {}, change=Change("x", after={}), find=lambda: graph.get("/found"))

    error, _ = gathered(service, lambda graph: [graph.get("/bad"), made(graph)])
    assert isinstance(error, OutcomeUnknown)
    assert service.asked == ["bad", "made"]


def test_a_gathering_in_another_one_ends_with_it() -> None:
    names = ["a", "b", "c", "waits"]
    service = Service(bad=(1, GONE), **dict.fromkeys("abc", (5, OK)), waits=(1, OK))

    async def inner(graph: Graph) -> None:
        await graph.gather(*(post(graph, name) for name in names))

    error, seconds = gathered(service, lambda graph: [graph.get("/bad"), inner(graph)])
    assert isinstance(error, GraphError)
    assert sorted(service.done) == ["a", "b", "bad", "c"]
    assert set(service.endings.values()) == {Ending.DONE}
    assert seconds == pytest.approx(5, abs=0.01)


def test_in_a_batch_too() -> None:
    service = Service(**{"$batch": (2, Response(200, body={"responses": [
        {"id": "0", "status": 404, "body": GONE.body}, {"id": "1", "status": 200, "body": {"id": "1"}},
    ]}))})  # fmt: skip
    error, _ = gathered(service, lambda graph: [graph.get("/bad"), post(graph, "slow")], batch=20)
    assert isinstance(error, GraphError)
    assert service.endings == {"slow": Ending.DONE}


def test_who_is_cancelled_from_outside_waits_for_nothing() -> None:
    """The end of a run's grace, or a second Ctrl-C."""
    service = Service(a=(60, OK), b=(60, OK))

    async def main() -> float:
        clock = asyncio.get_running_loop().time
        async with service.graph() as graph:
            working = asyncio.create_task(graph.gather(post(graph, "a"), post(graph, "b")))
            await asyncio.sleep(1)
            working.cancel()
            await asyncio.wait([working])
            assert working.cancelled()
            return clock()

    assert run(main()) == pytest.approx(1, abs=0.01)
    assert service.endings == {"a": Ending.UNKNOWN, "b": Ending.UNKNOWN}


def test_a_transport_without_a_stack_sends_at_once_and_is_awaited() -> None:
    service = Service(bad=(1, GONE), slow=(5, OK))
    graph = Graph.of(ADA, Scripted(service.answer), BASE)
    with pytest.raises(GraphError):
        run(graph.gather(graph.get("/bad"), post(graph, "slow")))
    assert service.done == ["bad", "slow"]


def test_a_call_that_never_began_is_closed() -> None:
    """Python would complain of a coroutine that was never awaited, and pytest would fail this test."""
    service = Service(never=(1, OK))
    graph = Graph.of(ADA, Scripted(service.answer), BASE)

    async def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        run(graph.gather(fail(), graph.get("/never")))
    assert service.asked == []


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_call_cannot_end_the_process(kind: type[BaseException]) -> None:
    """It is told like any other error, when the others have ended."""
    service = Service(slow=(5, OK))
    graph = Graph.of(ADA, Scripted(service.answer), BASE)

    async def leave() -> None:
        await asyncio.sleep(1)
        raise kind

    async def main() -> bool:
        try:
            await graph.gather(leave(), post(graph, "slow"))
        except kind:
            return True
        return False

    assert run(main())
    assert service.done == ["slow"]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([GraphError(404, "x", "x"), SignInError("s")], SignInError),
        ([OutcomeUnknown("o"), PermissionMissing("p")], PermissionMissing),
        ([OutcomeUnknown("o"), OutputError("p")], OutputError),
        ([GraphError(404, "x", "x"), OutcomeUnknown("o")], OutcomeUnknown),
        ([KeyError(), GraphError(404, "x", "x")], GraphError),
        ([KeyError(), ValueError()], KeyError),
        (
            [KeyError(), BaseExceptionGroup("g", [ExceptionGroup("h", [OutcomeUnknown("o")]), KeyError()])],
            OutcomeUnknown,
        ),
    ],
)
def test_the_gravest_error(errors: list[BaseException], expected: type[BaseException]) -> None:
    assert type(gravest(errors)) is expected
