"""Sums up what a run made of each thing in a mailbox, so that it is taken back in one step. Knows no task.

A thing may have been changed more than once: in one run, or because a run was stopped and went on. Where changes hold
parts of a thing, such as the fields of a contact, their parts are laid over each other.
"""

from collections.abc import Sequence
from typing import Any

from bulkmail.model import Change, Made


def summed(made: Sequence[Made]) -> list[Change]:
    """One change for each key, from what stood there first to what stood there last; `made` has the latest first, and
    so has the result."""
    found: dict[str, Change] = {}
    for change, _, _ in made:
        later = found.get(change.key)
        found[change.key] = change if later is None else _joined(change, later)
    return list(found.values())


def told_before(made: Sequence[Made]) -> dict[str, Change]:
    """By key, what a process of this run changed before it died; `made` has the earliest first."""
    return {change.key: change for change in summed(made[::-1])}


def _joined(earlier: Change, later: Change) -> Change:
    before = None if earlier.before is None else _laid(later.before, earlier.before)
    after = None if later.after is None else _laid(earlier.after, later.after)
    return Change(later.key, before, after)


def _laid(below: Any, above: Any) -> Any:
    """The parts of both, those of `above` first; what has no parts gives way to it."""
    return {**below, **above} if isinstance(below, dict) and isinstance(above, dict) else above
