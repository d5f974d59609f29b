"""Another worker is asked for when all that there are have been busy for some seconds, and never one too many."""

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.cluster.growth import LONG, Growth

BUSY, CALM = 0.95, 0.4


def asked(growth: Growth, seconds: int, share: float, workers: int | None = None) -> list[int]:
    """The seconds at which one was asked for, when each that is wanted comes at once."""
    return [now for now in range(seconds) if growth.look(float(now), [share] * (workers or growth.wanted))]


def test_busy_workers_get_one_more_at_a_time() -> None:
    growth = Growth(1, 3)
    assert asked(growth, 60, BUSY) == [int(LONG), 2 * int(LONG) + 1]
    assert growth.wanted == 3


def test_workers_that_wait_for_the_service_stay_as_many_as_they_are() -> None:
    growth = Growth(2, 8)
    assert asked(growth, 60, CALM) == []
    assert growth.wanted == 2


def test_the_one_that_was_asked_for_has_to_come_first() -> None:
    growth = Growth(2, 8)
    assert asked(growth, 60, BUSY, workers=1) == []


def test_a_moment_is_not_enough() -> None:
    growth = Growth(1, 8)
    shares = [BUSY if now % 4 else CALM for now in range(60)]
    assert not any(growth.look(float(now), [share]) for now, share in enumerate(shares))


def test_nothing_is_asked_for_when_nothing_is_left() -> None:
    growth = Growth(1, 8)
    assert not any(growth.look(float(now), []) for now in range(60))


@given(st.integers(1, 5), st.integers(0, 5), st.lists(st.lists(st.floats(0, 1.2), max_size=6), max_size=80))
def test_never_more_than_the_most(begin: int, more: int, seen: list[list[float]]) -> None:
    growth = Growth(begin, begin + more)
    for now, shares in enumerate(seen):
        growth.look(float(now), shares)
        assert begin <= growth.wanted <= begin + more
