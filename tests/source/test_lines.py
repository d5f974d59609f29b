"""Lines are those that a text has, wherever its blocks end, and chunks lose nothing to an error."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.source.chunks import chunks, fatal
from bulkmail.source.lines import LONGEST, Lines, LineTooLong


def read(lines: Lines) -> list[str]:
    """With nothing in the place of a line that is too long."""
    found: list[str] = []
    while True:
        try:
            found.extend(lines)
        except LineTooLong:
            found.append("")
        else:
            return found


def blocks(text: str, ends: Sequence[int]) -> list[str]:
    places = [0, *sorted(end % (len(text) + 1) for end in ends), len(text)]
    places = [place for place in places if text[place - 1 : place + 1] != "\r\n"]
    return [text[start:end] for start, end in pairwise(places)]


@given(text=st.text("ab\n\r\x0b\u2028", max_size=40), ends=st.lists(st.integers(0, 40), max_size=6))
def test_lines_are_those_of_the_text(text: str, ends: list[int]) -> None:
    lines = Lines(blocks(text, ends))
    assert read(lines) == StringIO(text, newline="").readlines()
    assert lines.ended


HALF = "x" * (LONGEST // 2 - 1)
PIECES = st.sampled_from(["a", "\n", "\n", "\r", "\r\n", HALF, "x" * (LONGEST - 2)])


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_a_line_over_the_limit_is_skipped_and_no_other(pieces: list[str]) -> None:
    text = "".join(pieces)
    plain = StringIO(text, newline="").readlines()
    lines = Lines(blocks(text, range(0, len(text), LONGEST // 2 - 7)))
    assert read(lines) == [line if len(line) <= LONGEST else "" for line in plain]


class Stumbling(Iterator[int]):
    """Counts up to an end, and stumbles over some numbers."""

    def __init__(self, end: int, over: dict[int, Exception]) -> None:
        self._numbers = iter(range(end))
        self._over = over

    def __next__(self) -> int:
        number = next(self._numbers)
        if number in self._over:
            raise self._over[number]
        return number


@given(end=st.integers(0, 12), over=st.sets(st.integers(0, 12)), size=st.integers(1, 5))
def test_what_is_mended_stands_in_its_place(end: int, over: set[int], size: int) -> None:
    items = Stumbling(end, dict.fromkeys(over, csv.Error("no")))
    found = list(chunks(items, iter(lambda: size, 0), lambda _, above: -1 - len(above)))
    assert [len(chunk) for chunk in found[:-1]] == [size] * (len(found) - 1)
    assert all(found)
    expected = [-1 - number % size if number in over else number for number in range(end)]
    assert [item for chunk in found for item in chunk] == expected


@pytest.mark.parametrize("error", [OSError("no"), csv.Error("no")])
def test_an_error_comes_behind_the_items_before_it(error: Exception) -> None:
    found = chunks(Stumbling(9, {4: error}), [3, 3, 3], fatal)
    assert [next(found), next(found)] == [[0, 1, 2], [3]]
    with pytest.raises(type(error)):
        next(found)


def test_no_more_is_taken_than_asked_for() -> None:
    numbers = Stumbling(9, {})
    assert list(chunks(numbers, [2, 1], fatal)) == [[0, 1], [2]]
    assert next(numbers) == 3


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_end_of_a_line_belongs_to_it(end: str) -> None:
    longest = "x" * (LONGEST - len(end)) + end
    assert read(Lines(blocks(longest, range(0, LONGEST, LONGEST // 2 - 7)))) == [longest]
    assert read(Lines(blocks("x" + longest, range(0, LONGEST, LONGEST // 2 - 7)))) == [""]
