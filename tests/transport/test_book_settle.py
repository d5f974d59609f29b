"""Nobody looks too soon for a write with a key whose answer was lost, and nobody else waits for it."""

import asyncio
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import (
    OutcomeUnknown,
    SignInError,
    Unreachable,
)
from bulkmail.model import Effect, Ending, Event, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.book import SETTLE, Booking
from tests.transport.booked import CREATED, Admitting, Noted, times, write
from tests.transport.rig import cancelled, get, together, unheard


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
