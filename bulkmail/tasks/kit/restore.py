"""Decides what taking back a change comes to, by what stands there now, and reports it as a row. Sends nothing.

Only what still stands as the run left it is taken back: what was changed since then belongs to someone else.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from bulkmail.model import Change, Row

T = TypeVar("T")


class Result(StrEnum):
    """What became of a change; `task.declare.UNDO_COLUMNS` explains them to users."""

    RESTORED = "restored"
    ALREADY = "already"
    CHANGED = "changed"
    GONE = "gone"
    KEPT = "kept"


def judged(*, as_before: bool, as_left: bool, there: bool = True) -> Result:
    """Whether it is as it was before the run, or else as the run left it, or else neither."""
    if as_before:
        return Result.ALREADY
    if as_left:
        return Result.RESTORED
    return Result.CHANGED if there else Result.GONE


def result_of(change: Change, there: T | None, holds: Callable[[T, Any], bool]) -> Result:
    """The result for one item; None stands for an item that is not there, before, after or now. `holds` compares an
    item with a value of the change."""

    def stands(value: Any) -> bool:
        return value is None if there is None else value is not None and holds(there, value)

    return judged(as_before=stands(change.before), as_left=stands(change.after), there=there is not None)


def row(key: str, result: Result, *, restored: Any = None, found: Any = None) -> Row:
    """The row of one change. `restored` is told only where something was restored, `found` only where it was left."""
    return {
        "key": key,
        "result": result.value,
        "restored": restored if result is Result.RESTORED else None,
        "found": found if result in (Result.CHANGED, Result.KEPT) else None,
    }
