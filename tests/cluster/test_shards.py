"""A shard is what its worker has shown to begin in a second, and no worker has more than its share of what is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.cluster.shards import FIRST, LARGEST, SECONDS, Shard, share

COUNTS = st.integers(0, 10_000)


def test_a_worker_of_which_nothing_is_known_has_few() -> None:
    assert Shard().next(123.0) == FIRST


@pytest.mark.parametrize(
    ("rows", "lasted", "follow"),
    [(100, 0.5, 200), (100, 1.0, 100), (100, 4.0, 25), (100, 0.001, 200), (400, 0.0, LARGEST), (1, 600.0, 1)],
)
def test_the_next_shard_lasts_a_second_as_far_as_the_last_one_tells(rows: int, lasted: float, follow: int) -> None:
    assert SECONDS == 1.0
    assert Shard(rows, 50.0).next(50.0 + lasted) == follow


def test_a_fast_worker_soon_has_as_many_as_there_are_at_a_time() -> None:
    rows, asked = 0, 0
    while rows < LARGEST:
        rows, asked = Shard(rows, 1.0).next(1.0), asked + 1
    assert asked <= 8


def test_a_worker_that_came_first_does_not_take_a_short_list_alone() -> None:
    left, held = 60, 0
    while given := share(LARGEST, left, held, 0, 2):
        held += given
    assert held == 30


def test_shards_shrink_with_what_is_left() -> None:
    given = [share(LARGEST, left, 10, 10, 2) for left in (100_000, 2_000, 400, 60, 24)]
    assert given == [LARGEST, 495, 95, 10, 1]


@given(COUNTS, COUNTS, COUNTS, st.integers(1, 64), st.integers(1, LARGEST))
def test_one_that_holds_nothing_gets_a_row_and_none_gets_more_than_it_wants(
    unread: int, held: int, others: int, workers: int, wanted: int
) -> None:
    for left in (unread + held + others, None):
        given = share(wanted, left, held, others, workers)
        assert 0 <= given <= wanted
        assert given or held


@given(st.lists(COUNTS, min_size=1, max_size=8), st.integers(1, 10_000))
def test_while_rows_are_unread_some_worker_may_have_one(held: list[int], unread: int) -> None:
    left = unread + sum(held)
    assert any(share(1, left, one, sum(held) - one, len(held)) for one in held)
