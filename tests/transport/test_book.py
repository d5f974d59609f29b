"""Every write is noted before it leaves and when it has ended, with what became of it."""

import asyncio
from typing import Any

import pytest

from bulkmail.core.pace.pace import Pace
from bulkmail.core.retry import RetryRules
from bulkmail.errors import (
    MAYBE_SENT,
    NOT_SENT,
    ChangesExhausted,
    Defect,
    OutcomeUnknown,
    OutputError,
    ServiceDown,
    SignInError,
    ThrottledOut,
    Unanswered,
    Unreachable,
)
from bulkmail.model import Effect, Ending, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.book import Booking
from bulkmail.transport.retry import Retrying
from tests.transport.booked import CREATED, Admitting, Noted, answering, times, write
from tests.transport.rig import assert_nothing_held, cancelled, get, limiting, throttled, together, unheard


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


def noted(error: BaseException, *notes: str) -> BaseException:
    for note in notes:
        error.add_note(note)
    return error


@pytest.mark.parametrize(
    ("steps", "effects", "expected"),
    [
        ([200, 201, 202, 204], Effect, Ending.DONE),
        ([302, 304, 399, 400, 403, 404, 409, 412, 413, 429, 507], Effect, Ending.REFUSED),
        ([408, 500, 502, 503, 504, 509, 506, 508], Effect, Ending.UNKNOWN),
        ([Response(403, doubtful=True), Response(412, doubtful=True)], Effect, Ending.UNKNOWN),
        ([Unreachable("no route"), ThrottledOut("too long"), SignInError("no token"), noted(TypeError(), NOT_SENT),
          noted(asyncio.CancelledError(), NOT_SENT), ServiceDown("long")], Effect, Ending.UNSENT),
        ([noted(SignInError("no token"), MAYBE_SENT), noted(asyncio.CancelledError(), NOT_SENT, MAYBE_SENT)], Effect,
         Ending.UNKNOWN),
        ([OutcomeUnknown("lost"), Unanswered("lost"), Defect("bug"), KeyError(), asyncio.CancelledError()], Effect,
         Ending.UNKNOWN),
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
