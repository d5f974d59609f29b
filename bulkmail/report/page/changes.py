"""The changes of a run out of its ledger: those that are most frequent, and the first ones, each with before and after.

The ledger is read once; of changes only those that are shown or still open are held.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from bulkmail.model import Change, Ending
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent
from bulkmail.sink.plain import text

Hide: TypeAlias = Callable[[str], str]

FIRST = 50
"""Changes that are shown one by one."""

TOP = 15
"""Kinds of changes that are shown with their number."""

KINDS = 1000
"""Kinds that are told apart."""

CUT = 100
"""Characters kept of a value."""

MEMBERS = 8
"""Members that are shown of one change."""


class Step(NamedTuple):
    """One thing that becomes another: a member of a change, by its path; empty texts stand for nothing there."""

    member: str
    before: str
    after: str


@dataclass(slots=True)
class Shown:
    """A change with its parts, and what became of it."""

    mailbox: str
    key: str
    steps: tuple[Step, ...]
    ending: str


@dataclass(frozen=True, slots=True)
class Changes:
    """`frequent` are steps with the number of changes that have them; `number` is how many changes there are."""

    first: tuple[Shown, ...]
    frequent: tuple[tuple[Step, int], ...]
    number: int


def changes_of(ledger: Iterable[ChangeEntry], hide: Hide = str) -> Changes:
    """Reads a ledger. What a change goes on with (`further`) counts as one with it. `hide` masks a text, before it is
    cut: half an address is one, too."""
    first: dict[int, Shown] = {}
    still_open: dict[int, Change] = {}
    frequent: Counter[Step] = Counter()
    number = 0
    for entry in ledger:
        match entry:
            case Intent(change=Change(further=True)):
                pass
            case Intent(change=change):
                number += 1
                if len(first) < FIRST:
                    ending = str(Ending.PLANNED) if entry.planned else "open"
                    first[entry.number if not entry.planned else -number] = Shown(
                        entry.mailbox, change.key, tuple(islice(steps(change, hide), MEMBERS)), ending
                    )
                if entry.planned:
                    _count(frequent, change, hide)
                else:
                    still_open[entry.number] = change
            case Concluded(of, _, ending, _, further):
                if of in first and not further:
                    first[of].ending = str(ending)
                done = still_open.pop(of, None)
                if done is not None and ending in (Ending.DONE, Ending.UNKNOWN):
                    _count(frequent, done, hide)
            case _:
                pass
    return Changes(tuple(first.values()), tuple(frequent.most_common(TOP)), number)


def steps(change: Change, hide: Hide = str) -> Iterator[Step]:
    """The members that differ; one for a thing that has none."""
    before, after = change.before, change.after
    if not (isinstance(before, Mapping | None) and isinstance(after, Mapping | None)):
        yield Step("", _cut(before, hide), _cut(after, hide))
        return
    one, other = dict(_members(before or {})), dict(_members(after or {}))
    for name in dict.fromkeys((*one, *other)):
        if one.get(name) != other.get(name):
            yield Step(name, _cut(one.get(name), hide), _cut(other.get(name), hide))


def _count(frequent: Counter[Step], change: Change, hide: Hide) -> None:
    for step in steps(change, hide) if change.before is not None and change.after is not None else [_whole(change)]:
        if step in frequent or len(frequent) < KINDS:
            frequent[step] += 1


def _whole(change: Change) -> Step:
    """A thing that is made or deleted, by its kind."""
    made = change.before is None
    return Step(change.key.partition(":")[0], "" if made else "there", "made" if made else "")


def _members(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        at = f"{path}.{name}" if path else str(name)
        if isinstance(inner, Mapping) and inner:
            yield from _members(inner, at)
        else:
            yield at, inner


def _cut(value: Any, hide: Hide) -> str:
    shown = hide(text(value))
    return shown if len(shown) <= CUT else f"{shown[: CUT - 1]}…"
