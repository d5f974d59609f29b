"""What of a run must not be done again once it is over.

Reads entries in their order; knows no file.
"""

from collections.abc import Iterable

from bulkmail.model import Effect
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
