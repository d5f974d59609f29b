"""Many workers under one limit that none of them knows, on a virtual clock: one law at the coordinator, and words that
are late, lost or doubled between it and them."""

from collections.abc import Sequence

import pytest

from tests.cluster.crew import Crew
from tests.core.models import Bucket, steady

LIMIT = 500.0
MINUTE = 60.0


def crew(workers: int, delay: float, *, harsh: bool = False, lost: float = 0.0, rate: float | None = None) -> Crew:
    service = Bucket(lambda _: LIMIT, steady(0.05, 0.15), harsh=harsh)
    return Crew(workers, service, delay, lost, doubled=lost / 2, rate=rate)


@pytest.mark.parametrize("harsh", [False, True], ids=["plain", "harsh"])
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_workers_find_an_unknown_limit_together_and_use_it(workers: int, harsh: bool) -> None:
    """From the first request on, with learning; all that is sent while the others are told counts as refused."""
    found = crew(workers, 0.002, harsh=harsh).drive(MINUTE)
    assert len(found.good) >= 0.90 * LIMIT * MINUTE
    assert found.share_refused <= 0.01


@pytest.mark.parametrize("workers", [2, 8])
def test_words_that_are_slow_cost_little(workers: int) -> None:
    found = crew(workers, 0.05, harsh=True).drive(MINUTE)
    assert len(found.good) >= 0.90 * LIMIT * MINUTE
    assert found.share_refused <= 0.01


@pytest.mark.parametrize("workers", [1, 8])
def test_words_that_are_lost_are_made_up_for(workers: int) -> None:
    """A worker that did not hear is told by the service itself."""
    found = crew(workers, 0.002, harsh=True, lost=0.2).drive(MINUTE)
    assert len(found.good) >= 0.90 * LIMIT * MINUTE
    assert found.share_refused <= 0.01


def idle(half: Sequence[int], since: float, until: float) -> "Crew":
    def look(crew: Crew, now: float) -> None:
        for one in half:
            crew.crew[one].demand = 0.0 if since <= now < until else float("inf")

    found = crew(8, 0.002)
    found.look = look
    return found


def test_what_idle_workers_leave_is_soon_used_by_the_others_and_given_back() -> None:
    found = idle(range(4), 30.0, 45.0).drive(MINUTE)
    assert found.between(32.0, 45.0) >= 0.90 * LIMIT * 13
    assert found.between(47.0, 60.0) >= 0.90 * LIMIT * 13
    assert min(one.sent for one in found.crew[:4]) >= 0.9 * LIMIT / 8 * 40
    assert found.share_refused <= 0.01


def test_a_rate_of_the_job_is_never_exceeded_and_follows_those_that_are_busy() -> None:
    found = crew(8, 0.05, rate=100.0)
    for one in found.crew[2:]:
        one.demand = 1.0
    found.drive(MINUTE)
    assert not found.refused
    assert 0.9 * 100 * MINUTE <= found.sent <= 1.02 * 100 * MINUTE


@pytest.mark.parametrize("workers", [2, 4])
def test_each_keeps_about_the_same_share(workers: int) -> None:
    found = crew(workers, 0.002).drive(MINUTE)
    assert min(one.sent for one in found.crew) * workers >= 0.8 * found.sent
