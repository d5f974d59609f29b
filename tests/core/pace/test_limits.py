"""How much of what a service would take is got, on a virtual clock against models of its limits.

The figures are shares of the whole, learning included: nothing is told to the pace beforehand.
"""

import pytest

from bulkmail.core.pace.pace import Pace
from tests.core.models import Bucket, Crowd, Latency, Open, Queue, Service, Trace, drive, noisy, steady

KINDS = pytest.mark.parametrize("harsh", [False, True], ids=["plain", "harsh"])


def bucket(
    rate: float = 500,
    *,
    harsh: bool = True,
    latency: Latency | None = None,
    burst: float = 100,
    retry_after: float = 1,
    faults: float = 0,
) -> Bucket:
    """A tenant's limit, with latencies of 50 to 150 ms unless told otherwise."""
    return Bucket(lambda _: rate, latency or steady(0.05, 0.15), burst, retry_after, harsh, faults)


def share(trace: Trace, rate: float, start: float, end: float) -> float:
    return trace.between(start, end) / (rate * (end - start))


@pytest.mark.parametrize(("latency", "seconds"), [(0.15, 6.0), (0.75, 16.0)], ids=["plain", "batch of 20"])
def test_50000_mailboxes_without_a_limit(latency: float, seconds: float) -> None:
    trace = drive(Pace(), Open(steady(latency, latency)), work=50_000)
    assert trace.end < seconds
    assert trace.top <= 4096


@pytest.mark.parametrize(("latency", "least"), [(0.005, 0.92), (0.05, 0.87), (0.2, 0.78)])
def test_the_climb_is_in_step_with_the_answers(latency: float, least: float) -> None:
    trace = drive(Pace(), Open(steady(latency, latency)), work=30_000, demand=4000)
    assert 30_000 / trace.end >= least * 4000


@KINDS
@pytest.mark.parametrize("rate", [200, 500, 2000])
def test_a_steep_climb_finds_a_limit_as_well(rate: float, harsh: bool) -> None:
    trace = drive(Pace(), bucket(rate, harsh=harsh, latency=steady(0.005, 0.03)), seconds=60)
    assert share(trace, rate, 0, 60) >= 0.93
    assert trace.refused <= 0.01
    assert trace.early == 0


@KINDS
def test_an_unknown_limit_is_found_and_used(harsh: bool) -> None:
    pace = Pace()
    trace = drive(pace, bucket(harsh=harsh), seconds=180)
    assert share(trace, 500, 0, 60) >= (0.90 if harsh else 0.93)
    assert share(trace, 500, 60, 180) >= 0.98
    assert trace.refused <= 0.01
    assert trace.early == 0
    assert pace.statistics().limit == pytest.approx(500, rel=0.01)
    assert pace.statistics().mode == "hover"


@KINDS
def test_a_limit_that_moves_is_followed(harsh: bool) -> None:
    service = Bucket(lambda now: (500, 200, 800)[min(2, int(now / 120))], steady(0.05, 0.15), harsh=harsh)
    trace = drive(Pace(), service, seconds=360)
    assert share(trace, 500, 0, 360) >= 0.90
    assert trace.early == 0


@pytest.mark.parametrize(
    ("rate", "seconds", "least"), [(20, 120, 0.95), (100, 120, 0.95), (2000, 60, 0.90), (5000, 30, 0.8)]
)
def test_small_and_large_limits(rate: float, seconds: float, least: float) -> None:
    trace = drive(Pace(), bucket(rate), seconds=seconds)
    assert share(trace, rate, 0, seconds) >= least
    assert trace.early == 0


@pytest.mark.parametrize(("burst", "least"), [(10, 0.94), (500, 0.96), (2000, 0.97)])
def test_shallow_and_deep_bursts(burst: float, least: float) -> None:
    trace = drive(Pace(), bucket(harsh=False, burst=burst), seconds=120)
    assert share(trace, 500, 0, 120) >= least
    assert trace.refused <= 0.02


@pytest.mark.parametrize("wait", [5.0, 30.0])
def test_a_long_retry_after_is_paid_for_twice_at_most(wait: float) -> None:
    trace = drive(Pace(), bucket(retry_after=wait), seconds=240)
    assert share(trace, 500, 0, 240) >= 0.94 - 2 * wait / 240
    assert trace.early == 0


def test_noisy_latencies_make_little_difference() -> None:
    trace = drive(Pace(), bucket(latency=noisy(0.1, 0.7)), seconds=120)
    assert share(trace, 500, 0, 60) >= 0.90
    assert share(trace, 500, 60, 120) >= 0.96
    assert trace.early == 0


def test_faults_that_have_nothing_to_do_with_load_cost_only_themselves() -> None:
    trace = drive(Pace(), bucket(faults=0.01), seconds=120)
    assert share(trace, 500, 60, 120) >= 0.95
    assert drive(Pace(), Open(steady(0.1, 0.2), faults=0.01), work=50_000).end < 6.5


@pytest.mark.parametrize(("servers", "seconds"), [(100, 0.1), (20, 0.3)])
def test_a_queue_is_kept_busy_and_short(servers: int, seconds: float) -> None:
    pace = Pace()
    trace = drive(pace, Queue(servers, seconds), seconds=60)
    assert share(trace, servers / seconds, 0, 60) >= 0.95
    assert pace.statistics().window <= max(128, 2 * servers)
    assert trace.top <= 512


@pytest.mark.parametrize(("places", "most"), [(4, 0.03), (50, 0.01), (300, 0.01)])
def test_a_limit_on_what_is_in_flight_is_respected(places: int, most: float) -> None:
    trace = drive(Pace(), Crowd(places, steady(0.05, 0.15)), seconds=60)
    assert share(trace, places / 0.1, 0, 60) >= 0.88
    assert trace.refused <= most


def test_refusals_that_a_narrower_window_does_not_thin_do_not_close_it() -> None:
    trace = drive(Pace(), Open(steady(0.1, 0.2), faults=0.05, fault="crowded"), work=50_000)
    assert trace.end < 8
    rare = drive(Pace(), Open(steady(0.1, 0.2), faults=0.002, fault="crowded"), work=50_000)
    assert rare.end < 35, "it takes a while to be sure of, and no more"


@pytest.mark.parametrize("service", [Open(steady(0.1, 0.2)), bucket(500)], ids=["open", "limited"])
def test_a_slow_client_is_not_held_back(service: Service) -> None:
    trace = drive(Pace(), service, seconds=30, demand=300)
    assert share(trace, 300, 5, 30) >= 0.97
    assert trace.refused == 0
