"""A set of rows is a set of numbers."""

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.source.rows import Rows


@given(st.lists(st.integers(0, 500)))
def test_it_is_a_set(numbers: list[int]) -> None:
    rows, known = Rows(), set[int]()
    for number in numbers:
        assert (number in rows) == (number in known)
        assert rows.add(number) == (number not in known)
        known.add(number)
        assert number in rows
    assert len(rows) == len(known)
    assert [number for number in range(600) if number in rows] == sorted(known)
    assert repr(rows) == f"<Rows {len(known)}>"


def test_a_row_takes_a_bit() -> None:
    rows = Rows()
    for number in range(20_000):
        rows.add(number)
    assert len(rows._bits) <= 2 * 20_000 / 8


def test_a_far_row_takes_no_more_than_the_way_to_it() -> None:
    rows = Rows()
    rows.add(10_000_000)
    assert len(rows._bits) == 1_250_001
    assert 10_000_001 not in rows
    assert 9_999_999 not in rows
    assert 20_000_000 not in rows
