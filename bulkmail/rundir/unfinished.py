"""What a ledger says after a process died: what was changed, what may have been, and what must not be begun again.

Reads entries in their order; knows no file.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bulkmail.model import Effect, Ending, Made
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent, Reopened, counts
from bulkmail.rundir.heartbeat import Heartbeat


class Known(Protocol):
    """Which rows have an outcome."""

    def __contains__(self, row: int, /) -> bool: ...


class Begun(NamedTuple):
    """A change that may be under way."""

    row: int
    effect: Effect


NOT_MADE = frozenset({Ending.PLANNED, Ending.REFUSED, Ending.UNSENT})
"""Endings of changes that changed nothing."""


@dataclass(slots=True)
class Unfinished:
    """What a ledger says. `number` is that of its last change, `length` how much of the file holds.

    Of rows without an outcome, `unsettled` have a last write that may be under way, with the last heartbeat of the
    process that sent it; in those that are `barred` something was begun that must not be done again; `made` are the
    changes that were or may have been made in them, by number.

    `under_way` are all rows, finished ones too, in which any write may be carried out yet, with that heartbeat: what an
    undo finds there could still change.
    """

    number: int = 0
    length: int = 0
    counts: Counter[Ending] = field(default_factory=Counter)
    unsettled: dict[int, Heartbeat] = field(default_factory=dict)
    barred: set[int] = field(default_factory=set)
    made: dict[int, dict[int, Made]] = field(default_factory=dict)
    under_way: dict[int, Heartbeat] = field(default_factory=dict)


def unfinished(ledger: Iterable[tuple[int, ChangeEntry]], done: Known, last: Heartbeat) -> Unfinished:
    """Reads a ledger: each entry with the offset where its line ends. `done` are the rows with an outcome, `last` is
    the heartbeat of the process that wrote the end of it."""
    found = Unfinished()
    begun: dict[int, Begun] = {}
    doubtful: list[Begun] = []
    for end, entry in ledger:
        found.length = end
        match entry:
            case Reopened(before):
                _settle(found, begun, doubtful, before)
            case Intent(planned=True):
                found.number = max(found.number, entry.number)
                if entry.row in done and not entry.change.further:  # otherwise it will be planned again
                    found.counts[Ending.PLANNED] += 1
            case Intent():
                found.number = max(found.number, entry.number)
                begun[entry.number] = Begun(entry.row, entry.effect)
                if entry.row not in done:
                    found.made.setdefault(entry.row, {})[entry.number] = Made(entry.change, certain=False)
            case _:
                found.number = max(found.number, entry.number)
                _end(found, begun.pop(entry.number, None), doubtful, entry)
    _settle(found, begun, doubtful, last)
    found.unsettled = {row: beat for row, beat in found.unsettled.items() if row not in done}
    found.barred = {row for row in found.barred if row not in done}
    return found


def _end(found: Unfinished, begun: Begun | None, doubtful: list[Begun], ended: Concluded) -> None:
    found.counts[ended.ending] += counts(ended)
    made = found.made.get(ended.row, {})
    if ended.ending in NOT_MADE:
        made.pop(ended.number, None)
    elif ended.number in made:
        made[ended.number] = Made(made[ended.number].change, ended.id, ended.ending is Ending.DONE)
    if begun is not None and ended.ending is Ending.UNKNOWN:
        doubtful.append(begun)
    if begun is not None and ended.ending is Ending.DONE and begun.effect is Effect.NONE:
        found.barred.add(begun.row)


def _settle(found: Unfinished, begun: dict[int, Begun], doubtful: list[Begun], last: Heartbeat) -> None:
    """A process died, soon after its `last` heartbeat: what it had begun has no end of its own."""
    found.counts[Ending.UNKNOWN] += len(begun)
    for one in (*doubtful, *begun.values()):
        found.under_way[one.row] = last
        if one.effect is Effect.KEYED:
            found.unsettled[one.row] = last
        elif one.effect is Effect.NONE:
            found.barred.add(one.row)
    begun.clear()
    doubtful.clear()
