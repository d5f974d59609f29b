"""Reads a ledger: what was changed, what may have been, and what must not be begun again. Changes nothing."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bulkmail.model import Change, Effect, Ending, Made
from bulkmail.rundir import heartbeat as alive
from bulkmail.rundir.folder import ALIVE, CHANGES
from bulkmail.rundir.journal import read
from bulkmail.rundir.ledger import INTENDED, REOPENED, counts
from bulkmail.source.rows import Rows


class Begun(NamedTuple):
    """A change that may be under way."""

    row: int
    effect: str


NOT_MADE = frozenset({Ending.PLANNED, Ending.REFUSED, Ending.UNSENT})
"""Endings of changes that changed nothing."""


@dataclass(slots=True)
class Recalled:
    """What a ledger says. `number` is that of its last change, `length` how much of the file holds.

    Of rows without an outcome, `unsettled` have a last write that may be under way, with the latest moment at which it
    can have left; in those that are `barred` something was begun that must not be done again; `made` are the changes
    that were or may have been made in them, by number.
    """

    number: int = 0
    length: int = 0
    counts: Counter[Ending] = field(default_factory=Counter)
    unsettled: dict[int, alive.Moment] = field(default_factory=dict)
    barred: set[int] = field(default_factory=set)
    made: dict[int, dict[int, Made]] = field(default_factory=dict)


def recall(folder: Path, done: Rows) -> Recalled:
    """The ledger of a run; `done` are its rows with an outcome. Raises Damaged. Blocks."""
    found = Recalled()
    begun: dict[int, Begun] = {}
    doubtful: list[Begun] = []
    for end, entry in read(folder / CHANGES):
        found.length = end
        if entry["state"] == REOPENED:
            _settle(found, begun, doubtful, entry["last_sign"])
            continue
        number = entry["change"]
        found.number = max(found.number, number)
        if entry["state"] == INTENDED:
            begun[number] = Begun(entry["row"], entry["effect"])
            if entry["row"] not in done:
                change = Change(entry["key"], entry["before"], entry["after"])
                found.made.setdefault(entry["row"], {})[number] = Made(change, certain=False)
        else:
            _end(found, begun.pop(number, None), doubtful, entry, done)
    _settle(found, begun, doubtful, alive.last_sign(folder / ALIVE))
    found.unsettled = {row: moment for row, moment in found.unsettled.items() if row not in done}
    found.barred = {row for row in found.barred if row not in done}
    return found


def _end(found: Recalled, begun: Begun | None, doubtful: list[Begun], entry: dict[str, Any], done: Rows) -> None:
    ending = Ending(entry["state"])
    if ending is not Ending.PLANNED or entry["row"] in done:  # otherwise it will be planned again
        found.counts[ending] += counts(entry)
    made = found.made.get(entry["row"], {})
    if ending in NOT_MADE:
        made.pop(entry["change"], None)
    elif entry["change"] in made:
        change = made[entry["change"]].change
        made[entry["change"]] = Made(change, entry.get("id", ""), ending is Ending.DONE)
    if begun is not None and ending is Ending.UNKNOWN:
        doubtful.append(begun)
    if begun is not None and ending is Ending.DONE and begun.effect == Effect.NONE:
        found.barred.add(begun.row)


def _settle(found: Recalled, begun: dict[int, Begun], doubtful: list[Begun], last: alive.Moment) -> None:
    """A process died, at the `last` moment at the latest: what it had begun has no end of its own."""
    found.counts[Ending.UNKNOWN] += len(begun)
    for one in (*doubtful, *begun.values()):
        if one.effect == Effect.KEYED:
            found.unsettled[one.row] = last
        elif one.effect == Effect.NONE:
            found.barred.add(one.row)
    begun.clear()
    doubtful.clear()
