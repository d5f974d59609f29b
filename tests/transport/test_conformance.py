"""The same promises of everything that sends: each wrapper, the whole stack, and the terminals."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.pace.pace import Pace
from bulkmail.core.retry import RetryRules
from bulkmail.core.slots.line import LineStatistics
from bulkmail.errors import OutcomeUnknown, TransportError
from bulkmail.model import Effect, Request, Response, Transport
from bulkmail.testing import MemoryLedger, Scripted, Tokens, run
from bulkmail.testing.tape import Recording, Tape
from bulkmail.transport import Stack, StackSettings, stack
from bulkmail.transport.authorize import Authorizing
from bulkmail.transport.batch import batching
from bulkmail.transport.book import Booking
from bulkmail.transport.limit import Limiting
from bulkmail.transport.plan import Planning, Refusing
from bulkmail.transport.retry import Retrying
from bulkmail.transport.wire import Wire, WireSettings, wire
from tests.transport.rig import Unbatching, cancelled, get, limiting, together, unheard
from tests.transport.servers import Heard, serving, whole

BODILESS = (204, 304)
ODD = "/users/a%20b%2F%27@x/messages?$filter=a%20eq%20%27%2B%27"


@dataclass
class Service:
    """Answers by path: `/broken` loses the answer, `/bug` fails, `/slow` never ends, `/N…` answers with status N."""

    asked: list[Request] = field(default_factory=list)
    gave: list[tuple[Response, Response]] = field(default_factory=list)  # each answer, and what it was when it left

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        word = request.path.split("/")[1]
        if word == "broken":
            raise OutcomeUnknown("lost")
        if word == "bug":
            raise ZeroDivisionError("bug")
        if word == "slow":
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(len(request.path) % 7 / 1000)
        status = int(word) if word.isdecimal() else 200
        body = None if status in BODILESS else {"path": request.path, "sent": request.body}
        response = Response(status, {"content-type": "application/json", "x-path": request.path}, body)
        self.gave.append((response, copy.deepcopy(Response(status, dict(response.headers), body))))
        return response

    async def send(self, request: Request, /) -> Response:
        return await self.answer(request)


@dataclass(frozen=True)
class Opened:
    """Something that sends, and whether it holds anything."""

    transport: Transport
    held: Callable[[], int] = lambda: 0


Open = Callable[[Service], AbstractAsyncContextManager[Opened]]


def plainly(build: Callable[[Service], Transport]) -> Open:
    @asynccontextmanager
    async def opened(service: Service) -> AsyncIterator[Opened]:
        yield Opened(build(service))

    return opened


@asynccontextmanager
async def limited(service: Service) -> AsyncIterator[Opened]:
    limiter = limiting(service, pace=Pace(rate=1e6, in_flight=5))
    yield Opened(limiter, lambda: counted(limiter.statistics()))


@asynccontextmanager
async def packed(service: Service) -> AsyncIterator[Opened]:
    async with batching(Unbatching(service.answer), size=4, held=lambda _mailbox: False) as packer:
        yield Opened(packer, lambda: packer.statistics().waiting)


def whole_stack(terminal: Transport, batch: int) -> AbstractAsyncContextManager[Stack]:
    """All wrappers there are."""
    chosen = StackSettings(rate=1e6, in_flight=50, batch=batch, retries=RetryRules(attempts=2))
    return stack(terminal, Tokens(), chosen, unheard, guard=booking)


def stacked(batch: int) -> Open:
    @asynccontextmanager
    async def opened(service: Service) -> AsyncIterator[Opened]:
        async with whole_stack(Unbatching(service.answer), batch) as whole:
            yield Opened(whole.transport, lambda: counted(whole.statistics()))

    return opened


def counted(now: LineStatistics) -> int:
    return len(now.lanes) + now.in_flight + now.paced + now.in_line + now.later


def booking(inner: Transport) -> Transport:
    return Booking(inner, MemoryLedger(), unheard)


@dataclass(frozen=True)
class Way:
    """How something is opened and run, and what becomes of a bug at its other end."""

    open: Open
    run: Callable[[Coroutine[Any, Any, None]], None] = run
    bug: type[Exception] = ZeroDivisionError


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[tuple[Wire, Callable[[], int]]]:
    """The service at the other end of a connection, and how many of these are in use."""

    async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
        method, path, _ = heard.line.split()
        path = path.removeprefix("/v1.0")
        told = heard.body if path == "/$batch" else orjson.loads(heard.body or b"null")
        request = Request(method, path, body=told)
        try:
            answer = await terminal.send(request)
        except (OutcomeUnknown, ZeroDivisionError):
            writer.close()
            return
        head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items()).encode()
        status = f"{answer.status} Status".encode()
        if answer.status in BODILESS:
            writer.write(b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n")
        else:
            writer.write(whole(orjson.dumps(answer.body), head, status))

    terminal = Unbatching(service.answer)
    async with serving(reply) as server, wire(WireSettings(server.base, "bulkmail/1")) as sender:
        connector = cast(Any, sender._pooled.connector)
        yield sender, lambda: len(connector._acquired)


@asynccontextmanager
async def wired(service: Service) -> AsyncIterator[Opened]:
    async with served(service) as (sender, held):
        yield Opened(sender, held)


def stacked_on_the_wire(batch: int) -> Open:
    @asynccontextmanager
    async def opened(service: Service) -> AsyncIterator[Opened]:
        async with served(service) as (sender, held), whole_stack(sender, batch) as whole:
            yield Opened(whole.transport, lambda: held() + counted(whole.statistics()))

    return opened


WAYS: dict[str, Way] = {
    "service": Way(plainly(lambda service: service)),
    "scripted": Way(plainly(lambda service: Scripted(service.answer))),
    "recording": Way(plainly(lambda service: Recording(service, lambda _exchange: None))),
    "planning": Way(plainly(lambda service: Planning(service, MemoryLedger()))),
    "refusing": Way(plainly(Refusing)),
    "booking": Way(plainly(booking)),
    "retrying": Way(plainly(lambda service: Retrying(service, rules=RetryRules(attempts=2), report=unheard))),
    "authorizing": Way(plainly(lambda service: Authorizing(service, Tokens()))),
    "limiting": Way(limited),
    "batching": Way(packed),
    "stack": Way(stacked(0)),
    "stack with batches": Way(stacked(5)),
    "wire": Way(wired, asyncio.run, OutcomeUnknown),
    "stack on the wire": Way(stacked_on_the_wire(0), asyncio.run, OutcomeUnknown),
    "batches on the wire": Way(stacked_on_the_wire(5), asyncio.run, OutcomeUnknown),
}

each = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@each
def test_answers_match_their_requests(way: Way) -> None:
    async def main() -> None:
        async with way.open(Service()) as open_:
            paths = [f"/{'x' * (number % 5)}/{number}" for number in range(40)] + [ODD]
            answers = await together(*(open_.transport.send(get(path, f"m{len(path)}")) for path in paths))
            assert [answer.body["path"] for answer in answers] == paths
            assert [answer.headers["x-path"] for answer in answers] == paths

    way.run(main())


@each
def test_each_request_is_sent_once(way: Way) -> None:
    async def main() -> None:
        service = Service()
        async with way.open(service) as open_:
            await together(*(open_.transport.send(get("/same")) for _ in range(12)))
        assert [request.path for request in service.asked] == ["/same"] * 12

    way.run(main())


@each
@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 403, 404, 412, 507])
def test_any_answer_is_an_answer(way: Way, status: int) -> None:
    async def main() -> None:
        async with way.open(Service()) as open_:
            answer = await open_.transport.send(get(f"/{status}"))
            assert answer.status == status
            assert (answer.body is None) is (status in BODILESS)

    way.run(main())


@each
@pytest.mark.parametrize("body", [{}, [], {"a": [1, None, "ä"]}, "text", 0, False])
def test_bodies_pass_whole(way: Way, body: Any) -> None:
    async def main() -> None:
        async with way.open(Service()) as open_:
            request = Request("GET", "/x", "ada", body=body)
            assert (await open_.transport.send(request)).body == {"path": "/x", "sent": body}

    way.run(main())


@each
def test_no_request_and_no_answer_is_altered(way: Way) -> None:
    async def main() -> None:
        service = Service()
        async with way.open(service) as open_:
            headers, body = {"Prefer": "x"}, {"a": {"b": 1}}
            request = Request("GET", "/x", "ada", headers, body)
            await open_.transport.send(request)
            assert (headers, body) == ({"Prefer": "x"}, {"a": {"b": 1}})
            assert request == Request("GET", "/x", "ada", headers, body)
        assert all(gave == before for gave, before in service.gave)

    way.run(main())


@each
@pytest.mark.parametrize("path", ["/broken", "/bug"])
def test_an_error_passes_and_the_next_request_works(way: Way, path: str) -> None:
    error = OutcomeUnknown if path == "/broken" else way.bug

    async def main() -> None:
        async with way.open(Service()) as open_:
            for _ in range(6):
                with pytest.raises(error):
                    await open_.transport.send(get(path, effect=Effect.NONE))
                assert (await open_.transport.send(get())).status == 200
            assert open_.held() == 0

    way.run(main())


@each
@pytest.mark.parametrize("pause", [0.0, 0.001, 0.5])
def test_cancellation_leaves_nothing_held(way: Way, pause: float) -> None:
    async def main() -> None:
        async with way.open(Service()) as open_:
            asked = [asyncio.create_task(open_.transport.send(get("/slow", f"m{n % 3}"))) for n in range(18)]
            await asyncio.sleep(pause)
            for task in asked:
                await cancelled(task)
            assert all(task.cancelled() for task in asked)
            assert open_.held() == 0
            for number in range(3):
                assert (await open_.transport.send(get(mailbox=f"m{number}"))).status == 200
            raise LookupError  # a post with slow parts is under way, and ends with its owner

    with pytest.raises((LookupError, ExceptionGroup)):
        way.run(main())


@each
def test_opening_and_closing_sends_nothing(way: Way) -> None:
    async def main() -> None:
        service = Service()
        async with way.open(service) as open_:
            assert open_.held() == 0
        assert not service.asked

    way.run(main())


@each
def test_a_token_is_never_shown(way: Way) -> None:
    async def main() -> None:
        async with way.open(Service()) as open_:
            answer = await open_.transport.send(get())
            assert "token-" not in repr(open_.transport) + repr(answer)

    way.run(main())


WRAP: dict[str, Callable[[Transport], Transport]] = {
    "recording": lambda inner: Recording(inner, lambda _exchange: None),
    "planning": lambda inner: Planning(inner, MemoryLedger()),
    "refusing": Refusing,
    "booking": booking,
    "retrying": lambda inner: Retrying(inner, rules=RetryRules(), report=unheard),
    "limiting": limiting,
    "authorizing": lambda inner: Authorizing(inner, Tokens()),
}


@settings(max_examples=25)
@given(st.permutations(list(WRAP)))
def test_the_order_of_the_wrappers_does_not_change_an_answer(order: list[str]) -> None:
    async def main() -> None:
        transport: Transport = Service()
        for name in order:
            transport = WRAP[name](transport)
        answers = await together(*(transport.send(get(f"/{n}x", f"m{n % 3}")) for n in range(12)))
        assert [answer.body["path"] for answer in answers] == [f"/{n}x" for n in range(12)]

    run(main())


def test_a_tape_plays_back_what_was_recorded_and_nothing_else() -> None:
    async def main() -> None:
        taken: list[tuple[Request, Response]] = []
        recorder = Recording(Service(), taken.append)
        requests = [get("/1"), get("/2"), get("/1"), Request("PATCH", "/1", body={})]
        told = [await recorder.send(request) for request in requests]
        with pytest.raises(OutcomeUnknown):
            await recorder.send(get("/broken"))
        tape = Tape(taken)
        assert [await tape.send(request) for request in requests] == told
        for request in (get("/1"), get("/never"), get("/broken")):
            with pytest.raises(TransportError, match="no further answer"):
                await tape.send(request)

    run(main())


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "post", "BREW"])
def test_a_planned_write_is_told_and_not_sent(method: str) -> None:
    service, ledger = Service(), MemoryLedger()
    request = Request(method, "/x", "ada", body={}, effect=Effect.READ)
    assert run(Planning(service, ledger).send(request)) == Response(204)
    assert ledger.planned == [request]
    assert not service.asked


def test_planned_writes_take_no_slot() -> None:
    async def main() -> None:
        ledger = MemoryLedger()

        def guard(inner: Transport) -> Transport:
            return Planning(inner, ledger)

        async with stack(Service(), Tokens(), StackSettings(), unheard, guard=guard) as whole:
            whole.lanes.enter("ada")
            await whole.transport.send(Request("DELETE", "/x", "ada"))
            assert whole.lanes.leave("ada").requests == 0
        assert len(ledger.planned) == 1

    run(main())


def test_the_stack_shows_its_parts() -> None:
    async def main() -> None:
        async with stack(Service(), Tokens(), StackSettings(slots=2, rate=50), unheard) as whole:
            assert isinstance(whole.lanes, Limiting)
            assert whole.pace.statistics().mode == "fixed"
            assert whole.statistics() == LineStatistics((), 0, 0, 0, 0)

    run(main())
