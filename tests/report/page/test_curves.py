"""Samples become curves of a fixed number of steps, with rates that add up to what was done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.report.page.charts import HEIGHT, LEFT, WIDTH, bars, lines, parts, spread
from bulkmail.report.page.curves import STEPS, Curves, curves_of
from bulkmail.rundir.samples import Sample


def sample(seconds: float, done: int, **more: int) -> Sample:
    return Sample(at=seconds, seconds=seconds, done=done, requests=2 * done, in_flight=5, memory=10**8, **more)  # type: ignore[arg-type]


def test_too_few_samples_give_no_curve() -> None:
    assert curves_of([]) is None
    assert curves_of([sample(0, 0), sample(1, 1)]) is None
    assert curves_of([sample(0, 0)] * 5) is None


def test_rates_and_means() -> None:
    curves = curves_of([sample(second, 3 * second, waiting=second % 2) for second in range(11)])
    assert curves is not None
    named = {curve.name: curve for curve in curves.curves}
    assert set(named["Mailboxes a second"].values) == {3.0}
    assert named["Requests a second"].mean == 6.0
    assert named["Requests in flight"].peak == 5.0
    assert named["Refusals a second"].peak == 0.0
    assert named["Memory"].mean == 100.0


def test_a_long_run_has_as_many_steps_as_a_screen_shows() -> None:
    curves = curves_of([sample(second, second) for second in range(4000)])
    assert curves is not None
    assert STEPS - 2 <= len(curves.times) <= STEPS + 1


def test_where_a_run_was_resumed_the_curve_goes_on() -> None:
    first, second = [sample(at, at) for at in range(11)], [sample(at, 10 + at) for at in range(21)]
    curves = curves_of([*first, *second])
    assert curves is not None
    assert curves.resumed == (10.0,)
    assert curves.times[-1] == 30.0
    assert {round(rate, 6) for rate in curves.curves[0].values} == {1.0}


@given(st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 1000)), min_size=3, max_size=400))
def test_what_is_drawn_stays_within_its_chart(intervals: list[tuple[float, int]]) -> None:
    seconds, done, samples = 0.0, 0, [sample(0, 0)]
    for length, more in intervals:
        seconds, done = seconds + length, done + more
        samples.append(sample(seconds, done))
    curves = curves_of(samples)
    assert curves is not None
    for line in lines(curves):
        numbers = [float(number) for number in line.line[1:].split()]
        assert all(LEFT <= x <= WIDTH for x in numbers[::2])
        assert all(0 <= y <= HEIGHT for y in numbers[1::2])
        assert 2 <= len(line.up) <= 5
        assert 1 <= len(line.across) <= 6


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50))
def test_parts_make_a_whole(numbers: list[float]) -> None:
    found = parts(numbers)
    assert all(part.width > 0 for part, number in zip(found, numbers, strict=True) if number)
    if sum(numbers):
        assert sum(part.width for part in found) == pytest.approx(1, abs=0.01)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_every_number_is_in_one_range(numbers: list[float]) -> None:
    ranges = spread(sorted(numbers))
    assert sum(count for _, count in ranges) == len(numbers)
    assert len(bars(ranges).bars) == len(ranges)


def test_no_time_at_all() -> None:
    assert bars([]).bars == ()
    assert Curves((), (), ()).curves == ()
