"""What a run changed, by kind, out of its ledger: made, updated, deleted, in how many mailboxes. Only counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bulkmail.model import Change, Ending
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent
from bulkmail.source.rows import Rows

_KINDS = ("created", "updated", "deleted")


@dataclass(frozen=True, slots=True)
class Written:
    """Changes that were planned or done, by kind, and the mailboxes that they are in. `settled` are those whose answer
    was lost and whose mailbox ended well all the same: the task looked, and found what it had wanted."""

    kinds: dict[str, int]
    mailboxes: int = 0
    settled: int = 0


def written(ledger: Iterable[ChangeEntry], done: Callable[[int], bool], not_ok: Rows) -> Written:
    """Reads a ledger, in a byte for each change. `done` tells whether a row has an outcome; `not_ok` are those that did
    not end as ok."""
    kinds = [0] * len(_KINDS)
    begun, touched, settled = bytearray(), Rows(), 0
    for entry in ledger:
        match entry:
            case Intent(planned=True) if done(entry.row) and not entry.change.further:
                kinds[_kind(entry.change)] += 1
                touched.add(entry.row)
            case Intent():
                begun.extend(bytes(max(0, entry.number + 1 - len(begun))))
                begun[entry.number] = 0 if entry.change.further else 1 + _kind(entry.change)
            case Concluded(number, row, ending) if number < len(begun) and begun[number]:
                sure = ending is Ending.UNKNOWN and done(row) and row not in not_ok
                settled += sure
                if sure or ending is Ending.DONE:
                    kinds[begun[number] - 1] += 1
                    touched.add(row)
            case _:
                pass
    return Written({name: number for name, number in zip(_KINDS, kinds, strict=True) if number}, len(touched), settled)


def _kind(change: Change) -> int:
    if change.before is None:
        return 0
    return 2 if change.after is None else 1
