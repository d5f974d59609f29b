"""Every write is noted before it leaves and when it has ended, and nobody looks too soon for one that may be late."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.pace import Pace
from bulkmail.core.retry import RetryRules
from bulkmail.errors import (
    ChangesExhausted,
    Defect,
    OutcomeUnknown,
    OutputError,
    SignInError,
    ThrottledOut,
    Unanswered,
    Unreachable,
)
from bulkmail.model import Effect, Ending, Event, Request, Response, Transport
from bulkmail.testing import Scripted, run
from bulkmail.transport.book import SETTLE, Booking
from bulkmail.transport.retry import Retrying
from tests.transport.rig import assert_nothing_held, cancelled, get, limiting, throttled, together, unheard

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


def ended(step: Response | BaseException, effect: Effect) -> Ending:
    """What the ledger says of a write that ends so."""
    ledger = Noted()

    async def main() -> None:
        await Booking(Admitting(Scripted(answering(step))), ledger, unheard).send(write(effect))

    if isinstance(step, BaseException):
        with pytest.raises(type(step)):
            run(main())
    else:
        run(main())
    assert len(ledger.endings) == 1
    return ledger.endings[0]


def test_an_intent_is_durable_before_the_request_leaves_and_has_one_ending() -> None:
    async def main() -> None:
        ledger = Noted(seconds=3)

        async def answer(request: Request) -> Response:
            ledger.hear("left", request)
            await asyncio.sleep(2)
            return CREATED

        request = write()
        assert await Booking(Scripted(answer), ledger, unheard).send(request) is CREATED
        assert ledger.told == [(3, "intended", 1), (3, "left", request), (5, "ended", (1, Ending.DONE, "new"))]

    run(main())


def test_reads_are_not_noted() -> None:
    ledger, service = Noted(), Scripted(lambda _request: CREATED)

    async def main() -> None:
        assert await Booking(service, ledger, unheard).send(get()) is CREATED

    run(main())
    assert ledger.told == []


@pytest.mark.parametrize("effect", [effect for effect in Effect if effect is not Effect.READ])
@pytest.mark.parametrize("refusal", [ChangesExhausted("full"), OutputError("no space left")])
def test_what_cannot_be_noted_is_not_sent(refusal: Exception, effect: Effect) -> None:
    ledger, service = Noted(refusal=refusal), Scripted(lambda _request: CREATED)

    async def main() -> None:
        limiter = limiting(service)
        with pytest.raises(type(refusal)):
            await Booking(limiter, ledger, unheard).send(write(effect))
        assert_nothing_held(limiter)

    run(main())
    assert service.requests == []
    assert ledger.told == []


def narrow() -> Pace:
    """One at a time."""
    return Pace(rate=1e6, in_flight=1)


@pytest.mark.parametrize(("effect", "noted"), [(Effect.NONE, [0, 10, 20]), (Effect.KEYED, [0, 0, 0])])
def test_what_is_never_repeated_is_noted_when_it_has_its_slot(effect: Effect, noted: list[float]) -> None:
    service, asked = times({}, seconds=10)
    ledger = Noted()

    async def main() -> None:
        booking = Booking(limiting(service, pace=narrow()), ledger, unheard)
        await together(*(booking.send(write(effect)) for _ in range(3)))

    run(main())
    assert asked == [0, 10, 20]
    assert [at for at, word, _ in ledger.told if word == "intended"] == noted
    assert ledger.endings == [Ending.DONE] * 3


def test_who_waited_for_a_slot_or_for_the_disk_leaves_nothing_behind() -> None:
    service, _ = times({}, seconds=10)
    ledger = Noted(seconds=3)

    async def main() -> None:
        limiter = limiting(service, pace=narrow())
        booking = Booking(limiter, ledger, unheard)
        first, second = (asyncio.create_task(booking.send(write(Effect.NONE))) for _ in range(2))
        await asyncio.sleep(2)
        await cancelled(second)
        await cancelled(first)
        assert_nothing_held(limiter)

    run(main())
    assert (ledger.told, service.requests) == ([], [])


def test_a_fence_that_rises_while_a_letter_is_noted_holds_it_back() -> None:
    service, asked = times({7: [throttled(60)]}, seconds=1)
    ledger = Noted(seconds=3)

    async def main() -> None:
        limiter = limiting(service)
        refused = asyncio.create_task(limiter.send(write()))
        await Booking(limiter, ledger, unheard).send(write(Effect.NONE))
        assert (await refused).status == 429

    run(main())
    assert asked[0] == 0
    assert asked[1] >= 61
    assert [at for at, word, _ in ledger.told if word == "intended"] == [3]


def test_a_letter_that_is_refused_and_sent_again_is_one_change() -> None:
    service, asked = times({7: [throttled(60)]})
    ledger = Noted()

    async def main() -> None:
        retrying = Retrying(limiting(service), rules=RetryRules(), report=unheard)
        assert await Booking(retrying, ledger, unheard).send(write(Effect.NONE)) is CREATED

    run(main())
    assert len(asked) == 2
    assert [(word, what) for _, word, what in ledger.told] == [
        ("intended", 1), ("ended", (1, Ending.DONE, "new"))
    ]  # fmt: skip


def test_a_letter_that_nobody_lets_be_noted_is_a_defect() -> None:
    async def main() -> None:
        await Booking(Scripted(lambda _request: CREATED), Noted(), unheard).send(write(Effect.NONE))

    with pytest.raises(Defect, match="before it was noted"):
        run(main())


ONCE, AGAIN = (Effect.NONE, Effect.KEYED), (Effect.IDEMPOTENT, Effect.VERIFIED)


@pytest.mark.parametrize(
    ("steps", "effects", "expected"),
    [
        ([200, 201, 202, 204], Effect, Ending.DONE),
        ([302, 304, 399, 400, 403, 404, 409, 412, 413, 429, 507], Effect, Ending.REFUSED),
        ([408, 500, 502, 503, 504, 509, 506, 508], Effect, Ending.UNKNOWN),
        ([Response(403, doubtful=True), Response(412, doubtful=True)], Effect, Ending.UNKNOWN),
        ([Unreachable("no route"), ThrottledOut("too long")], Effect, Ending.UNSENT),
        ([OutcomeUnknown("lost"), Unanswered("lost"), Defect("bug"), KeyError(), asyncio.CancelledError()], Effect,
         Ending.UNKNOWN),
        ([SignInError("no token")], ONCE, Ending.UNSENT),  # what may not be repeated had not left before, either
        ([SignInError("no token")], AGAIN, Ending.UNKNOWN),
    ],
)  # fmt: skip
def test_what_became_of_a_write(
    steps: list[int | Response | BaseException], effects: list[Effect], expected: Ending
) -> None:
    for step in steps:
        for effect in effects:
            assert ended(Response(step) if isinstance(step, int) else step, effect) is expected, (step, effect)


@pytest.mark.parametrize(
    ("body", "expected"),
    [({"id": "AAMk="}, "AAMk="), ({"id": 7}, ""), ({}, ""), (None, ""), ([{"id": "x"}], ""), (b'{"id":"x"}', "")],
)
def test_the_service_s_name_for_a_thing_is_kept(body: Any, expected: str) -> None:
    ledger = Noted()

    async def main() -> None:
        await Booking(Scripted(lambda _request: Response(201, body=body)), ledger, unheard).send(write())

    run(main())
    assert [what for _, word, what in ledger.told if word == "ended"] == [(1, Ending.DONE, expected)]


def times(steps: dict[int, list[Response | BaseException]], *, seconds: float = 0.0) -> tuple[Scripted, list[float]]:
    """A service that ends the writes of a row one after another as told, all else well; and when it was asked."""
    asked: list[float] = []

    async def answer(request: Request) -> Response:
        asked.append(asyncio.get_running_loop().time())
        left = steps.get(request.row, []) if request.method != "GET" else []
        return await answering(left.pop(0) if left else CREATED, seconds=seconds)(request)  # type: ignore[no-any-return]

    return Scripted(answer), asked


async def lost(booking: Booking, request: Request) -> None:
    with pytest.raises(OutcomeUnknown):
        await booking.send(request)


def test_after_a_lost_keyed_write_its_row_waits_until_the_service_has_settled() -> None:
    service, asked = times({7: [OutcomeUnknown("lost")]}, seconds=2)
    events: list[Event] = []

    async def main() -> None:
        booking = Booking(service, Noted(), events.append, settle=60)
        await lost(booking, write())
        assert repr(booking) == "<Booking 1 rows unsettled>"
        await together(booking.send(get(row=7)), booking.send(write()), booking.send(get(row=8)))
        assert repr(booking) == "<Booking 0 rows unsettled>"
        await booking.send(get(row=7))

    run(main())
    assert asked == [0, 2, 62, 62, 64]
    assert events == [Event("paused", "a write to settle, mailbox", "ada", 60.0, 60.0)] * 2


@pytest.mark.parametrize("effect", [Effect.IDEMPOTENT, Effect.VERIFIED, Effect.NONE])
def test_nobody_waits_for_a_write_that_nobody_will_look_for(effect: Effect) -> None:
    service, asked = times({7: [OutcomeUnknown("lost")]})

    async def main() -> None:
        booking = Booking(Admitting(service), Noted(), unheard)
        await lost(booking, write(effect))
        await booking.send(get(row=7))

    run(main())
    assert asked == [0, 0]


@pytest.mark.parametrize("step", [CREATED, Response(409), Unreachable("no route"), SignInError("no token")])
def test_nobody_waits_for_a_keyed_write_whose_end_is_known(step: Response | BaseException) -> None:
    service, asked = times({7: [step]})

    async def main() -> None:
        booking = Booking(service, Noted(), unheard)
        with suppress(Unreachable, SignInError):
            await booking.send(write())
        await booking.send(get(row=7))

    run(main())
    assert asked == [0, 0]


def test_a_keyed_write_whose_sender_was_cancelled_may_be_under_way() -> None:
    """As when one of several that were sent together has failed, and the task goes on."""
    service, asked = times({}, seconds=10)
    ledger = Noted()

    async def main() -> None:
        booking = Booking(service, ledger, unheard, settle=60)
        sending = asyncio.create_task(booking.send(write()))
        await asyncio.sleep(4)
        await cancelled(sending)
        await booking.send(get(row=7))

    run(main())
    assert asked == [0, 64]
    assert ledger.endings == [Ending.UNKNOWN]


def test_who_waits_waits_longer_when_another_answer_is_lost_meanwhile() -> None:
    asked: list[float] = []
    events: list[Event] = []

    async def answer(request: Request) -> Response:
        asked.append(asyncio.get_running_loop().time())
        if request.method == "GET":
            return CREATED
        await asyncio.sleep(float(request.path[1:]))
        raise OutcomeUnknown("lost")

    async def main() -> None:
        booking = Booking(Scripted(answer), Noted(), events.append, settle=60)

        async def look() -> None:
            await asyncio.sleep(5)
            await booking.send(get(row=7))

        writes = (lost(booking, write()._replace(path=f"/{seconds}")) for seconds in (1, 30))
        await together(*writes, look())

    run(main())
    assert asked == [0, 0, 90]
    assert [event.seconds for event in events] == [56], "told once"


def test_rows_of_an_earlier_process_wait_out_what_is_left() -> None:
    service, _ = times({})
    arrived: dict[int, float] = {}

    async def main() -> None:
        booking = Booking(service, Noted(), unheard, unsettled={2: 300.0, 3: 20.5, 4: 0.0, 5: -40.0})
        assert repr(booking) == "<Booking 4 rows unsettled>"

        async def ask(row: int) -> None:
            await booking.send(get(row=row))
            arrived[row] = asyncio.get_running_loop().time()

        await asyncio.sleep(10)
        await together(*(ask(row) for row in range(1, 7)))

    run(main())
    assert arrived == {1: 10, 2: 300, 3: 20.5, 4: 10, 5: 10, 6: 10}


def test_a_sender_who_waits_can_be_cancelled_and_the_row_still_waits() -> None:
    service, asked = times({})

    async def main() -> None:
        booking = Booking(service, Noted(), unheard, unsettled={7: 100.0})
        await cancelled(asyncio.create_task(booking.send(get(row=7))))
        await booking.send(write())

    run(main())
    assert asked == [100]


def test_the_settle_time_is_minutes() -> None:
    service, asked = times({7: [OutcomeUnknown("lost")]})

    async def main() -> None:
        booking = Booking(service, Noted(), unheard)
        await lost(booking, write())
        await booking.send(get(row=7))

    run(main())
    assert asked == [0, SETTLE]


Play = tuple[int, int, str, Effect, int, str]
plays = st.lists(
    st.tuples(
        st.integers(0, 400),  # when it is asked for
        st.integers(1, 3),  # for which row
        st.sampled_from(["GET", "POST"]),
        st.sampled_from(Effect),
        st.integers(0, 50),  # how long it takes
        st.sampled_from(["done", "done", "lost", "refused", "unreachable"]),
    ),
    max_size=25,
)
ENDS: dict[str, Response | Exception] = {
    "done": CREATED,
    "lost": OutcomeUnknown("lost"),
    "refused": Response(409),
    "unreachable": Unreachable("no"),
}


@given(plays, st.dictionaries(st.integers(1, 3), st.integers(-50, 100)))
def test_no_request_of_a_row_leaves_before_its_settle_time_and_no_other_is_held_up(
    script: list[Play], unsettled: dict[int, float]
) -> None:
    fences = [(row, -math.inf, seconds) for row, seconds in unsettled.items()]  # from when to when a row is unsettled
    left: dict[int, float] = {}

    async def main() -> None:
        clock = asyncio.get_running_loop().time

        async def answer(request: Request) -> Response:
            number = int(request.path[1:])
            left[number] = clock()
            _, row, method, effect, seconds, end = script[number]
            await asyncio.sleep(seconds)
            if end == "lost" and method == "POST" and effect is Effect.KEYED:
                fences.append((row, clock(), clock() + 60))
            if isinstance(step := ENDS[end], Exception):
                raise step
            return step

        async def play(number: int) -> None:
            moment, row, method, effect, _, _ = script[number]
            await asyncio.sleep(moment)
            with suppress(OutcomeUnknown, Unreachable):
                await booking.send(Request(method, f"/{number}", "ada", effect=effect, row=row))

        booking = Booking(Admitting(Scripted(answer)), Noted(), unheard, settle=60, unsettled=unsettled)
        await together(*(play(number) for number in range(len(script))))

    run(main())
    for number, (asked, row, *_) in enumerate(script):
        at, own = left[number], [(since, until) for fenced, since, until in fences if fenced == row]
        assert not any(since < at < until for since, until in own), f"left at {at}, within {own}"
        assert at == asked or at in {until for _, until in own}
        assert at == asked or any(since <= asked < until for since, until in own), f"held up for nothing until {at}"
