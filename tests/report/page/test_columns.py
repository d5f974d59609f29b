"""Of each column is told what a reader wants: frequent values, the spread of numbers, and no private texts."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.report.page.columns import KINDS, MOST, SAMPLE, TOP, Column, Columns, Value


def of(*values: Any, **more: Any) -> Column:
    columns = Columns()
    for value in values:
        columns.add({"column": value, **more})
    return next(columns.columns())


def test_frequent_values_come_first_and_the_rest_is_counted() -> None:
    letters = [letter for place, letter in enumerate("abcdefghij") for _ in range(20 - place)]
    column = of(*letters, None, "")
    assert column.kind == "values"
    assert column.values[0] == Value("a", 20)
    assert (len(column.values), column.others, column.distinct) == (TOP, 11 + 12, 10)
    assert (column.filled, column.rows) == (len(letters), len(letters) + 2)


def test_numbers_are_spread() -> None:
    column = of(*range(100))
    assert (column.kind, column.numbers[0], column.numbers[-1]) == ("numbers", 0, 99)
    assert of(1, 2, 2, 1).kind == "values"
    assert of(*range(50), "many").kind == "many"


def test_of_many_numbers_a_fair_sample_is_kept() -> None:
    column = of(*range(3 * SAMPLE))
    assert len(column.numbers) == SAMPLE
    assert 1.4 * SAMPLE < column.numbers[SAMPLE // 2] < 1.6 * SAMPLE


def test_peoples_own_words_are_not_shown() -> None:
    for text in ("x" * 61, "two\nlines", "I am away until Monday, write to my colleagues"):
        column = of("short", text)
        assert (column.kind, column.values) == ("texts", ())
    assert of("English (United States)", "W. Europe Standard Time").kind == "values"


def test_what_is_nearly_always_different_or_the_same_has_no_picture() -> None:
    assert of(*(f"id {number}" for number in range(100))).kind == "many"
    assert of(*["UTC"] * 9).kind == "same"
    assert of(None, "", []).kind == "empty"


def test_lists_booleans_and_objects() -> None:
    assert of(["a", "b"], ["a", "b"]).values == (Value("a; b", 2),)
    assert of(True, False, True).values == (Value("true", 2), Value("false", 1))
    assert of({"a": 1}, {"a": 1}).values == (Value('{"a":1}', 2),)


def test_it_stays_small_whatever_comes() -> None:
    columns = Columns(leave_out=["mailbox"])
    for number in range(3 * KINDS):
        columns.add({"mailbox": number, "id": f"{number}", f"column {number}": 1})
    found = list(columns.columns())
    assert len(found) == MOST
    assert found[0].distinct == KINDS


def test_columns_come_as_they_are_declared() -> None:
    columns = Columns({"b": "second letter", "a": "first"})
    columns.add({"a": 1, "c": 1, "b": 1})
    assert [(one.name, one.meaning) for one in columns.columns()] == [("b", "second letter"), ("a", "first"), ("c", "")]


@given(st.lists(st.sampled_from(["a", "b", 1, True, None, 2.5])))
def test_no_row_is_lost(values: list[Any]) -> None:
    if not values:
        return
    column = of(*values)
    counted = Counter(value for value in values if value is not None)
    assert column.filled == counted.total()
    if column.kind in ("values", "same"):
        assert sum(value.rows for value in column.values) + column.others == column.filled
