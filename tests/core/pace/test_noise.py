"""Refusals that have nothing to do with the rate: what is got all the same, and what is believed of them."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.pace.noise import Episode, Odds
from bulkmail.core.pace.pace import Pace
from bulkmail.core.pace.rate import RateLaw
from bulkmail.core.pace.steer import NOTHING, TIMES, Steering
from tests.core.models import Bucket, Knowing, Noise, Open, Penalty, Service, Trace, drive, steady


def noise(service: Service, share: float, wait: float = 1.0, seed: int = 1) -> Noise:
    return Noise(service, lambda _: share, wait, random.Random(seed).random)


def opened() -> Open:
    return Open(steady(0.04, 0.06))


def bucket(rate: float = 500, *, harsh: bool = False) -> Bucket:
    return Bucket(lambda _: rate, steady(0.05, 0.15), harsh=harsh)


def got(trace: Trace, rate: float, share: float, wait: float, start: float, end: float) -> float:
    """Beside rate / (1 + share * rate * wait), which is what can be had."""
    return trace.between(start, end) / (rate / (1 + share * rate * wait) * (end - start))


def longest_below(trace: Trace, rate: float, share: float, wait: float) -> int:
    """Seconds on end in which the rate stays below half of what can be had."""
    longest = run = 0
    for each in trace.rates:
        run = run + 1 if each / (1 + share * each * wait) < rate / (1 + share * rate * wait) / 2 else 0
        longest = max(longest, run)
    return longest


@pytest.mark.parametrize("share", [0.0005, 0.001, 0.005, 0.01, 0.02])
def test_noise_alone_costs_only_its_silence(share: float) -> None:
    trace = drive(Pace(), noise(opened(), share), seconds=240, demand=1000)
    assert got(trace, 1000, share, 1, 60, 120) >= 0.85
    assert got(trace, 1000, share, 1, 120, 240) >= 0.90  # 0.95 and what chance takes in two minutes
    assert longest_below(trace, 1000, share, 1) <= 20
    assert trace.early == 0


@pytest.mark.parametrize("wait", [2.0, 10.0, 30.0])
def test_noise_with_long_waits_costs_only_its_silence(wait: float) -> None:
    trace = drive(Pace(), noise(opened(), 0.005, wait), seconds=1200, demand=1000)
    knowing = drive(Pace(rate=1000, in_flight=1000), noise(opened(), 0.005, wait), seconds=1200, demand=1000)
    assert trace.between(120, 1200) >= 0.9 * knowing.between(120, 1200), "with the same luck"
    assert trace.early == 0


@pytest.mark.parametrize("share", [0.001, 0.005])
@pytest.mark.parametrize("harsh", [False, True], ids=["plain", "harsh"])
def test_a_limit_is_found_among_noise(share: float, *, harsh: bool) -> None:
    trace = drive(Pace(), noise(bucket(harsh=harsh), share), seconds=240)
    knowing = drive(Pace(rate=495, in_flight=1000), noise(bucket(harsh=harsh), share), seconds=240)
    assert trace.between(60, 120) >= 0.8 * knowing.between(60, 120)
    assert trace.between(120, 240) >= 0.9 * knowing.between(120, 240)


def test_a_limit_that_moves_among_noise_is_followed() -> None:
    def rate(now: float) -> float:
        return (500, 200, 800)[min(2, int(now / 90))]

    def service() -> Noise:
        return noise(Bucket(rate, steady(0.05, 0.15)), 0.001)

    trace, knowing = drive(Pace(), service(), seconds=270), drive(Knowing(rate), service(), seconds=270)
    assert trace.between(60, 270) >= 0.85 * knowing.between(60, 270)
    assert trace.early == 0


def test_bursts_of_noise_leave_nothing_behind() -> None:
    service = Noise(bucket(), lambda now: 0.02 if 90 <= now < 120 else 0.0, 1.0, random.Random(1).random)
    trace = drive(Pace(), service, seconds=420)
    assert got(trace, 500, 0, 1, 150, 420) >= 0.95


def test_a_retry_after_that_doubles_is_no_noise() -> None:
    trace = drive(Pace(), Penalty(500, steady(0.05, 0.15)), seconds=180)
    assert trace.between(60, 180) / 500 / 120 >= 0.95
    assert trace.refused <= 0.003


def test_accidents_of_a_percent_each_leave_many_in_flight() -> None:
    pace = Pace()
    drive(pace, noise(Open(steady(0.1, 0.2), faults=0.05), 0.01), seconds=120, demand=1000)
    assert pace.statistics().window >= 64
    assert pace.statistics().rate > 500


def test_what_is_believed_of_noise_is_told() -> None:
    pace = Pace()
    drive(pace, noise(opened(), 0.004), seconds=180, demand=1000)
    told = pace.statistics()
    assert 0.001 < told.noise < 0.012
    assert -math.inf < told.noise_since
    quiet = Pace()
    drive(quiet, bucket(), seconds=60)
    told = quiet.statistics()
    assert (told.noise, told.noise_since) == (0.0, -math.inf)
    assert told.limit_since > 100_000


def test_one_accident_under_a_settled_limit_changes_nothing() -> None:
    pace, service, struck = Pace(), bucket(), [False]

    def once() -> float:
        hit, struck[0] = not struck[0] and service.seen > 200, struck[0] or service.seen > 200
        return 0.0 if hit else 1.0

    trace = drive(pace, Noise(service, lambda _: 0.5, 1.0, once), seconds=230)
    assert struck[0]
    assert got(trace, 500, 0, 1, 205, 230) >= 0.97


def test_an_outage_is_not_noise() -> None:
    pace = Pace()
    trace = drive(pace, noise(opened(), 1.0), seconds=120)
    assert trace.sent < 1000
    assert pace.statistics().noise == 0.0
    steering = Steering(1000.0, [Episode(200, 0.2, 1.0), Episode(100, 0.1, 1.0)], 1.0, 0.0)
    for _ in range(TIMES):
        assert not steering.over
        steering.refused(Episode(NOTHING - 1, 0.001, 1.0), 1.0)
    assert steering.over


def test_refusals_at_any_rate_are_noise_and_refusals_above_a_limit_are_not() -> None:
    alike, limited = Odds(), Odds()
    draw = random.Random(4).expovariate
    for place in range(40):
        rate = 100.0 * 1.1**place
        requests = 1 + draw(0.005)
        alike = alike.after(Episode(requests, requests / rate, 1.0))
        rate = 520.0 + 20 * place
        requests = 100 * rate / (rate - 500)
        limited = limited.after(Episode(requests, requests / rate, 1.0))
    assert alike.share == pytest.approx(0.005, rel=0.5)
    assert alike.best(1.0) > 1000
    assert limited.limit == pytest.approx(500, rel=0.1)
    assert limited.best(1.0) < 550


EPISODES = st.lists(
    st.tuples(
        st.floats(0, 1e7),
        st.floats(0.001, 1e5),
        st.floats(0, 1e4),
        st.floats(1, 1e4) | st.just(0.0),
        st.integers(0, 10**4),
    ),
    max_size=12,
)


@given(EPISODES, st.floats(0.1, 1e4))
def test_no_episodes_break_the_belief(episodes: list[tuple[float, float, float, float, int]], wait: float) -> None:
    odds = Odds()
    for requests, seconds, silence, flying, hit in episodes:
        odds.since(Episode(requests, seconds, silence)).best(wait)
        odds = odds.after(Episode(requests, seconds, silence, flying, seconds, min(hit, int(flying))))
    assert 0 < odds.share < 0.11
    assert 0 <= odds.quiet <= 1.000001
    assert 0.4 < odds.best(wait) < 1e5
    assert odds.limit > 0


@settings(max_examples=12, derandomize=True)  # chance is in what is measured
@given(
    st.floats(0.002, 0.02),
    st.floats(1, 5),
    st.floats(0.03, 0.3),
    st.integers(0, 1000),
    st.sampled_from([math.inf, 300]),
)
def test_whatever_the_noise_the_rate_stays_up(
    share: float, wait: float, latency: float, seed: int, rate: float
) -> None:
    inner = (
        Open(steady(latency, 1.5 * latency)) if rate == math.inf else Bucket(lambda _: rate, steady(latency, latency))
    )
    trace = drive(Pace(), noise(inner, share, wait, seed), seconds=150, demand=400)
    assert got(trace, min(rate, 400), share, wait, 30, 150) >= 0.4
    assert trace.early == 0


def among_noise(requests: int) -> tuple[RateLaw, float, int]:
    """A law that was refused four times after as many requests, at whatever rate."""
    law, now, sent = RateLaw(), 0.0, 0
    for _ in range(4):
        law.begin(now, sent)
        now, sent = now + requests / law.value, sent + requests
        law.step(now, sent, 0.0)
        law.refused(now, now, 1.0)
        now += 1.0
    return law, now, sent


def test_noise_that_ends_leaves_the_search_for_a_limit_where_it_is() -> None:
    law, now, sent = among_noise(300)
    assert law.noise > 0
    law.begin(now, sent)
    for tick in range(1, 11):
        law.step(now + tick, sent + tick * 100_000, 1.0)
    assert law.noise == 0.0
    assert (law.limit, law.limit_since) == (math.inf, -math.inf)
    assert law.value > 200


def test_an_overload_among_noise_ends_the_weighing() -> None:
    law, now, _ = among_noise(300)
    before = law.value
    law.fall(now, before / 2)
    assert law.noise == 0.0
    assert law.value < before


@pytest.mark.parametrize("harsh", [False, True], ids=["plain", "harsh"])
def test_a_limit_that_is_believed_is_not_exceeded_because_of_noise(*, harsh: bool) -> None:
    refused = sent = 0
    for seed in (1, 2):
        trace = drive(Pace(), noise(bucket(harsh=harsh), 0.02, seed=seed), seconds=300)
        late = sum(at >= 120 for at in trace.refusals)
        refused, sent = refused + late, sent + late + trace.between(120, 300)
        assert got(trace, 500, 0.02, 1, 120, 300) >= 0.95
    assert refused / sent <= 0.02 + 0.007


def test_many_refusals_along_with_one_tell_a_limit() -> None:
    alone, along = Odds(), Odds()
    for _ in range(3):
        alone = alone.after(Episode(200, 0.2, 1.0, flying=100, flight=0.1, hit=1))
        along = along.after(Episode(200, 0.2, 1.0, flying=100, flight=0.1, hit=50))
    assert alone.best(1.0) > 1000
    assert along.limit == pytest.approx(500, rel=0.2)
    assert along.best(1.0) <= 1.05 * along.limit
