"""Faults at any rate do not slow a client down; an overload does, whatever else fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.pace.overload import Overload
from bulkmail.core.pace.pace import Pace
from tests.core.models import Bucket, Open, Shedding, drive, steady

DEMAND = 1000


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.5])
def test_faults_at_any_rate_cost_their_share_and_no_more(share: float) -> None:
    """With the law that only falls, 20 % of 503 led from 1,500 good answers a second to less than 100."""
    trace = drive(Pace(), Open(steady(0.1, 0.2), faults=share), seconds=180, demand=DEMAND)
    had = DEMAND * (1 - share)
    assert trace.between(0, 60) > 0.85 * 60 * had
    assert trace.between(60, 180) > 0.95 * 120 * had


@pytest.mark.parametrize("share", [0.2, 0.4])
def test_faults_do_not_hide_a_limit(share: float) -> None:
    trace = drive(Pace(), Bucket(lambda _: 500, steady(0.1, 0.2), faults=share), seconds=180)
    assert trace.between(60, 180) > 0.85 * 120 * 500 * (1 - share)
    assert trace.refused < 0.005


@pytest.mark.parametrize("capacity", [200, 500])
@pytest.mark.parametrize("faults", [0.0, 0.25])
def test_an_overload_is_met_with_the_rate_that_is_served(capacity: float, faults: float) -> None:
    trace = drive(Pace(), Shedding(lambda _: capacity, steady(0.1, 0.2), faults), seconds=120)
    served = trace.between(60, 120) / 60
    assert served > 0.85 * capacity
    failed = 1 - len(trace.good) / trace.sent
    assert failed < 0.2 + faults


def test_a_service_that_loses_capacity_is_followed_down() -> None:
    service = Shedding(lambda now: 1000 if now < 60 else 200, steady(0.1, 0.2))
    trace = drive(Pace(), service, seconds=120)
    assert trace.between(30, 60) > 0.85 * 30 * 1000
    assert trace.between(70, 120) > 0.85 * 50 * 200
    assert trace.rates[65] < 400


def test_where_nearly_all_fails_the_rate_stays_low() -> None:
    trace = drive(Pace(), Open(steady(0.1, 0.2), faults=0.95), seconds=60, demand=DEMAND)
    assert trace.sent < 60 * DEMAND / 5


def bout(overload: Overload, now: float, good: int, faults: int) -> tuple[str, float]:
    """The verdict at the end of a second with so many answers, and when it was."""
    overload.begin(now)
    return overload.step(now + 1.0, good, faults, 0.0), now + 1.0


def test_two_falls_that_cure_nothing_are_taken_back_and_the_share_is_known_for_a_while() -> None:
    overload = Overload()
    verdicts, now = [], 0.0
    for _ in range(5):
        verdict, now = bout(overload, now, 210, 90)
        verdicts.append(verdict)
    assert verdicts == ["fall", "fall", "take back", "go on", "go on"]
    assert bout(overload, now, 150, 150)[0] == "fall", "more than what is known is heard at once"
    assert bout(Overload(), now, 210, 90)[0] == "fall"


def test_a_fall_that_cured_is_not_taken_back() -> None:
    overload = Overload()
    verdicts = [bout(overload, at, 300 - faults, faults)[0] for at, faults in enumerate((90, 9, 90, 90, 90))]
    assert verdicts == ["fall", "cured", "fall", "fall", "take back"]


@given(st.lists(st.tuples(st.floats(0.05, 3.0), st.integers(0, 300), st.integers(0, 300)), max_size=60))
def test_nothing_is_taken_back_that_did_not_fall(steps: list[tuple[float, int, int]]) -> None:
    overload, now, falls = Overload(), 100.0, 0
    overload.begin(now)
    for seconds, good, faults in steps:
        now += seconds
        verdict = overload.step(now, good, faults, 0.1)
        falls += verdict == "fall"
        assert verdict != "take back" or falls >= 2
        falls = 0 if verdict in ("cured", "take back") else falls
