"""Slots, fences and rolling budgets of one mailbox, told the time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.slots.window import (
    COUNT_FROM,
    DIRECTORY_SLOTS,
    OF_REQUESTS,
    OF_SENDS,
    OF_UPLOAD,
    REQUESTS,
    REQUESTS_SECONDS,
    SENDS,
    SENDS_SECONDS,
    UPLOAD,
    UPLOAD_SECONDS,
    Fence,
    Lane,
    Rolling,
    Window,
)
from bulkmail.model import Tally

steps = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 50)), max_size=80)


@given(steps, st.integers(50, 120))
def test_a_budget_is_never_exceeded_in_any_window(asked: list[tuple[float, int]], limit: int) -> None:
    rolling, now = Rolling(limit, 60), 0.0
    spent: list[tuple[float, int]] = []
    for pause, amount in asked:
        now = max(now + pause, rolling.ready(amount, now + pause))
        assert rolling.ready(amount, now) <= now
        rolling.spend(amount, now)
        spent.append((now, amount))
        assert sum(old for at, old in spent if at > now - 60) <= limit


@given(steps)
def test_a_budget_does_not_wait_where_a_margin_is_left(asked: list[tuple[float, int]]) -> None:
    rolling, now = Rolling(100, 60), 0.0
    spent: list[tuple[float, int]] = []
    for pause, amount in asked:
        now += pause
        fits = sum(old for at, old in spent if at > now - 60 - 2 * rolling.cell) + amount <= 100
        assert not fits or rolling.ready(amount, now) <= now
        if rolling.ready(amount, now) <= now:
            rolling.spend(amount, now)
            spent.append((now, amount))


def test_more_than_the_limit_fits_into_an_empty_window_only() -> None:
    rolling = Rolling(100, 60)
    assert rolling.ready(500, 0.0) <= 0.0
    rolling.spend(500, 0.0)
    assert rolling.ready(500, 1.0) == 62.0
    assert rolling.ready(1, 1.0) == 62.0
    assert rolling.ready(500, 62.0) <= 62.0
    assert repr(rolling) == "<Rolling 0 of 100 in 60 s>"


def test_cells_do_not_pile_up() -> None:
    rolling = Rolling(1e9, 60)
    for step in range(10_000):
        rolling.ready(1, step * 0.1)
        rolling.spend(1, step * 0.1)
    assert len(rolling.cells) <= 32


def test_four_slots_for_a_mailbox_and_eight_for_the_directory() -> None:
    window = Window()
    for key, slots in (("ada", 4), ("", DIRECTORY_SLOTS)):
        lane = window.enter(key)
        taken = 0
        while window.ready(lane, 0.0) <= 0.0:
            window.take(lane, 0.0)
            taken += 1
        assert taken == slots
        assert window.ready(lane, 0.0) == math.inf
        window.give(lane)
        assert window.ready(lane, 0.0) == 0.0
    assert repr(window) == "<Window of 4: 2 lanes, 10 in flight>"


def test_a_fence_holds_until_its_instant_and_the_longest_wish_wins() -> None:
    window = Window()
    lane = window.enter("ada")
    lane.own_fence().rise(10.0, "the long one")
    lane.own_fence().rise(5.0, "the short one")
    assert lane.fence.by == "the long one"
    assert window.ready(lane, 9.9) == 10.0
    assert window.in_the_way(lane, 9.9) == "", "no budget"
    assert window.ready(lane, 10.0) == 10.0
    assert repr(lane) == "<Lane 0 in flight, 0 waiting, 0 sent>"


def test_only_a_lane_that_was_refused_has_a_fence_of_its_own() -> None:
    window = Window()
    ada, eve = window.enter("ada"), window.enter("eve")
    assert ada.fence is eve.fence
    with pytest.raises(TypeError, match="everybody's"):
        ada.fence.rise(10.0)
    with pytest.raises(TypeError, match="everybody's"):
        ada.fence.met(1.0, 2.0)
    ada.own_fence().rise(10.0)
    assert ada.own_fence() is ada.fence
    assert (window.ready(ada, 1.0), window.ready(eve, 1.0)) == (10.0, 1.0)


def test_requests_that_flew_together_are_refused_once() -> None:
    fence = Fence()
    assert fence.met(1.0, 1.5) == 1
    fence.rise(3.0)
    assert fence.met(1.1, 1.6) == 1
    fence.passed(1.2)  # left together with those, and was let through: tells nothing about the time after
    assert fence.met(3.0, 3.5) == 2
    fence.rise(6.0)
    fence.passed(6.5)
    assert fence.met(7.0, 7.5) == 1
    assert repr(fence) == "<Fence until 6.0 after 1 refusals>"


def test_a_wait_counts_from_the_first_of_the_refusals_in_a_row() -> None:
    fence = Fence()
    assert fence.wait(0.0) == 0.0
    fence.rise(5.0)
    assert fence.wait(2.0) == 3.0, "not refused: a 503 that names a time"
    fence.met(5.0, 6.0)
    fence.rise(16.0)
    assert fence.wait(6.0) == 10.0
    assert fence.wait(9.0) == 10.0
    fence.met(16.0, 17.0)
    fence.rise(27.0)
    assert fence.wait(17.0) == 21.0
    assert fence.wait(27.0) == 0.0
    fence.passed(27.0)
    fence.met(28.0, 29.0)
    fence.rise(39.0)
    assert fence.wait(29.0) == 10.0


def test_requests_are_counted_before_their_budget_is_kept() -> None:
    window = Window()
    lane = window.enter("ada")
    sent = 0
    while window.ready(lane, 1.0) <= 1.0:
        window.take(lane, 1.0)
        window.give(lane)
        sent += 1
    assert sent == REQUESTS
    assert lane.budget is not None
    assert sent > COUNT_FROM
    assert window.ready(lane, 1.0) == 1.0 + REQUESTS_SECONDS / 30 + REQUESTS_SECONDS
    assert window.in_the_way(lane, 1.0) == OF_REQUESTS


def test_a_mailbox_of_few_requests_keeps_no_budget() -> None:
    lane = Window().enter("ada")
    for _ in range(COUNT_FROM - 1):
        Window.take(lane, 0.0)
    assert lane.budget is None


def test_uploads_have_a_budget_of_bytes() -> None:
    window, now = Window(), 0.0
    lane = window.enter("ada")
    size = 3_000_000
    sent = 0
    while window.ready(lane, now, size) <= now:
        window.take(lane, now, size)
        window.give(lane)
        sent += 1
    assert sent == UPLOAD // size
    assert window.ready(lane, now, size) == now + UPLOAD_SECONDS / 30 + UPLOAD_SECONDS
    assert window.ready(lane, now) == now, "a read needs no upload"
    assert (window.in_the_way(lane, now), window.in_the_way(lane, now, size)) == ("", OF_UPLOAD)


def test_messages_of_a_sender_are_counted_over_many_visits() -> None:
    window, now = Window(), 0.0
    sent: list[float] = []
    while len(sent) < 5 * SENDS:
        lane = window.enter("ada")
        now = max(now, window.ready(lane, now, sends=1))
        window.take(lane, now, sends=1)
        window.give(lane)
        assert window.leave(lane, now) > now, "the count outlives the visit"
        sent.append(now)
        now += 0.1
    assert all(later - earlier >= SENDS_SECONDS for earlier, later in zip(sent, sent[SENDS:], strict=False))
    assert sent[-1] <= 4 * (SENDS_SECONDS + 2 * SENDS_SECONDS / 30) + SENDS * 0.1, "and no slower than it must be"


def test_a_sender_who_is_over_may_still_read() -> None:
    window = Window()
    lane = window.enter("ada")
    window.take(lane, 0.0, sends=SENDS)
    assert window.ready(lane, 1.0) == 1.0
    assert window.ready(lane, 1.0, sends=1) == SENDS_SECONDS + SENDS_SECONDS / 30
    assert window.in_the_way(lane, 1.0, sends=1) == OF_SENDS


def test_what_counts_is_remembered_between_visits_and_a_line_of_text_is_not() -> None:
    window = Window()
    for upload, requests, until in (
        (2_000_000, 1, UPLOAD_SECONDS + UPLOAD_SECONDS / 30),
        (2_000, 1, 0.0),
        (0, COUNT_FROM, REQUESTS_SECONDS + REQUESTS_SECONDS / 30),
        (0, COUNT_FROM - 1, 0.0),
    ):
        lane = window.enter("ada")
        for _ in range(requests):
            window.take(lane, 0.0, upload)
            window.give(lane)
        assert window.leave(lane, 1.0) == until
        assert window.forget(lane, until) == 0.0
        assert not window.lanes


def test_each_visit_is_told_its_own_cost() -> None:
    window = Window()
    lane = window.enter("office")
    for visit in (1, 3, 2):
        for _ in range(visit):
            window.take(lane, 0.0)
            window.give(lane)
        lane.throttled += 1
        lane.waited += 0.5
        assert lane.bill() == Tally(visit, 1, 0.5)
    assert lane.bill() == Tally()


def test_a_lane_is_forgotten_when_its_messages_count_no_more() -> None:
    window = Window()
    lane = window.enter("ada")
    window.take(lane, 0.0, sends=1)
    window.give(lane)
    until = window.leave(lane, 1.0)
    assert until == SENDS_SECONDS + SENDS_SECONDS / 30
    lane.own_fence().rise(100.0)
    assert window.forget(lane, until) == 100.0, "the longer of the two"
    assert window.forget(lane, 100.0) == 0.0
    assert not window.lanes


def test_an_empty_budget_is_empty_from_now_on() -> None:
    rolling = Rolling(10, 60)
    assert rolling.empty_from(5.0) == 5.0
    rolling.spend(1, 5.0)
    assert rolling.empty_from(6.0) == 67.0


def test_a_recalled_request_costs_nothing() -> None:
    window = Window()
    lane = window.enter("ada")
    window.take(lane, 0.0)
    window.recall(lane)
    window.give(lane)
    assert window.leave(lane, 0.0) == 0.0
    assert lane.bill() == Tally()
    assert lane.in_flight == 0


def test_a_lane_lives_as_long_as_somebody_is_in_it() -> None:
    window = Window()
    lane = window.enter("ada")
    assert window.enter("ada") is lane
    assert window.leave(lane, 0.0) == 0.0
    assert window.lanes == {"ada": lane}
    assert window.leave(lane, 0.0) == 0.0
    assert not window.lanes


def test_a_fence_outlives_the_work_and_not_itself() -> None:
    window = Window()
    lane = window.enter("ada")
    lane.own_fence().rise(9.0)
    assert window.leave(lane, 1.0) == 9.0
    assert window.enter("ada") is lane
    assert window.leave(lane, 9.0) == 0.0
    assert not window.lanes
    newer = window.enter("ada")
    assert window.forget(lane, 9.0) == 0.0, "a late word about an older lane"
    assert window.lanes == {"ada": newer}


@given(st.lists(st.sampled_from(["take", "give", "recall"]), max_size=100))
def test_slots_add_up(moves: list[str]) -> None:
    window = Window()
    lane: Lane = window.enter("ada")
    flying = counted = 0
    for move in moves:
        if move == "take" and window.ready(lane, 0.0) <= 0.0:
            window.take(lane, 0.0)
            flying, counted = flying + 1, counted + 1
        elif move != "take" and flying:
            if move == "recall":
                window.recall(lane)
                counted -= 1
            window.give(lane)
            flying -= 1
        assert (lane.in_flight, lane.requests) == (flying, counted)
        assert flying <= 4
