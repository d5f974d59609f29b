"""What taking back comes to, for each way in which an item can stand."""

import operator
from typing import Any

import pytest

from bulkmail.model import Change
from bulkmail.tasks.kit.restore import Result, result_of, row


@pytest.mark.parametrize(
    ("before", "after", "now", "result"),
    [
        (None, 1, None, Result.ALREADY),  # made by the run, and deleted since
        (None, 1, 1, Result.RESTORED),  # is deleted
        (None, 1, 2, Result.CHANGED),
        (1, 2, None, Result.GONE),
        (1, 2, 1, Result.ALREADY),
        (1, 2, 2, Result.RESTORED),  # is put back
        (1, 2, 3, Result.CHANGED),
        (1, None, None, Result.RESTORED),  # is made again
        (1, None, 1, Result.ALREADY),
        (1, None, 2, Result.CHANGED),
    ],
)
def test_the_result(before: Any, after: Any, now: Any, result: Result) -> None:
    assert result_of(Change("x", before, after), now, operator.eq) is result


def test_a_row_tells_what_was_restored_or_what_was_found() -> None:
    assert row("k", Result.RESTORED, restored=1, found=2) == {
        "key": "k", "result": "restored", "restored": 1, "found": None,
    }  # fmt: skip
    assert row("k", Result.CHANGED, restored=1, found=2)["found"] == 2
    assert row("k", Result.KEPT, restored=1, found=2)["restored"] is None
    assert row("k", Result.GONE, restored=1, found=2) == {
        "key": "k", "result": "gone", "restored": None, "found": None,
    }  # fmt: skip
