"""What the pace promises its caller, whatever it has learned."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.pace.pace import Pace


def fill(pace: Pace, now: float) -> int:
    """Sends until the pace says no; returns how many went."""
    sent = 0
    while pace.try_send(now) == 0.0:
        sent += 1
    return sent


def flow(pace: Pace, start: float, seconds: float, latency: float = 0.1, ends: str = "answered") -> float:
    """Sends all that may leave for a while, each answered after `latency`; returns the end, with nothing in flight."""
    now = start
    flying: list[float] = []
    while now < start + seconds or flying:
        if now < start + seconds:
            flying += [now] * fill(pace, now)
        now += 0.001
        while flying and flying[0] + latency <= now:
            getattr(pace, ends)(now, flying.pop(0))
    return now


def test_a_fixed_window_is_filled_and_no_more() -> None:
    pace = Pace(rate=1e6, in_flight=7)
    assert fill(pace, 1.0) == 7
    assert pace.try_send(1.0) == math.inf
    pace.answered(1.1, 1.0)
    assert fill(pace, 1.1) == 1


def test_a_fixed_rate_is_kept_and_spaced() -> None:
    pace = Pace(rate=10, in_flight=1000)
    assert fill(pace, 5.0) == 1
    assert pace.try_send(5.0) == pytest.approx(5.1, abs=0.011)
    sent = sum(fill(pace, 5.0 + step / 100) for step in range(1, 1001))
    assert sent == pytest.approx(100, abs=1)


def test_a_pause_earns_no_burst() -> None:
    pace = Pace(rate=1000, in_flight=1000)
    fill(pace, 0.0)
    assert fill(pace, 60.0) <= 12


def test_what_is_fixed_is_not_learned() -> None:
    pace = Pace(rate=500, in_flight=16)
    now = flow(pace, 0.0, 3.0)
    pace.refused(now, now, now + 1)
    pace.crowded(now, now)
    pace.warned(now, 1.5)
    assert (pace.statistics().rate, pace.statistics().window, pace.statistics().mode) == (500, 16, "fixed")


@pytest.mark.parametrize("fixed", [None, 500.0])
def test_nothing_leaves_before_the_fence(fixed: float | None) -> None:
    pace = Pace(rate=fixed)
    now = flow(pace, 0.0, 1.0)
    assert pace.try_send(now) == 0.0
    pace.refused(now + 0.1, now, now + 5)
    assert pace.try_send(now + 0.2) == now + 5
    assert pace.try_send(now + 4.999) == now + 5
    assert pace.statistics().fence_until == now + 5
    assert pace.try_send(now + 5) == 0.0


def test_a_shorter_fence_does_not_open_a_longer_one() -> None:
    pace = Pace()
    fill(pace, 0.0)
    pace.refused(0.1, 0.0, 30.1)
    pace.refused(0.2, 0.0, 1.2)
    assert pace.try_send(2.0) == 30.1


def test_what_was_in_flight_together_is_one_refusal() -> None:
    once, often = Pace(), Pace()
    for pace, refusals in ((once, 1), (often, 10)):
        now = flow(pace, 0.0, 1.0)
        for _ in range(refusals):
            pace.refused(now + 0.1, now, now + 1.1)
    assert often.statistics().rate == once.statistics().rate


def test_a_fence_that_is_over_already_still_ends_the_episode() -> None:
    pace = Pace()
    now = flow(pace, 0.0, 1.0)
    pace.refused(now, now - 0.1, now - 5)
    rate = pace.statistics().rate
    pace.refused(now, now - 0.05, now - 5)
    assert pace.statistics().rate == rate
    assert pace.try_send(now) == 0.0


def test_refused_from_the_very_first_request_it_slows_down_and_goes_on() -> None:
    pace, now, rates = Pace(), 1000.0, []
    for _ in range(12):
        while (verdict := pace.try_send(now)) > 0.0:
            now = verdict
        pace.refused(now + 0.1, now, now + 1.1)
        rates.append(pace.statistics().rate)
    assert rates[0] > 4 * rates[3]
    assert 0.4 < rates[-1] < 1


def test_a_habit_of_faults_is_an_overload_and_passes() -> None:
    pace = Pace()
    now = flow(pace, 0.0, 1.0)
    before = pace.statistics().rate
    now = flow(pace, now, 20.0, ends="faltered")
    assert pace.statistics().rate < before / 20
    assert pace.statistics().mode != "climb"
    flow(pace, now, 20.0)
    assert pace.statistics().rate > before / 2, "recovers by itself"


def test_a_warning_stops_growth_and_one_past_the_limit_slows_down() -> None:
    pace = Pace()
    now = flow(pace, 0.0, 1.0)
    before = pace.statistics().rate
    pace.warned(now, 0.9)
    flow(pace, now, 0.5)
    assert pace.statistics().rate == before
    pace.warned(now + 2, 1.25)
    assert pace.statistics().limit == pytest.approx(before / 1.25)
    pace.warned(now + 2.1, 1.8)
    assert pace.statistics().limit == pytest.approx(before / 1.25), "one step down a second"


def test_it_does_not_grow_while_the_client_is_the_bottleneck() -> None:
    pace, now = Pace(), 0.0
    for _ in range(2000):
        now += 0.01
        assert pace.try_send(now) == 0.0  # 100 a second, half of what may leave
        pace.answered(now + 0.005, now)
    assert pace.statistics().rate == pytest.approx(200)
    assert pace.statistics().window == 64


def test_it_tells_its_mode() -> None:
    pace = Pace()
    assert repr(pace) == "<Pace climb 0/64 in flight, 200/s of inf/s>"
    now = flow(pace, 0.0, 2.0)
    pace.refused(now, now - 0.01, now + 1)
    assert pace.statistics().mode == "probe"


ENDS = st.sampled_from(["answered", "refused", "crowded", "faltered", "abandoned", "warned"])


@given(st.lists(st.tuples(ENDS, st.floats(0, 5), st.floats(-1, 60), st.floats(0, 2)), max_size=200))
def test_no_order_of_events_breaks_the_count_the_fence_or_the_bounds(
    events: list[tuple[str, float, float, float]],
) -> None:
    pace, now, fence, flying = Pace(ceiling=128), 100.0, -math.inf, []
    for kind, pause, wait, percentage in events:
        now += pause
        verdict = pace.try_send(now)
        assert verdict == 0.0 or verdict > now
        assert now >= fence or verdict >= fence
        flying += [now] if verdict == 0.0 else []
        if kind == "warned":
            pace.warned(now, percentage)
        elif flying and kind == "refused":
            pace.refused(now, flying.pop(0), now + wait)
            fence = max(fence, now + wait)
        elif flying and kind == "abandoned":
            flying.pop(0)
            pace.abandoned(now)
        elif flying:
            getattr(pace, kind)(now, flying.pop(0))
        state = pace.statistics()
        assert state.in_flight == len(flying)
        assert 1 <= state.window <= 128
        assert 0.4 <= state.rate < math.inf
