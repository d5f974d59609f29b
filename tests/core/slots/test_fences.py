"""What a refusal asks of its mailbox or of everybody, told the time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.lane import Slots
from bulkmail.errors import ThrottledOut
from bulkmail.model import Event, Response

MAILBOXES = ("ada", "eve", "bob")
HERS, EVERYBODYS = "ApplicationThrottled", "TooManyRequests"


def fences_of(slots: Slots, told: list[Event], *, max_wait: float = math.inf) -> Fences:
    pace = Pace(rate=math.inf, in_flight=1_000)
    for _ in range(1_000):
        assert pace.try_send(0.0) == 0.0
    outage = Outage(told.append)
    return Fences(slots, pace, outage, told.append, max_wait=max_wait, wall=lambda: 0.0, dice=lambda: 0.0)


def refused(code: str, seconds: int) -> Response:
    return Response(429, {"retry-after": str(seconds)}, {"error": {"code": code, "message": ""}})


REFUSALS = st.tuples(st.sampled_from(MAILBOXES), st.sampled_from([HERS, EVERYBODYS]), st.integers(1, 20))


@given(st.lists(st.tuples(st.integers(0, 10), REFUSALS), max_size=12), st.lists(st.integers(0, 30), max_size=8))
def test_a_mailbox_is_held_while_its_own_fence_or_everybodys_is_up(
    refusals: list[tuple[int, tuple[str, str, int]]], looks: list[int]
) -> None:
    slots, now = Slots(), 1.0
    fences = fences_of(slots, [])
    until = dict.fromkeys((*MAILBOXES, "*"), 0.0)
    for mailbox in MAILBOXES:
        slots.enter(mailbox)
    for pause, (mailbox, code, seconds) in refusals:
        now += pause
        fences.learn(slots.lanes[mailbox], refused(code, seconds), now, now)
        concerns = mailbox if code == HERS else "*"
        until[concerns] = max(until[concerns], now + seconds)
        for look in (0, *looks):
            for one in (*MAILBOXES, "nobody"):
                up = max(until.get(one, 0.0), until["*"])
                assert fences.held(one, now + look) == (now + look < up)


def test_lanes_that_a_fence_concerns_are_named_and_checked() -> None:
    told: list[Event] = []
    slots = Slots()
    fences = fences_of(slots, told, max_wait=30.0)
    ada, eve = slots.enter("ada"), slots.enter("eve")
    assert list(fences.learn(ada, Response(200), 1.0, 2.0)) == []
    assert list(fences.learn(ada, refused(HERS, 40), 1.0, 2.0)) == [ada]
    with pytest.raises(ThrottledOut, match="the job allows 30 s"):
        fences.check(ada, 2.0)
    fences.check(eve, 2.0)
    assert list(fences.learn(ada, refused(EVERYBODYS, 5), 1.0, 2.0)) == [ada, eve]
    fences.check(eve, 2.0)
    assert [event.text for event in told] == ["ApplicationThrottled, mailbox", "TooManyRequests, application"]
    assert [wait.mailbox for wait in fences.waits(3.0)] == [""], "nobody waits in a lane yet"
    assert repr(fences) == "<Fences 2 risen, everybody's is <Fence until 7.0 after 1 refusals>>"
