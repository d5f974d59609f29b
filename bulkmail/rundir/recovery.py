"""Finds out how far a run got that was stopped or killed. Reads its directory; changes nothing and sends nothing.

What the journal says is done is done. Behind its last outcome, rows that were written and not committed do not count.
Mailboxes that did not run have outcomes at the end of the journal; these do not count either, since they will run now.
A process that goes on cuts the files back to the lengths that are found here; a kill in between is only another kill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Chunks, Mailbox, Status
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.totals import Totals
from bulkmail.rundir.unfinished import Unfinished
from bulkmail.source.rows import Rows


@dataclass(slots=True)
class Recovered:
    """Where a run stands. `length` is how much of its journal holds, `lengths` how much of each file of rows."""

    done: Rows = field(default_factory=Rows)
    totals: Totals = field(default_factory=Totals)
    length: int = 0
    lengths: Mapping[str, int] = field(default_factory=dict)
    changes: Unfinished = field(default_factory=Unfinished)


def recover(run: RunDir) -> Recovered:
    """Reads a run directory. Raises Damaged for a journal in which something is not as it was written. Blocks."""
    found, at_end = Recovered(), False
    for end, (outcome, lengths) in run.committed():
        if outcome.status is Status.NOT_RUN:
            at_end = True
            continue
        row = outcome.mailbox.row
        if at_end or not found.done.add(row):
            raise Damaged(f"{run.path / OUTCOMES}: has a second outcome for row {row}, before byte {end:,}")
        found.totals.add(outcome)
        found.length, found.lengths = end, lengths
    found.changes = run.unfinished(found.done)
    return found


async def check_rows(run: RunDir, done: Rows, source: Chunks) -> None:
    """Raises InputError unless every row that is done still names the mailbox that it named then."""
    addresses = {one.mailbox.row: _folded(one.mailbox) for one in run.outcomes() if one.mailbox.row in done}
    async for chunk in source:
        for row in chunk:
            then = addresses.pop(row.row, None)
            if then is not None and not (isinstance(row, Mailbox) and _folded(row) == then):
                raise InputError(f"row {row.row} of the input names another mailbox than when it was done", hint=_ANEW)
    if addresses:
        raise InputError(f"row {min(addresses)} of the input is done, and no longer there", hint=_ANEW)


def _folded(mailbox: Mailbox) -> int:
    """A mailbox is the same however its address is capitalized; a hash of it takes less room than the text."""
    return hash(mailbox.address.casefold())


_ANEW = "Rows may be added at the end, or corrected where nothing was done; otherwise start a new run."
