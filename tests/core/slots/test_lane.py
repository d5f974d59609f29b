"""Slots, fences and budgets of one mailbox, told the time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.slots.budget import (
    COUNT_FROM,
    OF_REQUESTS,
    OF_SENDS,
    OF_UPLOAD,
    REQUESTS,
    REQUESTS_SECONDS,
    SENDS,
    SENDS_SECONDS,
    UPLOAD,
    UPLOAD_SECONDS,
)
from bulkmail.core.slots.lane import DIRECTORY_SLOTS, Lane, Slots
from bulkmail.model import Tally


def in_the_way(lane: Lane, now: float, upload: int = 0, sends: int = 0) -> str:
    assert lane.budgets is not None
    return lane.budgets.in_the_way(now, upload, sends)


def test_four_slots_for_a_mailbox_and_eight_for_the_directory() -> None:
    slots = Slots()
    for key, most in (("ada", 4), ("", DIRECTORY_SLOTS)):
        lane = slots.enter(key)
        taken = 0
        while slots.ready(lane, 0.0) <= 0.0:
            slots.take(lane, 0.0)
            taken += 1
        assert taken == most
        assert slots.ready(lane, 0.0) == math.inf
        slots.give(lane)
        assert slots.ready(lane, 0.0) == 0.0
    assert repr(slots) == "<Slots, 4 each: 2 lanes, 10 in flight>"


def test_a_fence_holds_until_its_instant_and_the_longest_wish_wins() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    lane.own_fence().rise(10.0, "the long one")
    lane.own_fence().rise(5.0, "the short one")
    assert lane.fence.by == "the long one"
    assert slots.ready(lane, 9.9) == 10.0
    assert lane.budgets is None
    assert slots.ready(lane, 10.0) == 10.0
    assert repr(lane) == "<Lane 0 in flight, 0 waiting, 0 sent>"


def test_only_a_lane_that_was_refused_has_a_fence_of_its_own() -> None:
    slots = Slots()
    ada, eve = slots.enter("ada"), slots.enter("eve")
    assert ada.fence is eve.fence
    with pytest.raises(TypeError, match="lanes share"):
        ada.fence.rise(10.0)
    with pytest.raises(TypeError, match="lanes share"):
        ada.fence.met(1.0, 2.0)
    ada.own_fence().rise(10.0)
    assert ada.own_fence() is ada.fence
    assert (slots.ready(ada, 1.0), slots.ready(eve, 1.0)) == (10.0, 1.0)


def test_requests_are_counted_before_their_budget_is_kept() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    sent = 0
    while slots.ready(lane, 1.0) <= 1.0:
        slots.take(lane, 1.0)
        slots.give(lane)
        sent += 1
    assert sent == REQUESTS
    assert lane.budgets is not None
    assert sent > COUNT_FROM
    assert slots.ready(lane, 1.0) == 1.0 + REQUESTS_SECONDS / 30 + REQUESTS_SECONDS
    assert in_the_way(lane, 1.0) == OF_REQUESTS


def test_a_mailbox_of_few_requests_keeps_no_budget() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    for _ in range(COUNT_FROM - 1):
        slots.take(lane, 0.0)
    assert lane.budgets is None


def test_uploads_have_a_budget_of_bytes() -> None:
    slots, now = Slots(), 0.0
    lane = slots.enter("ada")
    size = 3_000_000
    sent = 0
    while slots.ready(lane, now, size) <= now:
        slots.take(lane, now, size)
        slots.give(lane)
        sent += 1
    assert sent == UPLOAD // size
    assert slots.ready(lane, now, size) == now + UPLOAD_SECONDS / 30 + UPLOAD_SECONDS
    assert slots.ready(lane, now) == now, "a read needs no upload"
    assert (in_the_way(lane, now), in_the_way(lane, now, size)) == ("", OF_UPLOAD)


def test_messages_of_a_sender_are_counted_over_many_visits() -> None:
    slots, now = Slots(), 0.0
    sent: list[float] = []
    while len(sent) < 5 * SENDS:
        lane = slots.enter("ada")
        now = max(now, slots.ready(lane, now, sends=1))
        slots.take(lane, now, sends=1)
        slots.give(lane)
        assert slots.leave(lane, now) > now, "the count outlives the visit"
        sent.append(now)
        now += 0.1
    assert all(later - earlier >= SENDS_SECONDS for earlier, later in zip(sent, sent[SENDS:], strict=False))
    assert sent[-1] <= 4 * (SENDS_SECONDS + 2 * SENDS_SECONDS / 30) + SENDS * 0.1, "and no slower than it must be"


def test_a_sender_who_is_over_may_still_read() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    slots.take(lane, 0.0, sends=SENDS)
    assert slots.ready(lane, 1.0) == 1.0
    assert slots.ready(lane, 1.0, sends=1) == SENDS_SECONDS + SENDS_SECONDS / 30
    assert in_the_way(lane, 1.0, sends=1) == OF_SENDS


def test_what_counts_is_remembered_between_visits_and_a_line_of_text_is_not() -> None:
    slots = Slots()
    for upload, requests, until in (
        (2_000_000, 1, UPLOAD_SECONDS + UPLOAD_SECONDS / 30),
        (2_000, 1, 0.0),
        (0, COUNT_FROM, REQUESTS_SECONDS + REQUESTS_SECONDS / 30),
        (0, COUNT_FROM - 1, 0.0),
    ):
        lane = slots.enter("ada")
        for _ in range(requests):
            slots.take(lane, 0.0, upload)
            slots.give(lane)
        assert slots.leave(lane, 1.0) == until
        assert slots.forget(lane, until) == 0.0
        assert not slots.lanes


def test_each_visit_is_told_its_own_cost() -> None:
    slots = Slots()
    lane = slots.enter("office")
    for visit in (1, 3, 2):
        for _ in range(visit):
            slots.take(lane, 0.0)
            slots.give(lane)
        lane.throttled += 1
        lane.waited += 0.5
        assert lane.bill() == Tally(visit, 1, 0.5)
    assert lane.bill() == Tally()


def test_a_lane_is_forgotten_when_its_messages_count_no_more() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    slots.take(lane, 0.0, sends=1)
    slots.give(lane)
    until = slots.leave(lane, 1.0)
    assert until == SENDS_SECONDS + SENDS_SECONDS / 30
    lane.own_fence().rise(100.0)
    assert slots.forget(lane, until) == 100.0, "the longer of the two"
    assert slots.forget(lane, 100.0) == 0.0
    assert not slots.lanes


def test_what_is_shared_is_what_a_mailbox_allows() -> None:
    slots = Slots()
    ada, none = slots.enter("ada"), slots.enter("")
    before = none.slots
    slots.share(2)
    assert (ada.slots, none.slots) == (2, before)
    assert before != 2


def test_an_unsent_request_costs_nothing() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    slots.take(lane, 0.0)
    slots.unsend(lane)
    slots.give(lane)
    assert slots.leave(lane, 0.0) == 0.0
    assert lane.bill() == Tally()
    assert lane.in_flight == 0


def test_a_lane_lives_as_long_as_somebody_is_in_it() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    assert slots.enter("ada") is lane
    assert slots.leave(lane, 0.0) == 0.0
    assert slots.lanes == {"ada": lane}
    assert slots.leave(lane, 0.0) == 0.0
    assert not slots.lanes


def test_a_fence_outlives_the_work_and_not_itself() -> None:
    slots = Slots()
    lane = slots.enter("ada")
    lane.own_fence().rise(9.0)
    assert slots.leave(lane, 1.0) == 9.0
    assert slots.enter("ada") is lane
    assert slots.leave(lane, 9.0) == 0.0
    assert not slots.lanes
    newer = slots.enter("ada")
    assert slots.forget(lane, 9.0) == 0.0, "a late word about an older lane"
    assert slots.lanes == {"ada": newer}


@given(st.lists(st.sampled_from(["take", "give", "unsend"]), max_size=100))
def test_slots_add_up(moves: list[str]) -> None:
    slots = Slots()
    lane: Lane = slots.enter("ada")
    flying = counted = 0
    for move in moves:
        if move == "take" and slots.ready(lane, 0.0) <= 0.0:
            slots.take(lane, 0.0)
            flying, counted = flying + 1, counted + 1
        elif move != "take" and flying:
            if move == "unsend":
                slots.unsend(lane)
                counted -= 1
            slots.give(lane)
            flying -= 1
        assert (lane.in_flight, lane.requests) == (flying, counted)
        assert flying <= 4
