"""What the lost answers of a run mean once it is over: which were settled after all, and what must not be sent again.

Reads entries in their order; knows no file.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bulkmail.model import Effect, Ending
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent
from bulkmail.rundir.unfinished import NOT_MADE


def sent_once(ledger: Iterable[ChangeEntry]) -> set[int]:
    """The rows in which something was sent, or may have been, that leaves nothing to look for: sent again, it would
    arrive twice."""
    begun: dict[int, int] = {}  # number of the change to its row
    for entry in ledger:
        if isinstance(entry, Intent) and not entry.planned and entry.effect is Effect.NONE:
            begun[entry.number] = entry.row
        elif isinstance(entry, Concluded) and entry.ending in NOT_MADE:
            begun.pop(entry.number, None)
    return set(begun.values())


def in_doubt(ledger: Iterable[ChangeEntry]) -> set[int]:
    """The rows in which the answer to a change was lost."""
    lost: dict[int, int] = {}  # number of the change to its row
    for entry in ledger:
        if isinstance(entry, Intent) and not entry.planned:
            lost[entry.number] = entry.row
        elif isinstance(entry, Concluded) and entry.ending is not Ending.UNKNOWN:
            lost.pop(entry.number, None)
    return set(lost.values())


class Settled(NamedTuple):
    """Of the changes whose answers were lost: how many are `settled`, and how many of these were not counted as done
    before."""

    settled: int = 0
    newly_done: int = 0


NONE = Settled()


@dataclass(slots=True)
class _Thing:
    """One thing in one mailbox that was to be changed."""

    lost: set[int] = field(default_factory=set)  # numbers of changes without a known end
    counted: bool = False  # as a change that is done


def settled(ledger: Iterable[ChangeEntry], ok: Container[int]) -> Settled:
    """`ok` are rows of mailboxes that ended so. Such a mailbox that ended as ok was looked at
    after each answer that was lost, so what was in doubt there is done."""
    things: dict[tuple[int, str], _Thing] = {}
    keys: dict[int, tuple[int, str]] = {}
    for entry in ledger:
        if isinstance(entry, Intent) and not entry.planned and entry.row in ok:
            keys[entry.number] = key = entry.row, entry.change.key
            thing = things.setdefault(key, _Thing())
            thing.lost.add(entry.number)
            thing.counted = thing.counted or entry.change.further  # with the change that it goes on with
        elif isinstance(entry, Concluded) and entry.number in keys:
            thing = things[keys[entry.number]]
            if entry.ending is not Ending.UNKNOWN:
                thing.lost.discard(entry.number)
            thing.counted = thing.counted or entry.ending is Ending.DONE
    doubtful = [thing for thing in things.values() if thing.lost]
    return Settled(sum(len(thing.lost) for thing in doubtful), sum(not thing.counted for thing in doubtful))
