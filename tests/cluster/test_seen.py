"""What is told of workers: each in a line, and all of them as one process."""

import math

from bulkmail.cluster.desk import Session
from bulkmail.cluster.messages import Seen
from bulkmail.cluster.rates import Rates
from bulkmail.cluster.seen import line_of, together
from bulkmail.core.pace.pace import PaceStatistics

PACE = PaceStatistics(in_flight=30, window=64, rate=100.0, limit=math.inf, fence_until=7.0, mode="fixed")


def session(number: int, pace: PaceStatistics | None, *, ended: bool = False) -> Session:
    return Session(number, f"worker {number}", 10.0, seen=Seen(pace, 88_000_000), ended=ended)


def test_all_together_are_the_sum_of_those_that_work_under_one_law() -> None:
    found = together({
        "a": session(1, PACE), "b": session(2, PACE), "c": session(3, PACE, ended=True), "d": session(4, None),
    }, Rates(4, 250.0))  # fmt: skip
    assert (found.in_flight, found.window, found.rate, found.limit) == (60, 128, 250.0, math.inf)
    assert found.mode == "fixed"


def test_at_the_end_stands_what_was_in_flight_last() -> None:
    found = together({"a": session(1, PACE, ended=True), "b": session(2, PACE, ended=True)}, Rates(2))
    assert found.in_flight == 60


def test_before_the_beginning_nothing_is_known() -> None:
    for none in ({}, {"a": session(1, None)}):
        found = together(none, Rates(1))
        assert (found.in_flight, found.limit, found.mode) == (0, math.inf, "climb")
        assert found.fence_until == found.limit_since == -math.inf


def test_the_line_of_a_worker_has_its_figures() -> None:
    assert line_of(session(1, PACE), 10.3) == (
        "worker 1: up to 100/s, 30 in flight, 0 mailboxes in hand, 88 MB, seen 0.3 s ago"
    )
    assert line_of(session(3, None), 12.0) == "worker 3: not begun"
