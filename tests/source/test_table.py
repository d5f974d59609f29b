"""Lines that need no csv.reader are read as it reads them, and the others are where they would be without them."""

import csv
from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.source.lines import LONGEST
from bulkmail.source.table import Broken, Chunk, _plainly, read_table

LETTERS = st.text('aé@.,;\t "\x00\x0b\u2028', max_size=4)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
LINES = st.lists(st.one_of(LETTERS, st.just("ada@contoso.com")), min_size=1, max_size=6)


def by_csv(lines: list[str], delimiter: str) -> list[list[str]]:
    return list(csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True))


@given(texts=LINES, end=ENDS, delimiter=st.sampled_from(",;\t"), open_end=st.booleans())
def test_lines_that_are_read_plainly_are_what_csv_makes_of_them(
    texts: list[str], end: str, delimiter: str, *, open_end: bool
) -> None:
    text = end.join(texts) + ("" if open_end else end)
    lines = StringIO(text, newline="").readlines()
    if found := _plainly(lines, delimiter):
        assert list(map(list, found)) == by_csv(lines, delimiter)


def test_one_cell_a_line_is_read_plainly_and_nothing_else() -> None:
    assert _plainly(["a@x\n", "b@x\r\n", "c@x\r", "d@x"], ",") == [("a@x",), ("b@x",), ("c@x",), ("d@x",)]
    for odd in ("\n", " a@x\n", "a b\n", 'a"b\n', "a,b\n", "x" * csv.field_size_limit() + "\n"):
        assert _plainly(["a@x\n", odd], ",") == ()


def shown(chunks: list[Chunk]) -> list[list[str]]:
    return [[f"this row {row.why}"] if isinstance(row, Broken) else list(row) for chunk in chunks for row in chunk]


PART = LONGEST // 4


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(["a@x", "b@x", "", "a b", '"A" B', '"c,d"', "long"]), max_size=8),
    st.integers(1, 5),
)
def test_every_row_is_in_its_place_whatever_its_neighbours_are(rows: list[str], size: int) -> None:
    long, broken = "this row is longer than 1,048,576 characters", "this row has quotes that do not match"
    expected = {"": [], "long": [long], '"A" B': [broken], '"c,d"': ["c,d"]}
    text = "".join(("x" * LONGEST if row == "long" else row) + "\n" for row in ("mail", *rows))
    blocks = [text[start : start + PART] for start in range(0, len(text), PART)]
    chunks = list(read_table(blocks, iter(lambda: size, 0)).below)
    assert shown(chunks) == [expected.get(row, [row]) for row in rows]
    assert [len(chunk) for chunk in chunks[:-1]] == [size] * (len(chunks) - 1)


@given(st.integers(0, 20), st.sampled_from(["a@x", '"A" B', "x" * LONGEST, '"a\nb"']))
def test_a_quote_that_is_not_closed_is_told_with_its_line(rows: int, odd: str) -> None:
    text = "mail\n" + "a@x\n" * rows + odd + "\n" + "a@x\n" * 3 + '"a\n' + "b@x\n"
    line = rows + 6 + odd.count("\n")
    with pytest.raises(InputError, match=f"in line {line} has a quote that is not closed"):
        list(read_table([text], iter(lambda: 7, 0)).below)


@given(st.lists(st.sampled_from(["a@x", "", '"A" B', '"c,d"']), max_size=8), st.integers(1, 5))
def test_rows_before_the_place_where_an_input_breaks_off_are_given(rows: list[str], size: int) -> None:
    def blocks() -> Iterator[str]:
        yield "".join(row + "\n" for row in ("mail", *rows))
        raise OSError("the input is gone")

    found: list[Chunk] = []
    with pytest.raises(OSError, match="the input is gone"):
        found.extend(read_table(blocks(), iter(lambda: size, 0)).below)
    assert len(shown(found)) == len(rows)
