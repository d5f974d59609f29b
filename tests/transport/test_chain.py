"""Chains: four slots and more than four writes under way; each link its own answer, and nothing done twice."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, TransportError, Unreachable
from bulkmail.model import Effect, Ending, Request, Response, Transport
from bulkmail.testing import MemoryLedger, Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.book import Booking
from bulkmail.transport.retry import Retrying
from tests.transport.exchange import Exchange, chained, write
from tests.transport.rig import assert_nothing_held, get, throttled, together, unheard


async def all_of(transport: Transport, requests: Sequence[Request]) -> list[Response | TransportError]:
    """How each of the requests ends, sent at the same time."""

    async def end(request: Request) -> Response | TransportError:
        try:
            return await transport.send(request)
        except TransportError as error:
            return error

    return await together(*map(end, requests))


def statuses(ends: Sequence[Response | TransportError]) -> list[int]:
    return [end.status if isinstance(end, Response) else -1 for end in ends]


def missing(request: Request) -> Response:
    return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": request.path}})


async def seconds_for(service: Exchange, count: int, chain: int) -> float:
    """How long a whole stack takes for so many writes to one mailbox."""
    began = asyncio.get_running_loop().time()
    async with stack(service, Tokens(), StackSettings(chain=chain), unheard) as built:
        ends = await all_of(built.transport, [write(number) for number in range(count)])
    assert statuses(ends) == [200] * count
    return asyncio.get_running_loop().time() - began


def test_a_long_mailbox_saves_the_way_there_and_back() -> None:
    plain, quick = Exchange(), Exchange()
    slow = run(seconds_for(plain, 1000, 1))
    fast = run(seconds_for(quick, 1000, 20))
    assert slow == pytest.approx(1000 / 4 * 0.25, rel=0.02)
    assert fast < 1000 / 4 * 0.15 * 1.1, "the service is at work for all but a tenth of the time"
    assert not plain.chains
    assert (quick.most, quick.refused, max(quick.chains)) == (4, 0, 20)
    assert set(quick.done.values()) == {1}


def test_a_small_mailbox_gets_plain_requests() -> None:
    service = Exchange()
    run(seconds_for(service, 12, 20))
    assert not service.chains


def test_only_writes_that_may_be_repeated_are_links() -> None:
    async def main() -> None:
        service = Exchange()
        asked = [
            *(get(f"/users/ada/{n}") for n in range(40)),
            *(write(n, effect=Effect.NONE) for n in range(40)),
            *(write(n, effect=Effect.KEYED) for n in range(40, 80)),
            *(write(n, batchable=False) for n in range(80, 120)),
            *(Request("PUT", f"/users/ada/{n}", "ada", body=b"x", effect=Effect.IDEMPOTENT) for n in range(40)),
        ]
        async with chained(service) as limiter:
            assert statuses(await all_of(limiter, asked)) == [200] * len(asked)
        assert not service.chains
        assert (service.most, service.refused) == (4, 0)

    run(main())


FAILURES = st.sampled_from([404, 409, 412, 429, 503, 507])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(20, 120),
    st.dictionaries(st.integers(0, 119), st.lists(FAILURES, min_size=1, max_size=2), max_size=40),
    st.sampled_from([0.0, 0.1]),
)
def test_each_link_ends_as_if_it_were_alone(count: int, failing: dict[int, list[int]], way: float) -> None:
    """A link that fails has its own answer, or is sent again; those behind it hear nothing of that."""

    def plan(request: Request, attempt: int) -> Response:
        planned = failing.get(int(request.path.rpartition("/")[2]), [])
        status = planned[attempt - 1] if attempt <= len(planned) else 200
        return throttled(1) if status == 429 else missing(request) if status == 404 else Response(status, body={})

    def final(number: int) -> int:
        return next((status for status in failing.get(number, []) if status not in (429, 503)), 200)

    async def main() -> None:
        service = Exchange(plan, way=way)
        async with chained(service) as limiter:
            transport = Retrying(limiter, rules=RetryRules(), report=unheard, dice=lambda: 0.0)
            limiter.enter("ada")
            ends = await all_of(transport, [write(number) for number in range(count)])
            tally = limiter.leave("ada")
            await asyncio.sleep(120)
            assert_nothing_held(limiter)
        assert statuses(ends) == [final(number) for number in range(count)]
        for number, end in enumerate(ends):
            if isinstance(end, Response) and end.status == 404:
                assert end.body["error"]["message"] == write(number).path, "it is its own answer"
        assert all(service.done[write(number).path] == (final(number) == 200) for number in range(count))
        assert service.most <= 4
        assert service.refused == 0
        assert tally.requests == sum(service.tried.values()), "what was skipped did not leave"

    run(main())


SPOILT: list[Response | Exception] = [
    Response(200), Response(200, {"content-type": "text/html"}, b"<html>"), Response(200, body={"responses": []}),
    Response(200, body={"responses": [{"id": "0", "status": 200}, {"id": "0", "status": 200}]}),
    *(Response(status) for status in (302, 400, 401, 403, 408, 413, 424, 500, 502, 504)),
    Response(503, {"retry-after": "7"}), Response(429, {"retry-after": "2"}), Response(509), OutcomeUnknown("cut"),
    Unreachable("none"),
    Response(200, body={"responses": [{"id": str(n), "status": 424} for n in range(20)]}),
]  # fmt: skip


@pytest.mark.parametrize("spoilt", SPOILT, ids=repr)
def test_a_post_that_fails_as_a_whole_costs_its_links_nothing(spoilt: Response | Exception) -> None:
    """Each is asked for again, most of them by themselves; a redirect is the answer to each."""

    async def main() -> None:
        service = Exchange()
        service.spoil = lambda number: spoilt if number <= 2 else None
        async with stack(service, Tokens(), StackSettings(), unheard) as built:
            ends = await all_of(built.transport, [write(number) for number in range(100)])
        lost = 8 if isinstance(spoilt, Response) and spoilt.status == 302 else 0
        assert statuses(ends).count(302) == lost
        assert statuses(ends).count(200) == 100 - lost
        assert set(service.done.values()) == {1}
        assert service.refused == 0

    run(main())


def test_while_the_service_asks_for_a_pause_of_batches_all_go_plain() -> None:
    async def main() -> None:
        service = Exchange()
        service.spoil = lambda _number: Response(503, {"retry-after": "3600"})
        async with stack(service, Tokens(), StackSettings(), unheard) as built:
            ends = await all_of(built.transport, [write(number) for number in range(100)])
        assert statuses(ends) == [200] * 100
        assert len(service.chains) <= 4, "those that were under way together"

    run(main())


def test_a_service_that_skips_what_it_should_not_makes_no_circle() -> None:
    """Every answer of a post is 424, even that of its first link."""

    async def main() -> None:
        service = Exchange()
        skipped = Response(200, body={"responses": [{"id": str(n), "status": 424} for n in range(4)]})
        service.spoil = lambda _number: skipped
        async with chained(service) as limiter:
            assert statuses(await all_of(limiter, [write(number) for number in range(60)])) == [200] * 60

    run(main())


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 79), st.floats(0.0, 8.0), max_size=80), st.booleans())
def test_what_is_cancelled_gives_back_what_it_took(cancels: dict[int, float], at_once: bool) -> None:
    async def main() -> None:
        service = Exchange(work=0.3, slots=80)  # it works on at what is cancelled here
        async with chained(service) as limiter:
            tasks = [asyncio.create_task(limiter.send(write(number))) for number in range(80)]
            loop = asyncio.get_running_loop()
            for number, seconds in cancels.items():
                loop.call_later(1.0 if at_once else seconds, tasks[number].cancel)
            await asyncio.wait(tasks)
            assert_nothing_held(limiter)
        kept = [task for task in tasks if not task.cancelled()]
        assert all(task.result().status == 200 for task in kept)
        assert all(service.done[write(number).path] == 1 for number in range(80) if not tasks[number].cancelled())
        assert all(times == 1 for times in service.done.values())

    run(main())


def test_each_link_has_its_place_in_the_ledger() -> None:
    def plan(request: Request, _attempt: int) -> Response:
        return missing(request) if request.path.endswith("0") else Response(200, body={})

    async def main() -> None:
        service, ledger = Exchange(plan), MemoryLedger()
        async with stack(
            service, Tokens(), StackSettings(), unheard, guard=lambda inner: Booking(inner, ledger, unheard)
        ) as built:
            await all_of(built.transport, [write(number) for number in range(100)])
        assert len(ledger.intended) == 100
        ended = {request.path: ending for request, ending, _ in ledger.ended}
        assert len(ended) == len(ledger.ended) == 100
        for path, ending in ended.items():
            assert ending is (Ending.REFUSED if path.endswith("0") else Ending.DONE)

    run(main())


def test_a_lost_answer_leaves_a_doubt_that_the_repetition_ends() -> None:
    async def main() -> None:
        service = Exchange()
        service.spoil = lambda number: OutcomeUnknown("cut") if number == 1 else None
        async with chained(service) as limiter:
            ends = await all_of(limiter, [write(number) for number in range(100)])
        doubtful = [end for end in ends if isinstance(end, Response) and end.doubtful]
        assert len(doubtful) == service.chains[0]

    run(main())


def test_a_refusal_holds_up_its_mailbox_and_no_other() -> None:
    def plan(request: Request, attempt: int) -> Response:
        return throttled(30) if request.path == write(10).path and attempt == 1 else Response(200, body={})

    async def main() -> None:
        service = Exchange(plan)
        async with stack(service, Tokens(), StackSettings(), unheard) as built:
            began = asyncio.get_running_loop().time()

            async def timed(mailbox: str) -> float:
                await all_of(built.transport, [write(number, mailbox) for number in range(60)])
                return asyncio.get_running_loop().time() - began

            ada, eve = await together(timed("ada"), timed("eve"))
        assert ada > 30 > eve
        assert service.refused == 0

    run(main())


def test_a_chain_that_takes_long_is_followed_by_shorter_ones() -> None:
    service = Exchange(work=4.0)
    run(seconds_for(service, 100, 20))
    assert max(service.chains) == 4, "16 s is too long already"
