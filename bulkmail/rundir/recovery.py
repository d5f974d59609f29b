"""Finds out how far a run got that was stopped or killed. Reads its directory; changes nothing and sends nothing.

What the journal says is done is done. Behind its last outcome, rows that were written and not committed do not count.
Mailboxes that did not run have outcomes at the end of the journal; these do not count either, since they will run now.
A mailbox without an outcome begins at its last checkpoint, whose rows count.
A process that goes on cuts the files back to the lengths that are found here; a kill in between is only another kill.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Chunks, Mailbox, Status
from bulkmail.rundir.entries import Committed, Reached
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
    reached: dict[int, Reached] = field(default_factory=dict)  # by row; `blobs` are of all its checkpoints
    changes: Unfinished = field(default_factory=Unfinished)

    @property
    def begun(self) -> set[int]:
        """Rows without an outcome in which something was done."""
        changes = self.changes
        return {*self.reached, *changes.made, *changes.unsettled, *changes.barred}

    def blobs_of(self, row: int) -> Mapping[str, int]:
        """The committed length of each file of blobs of a mailbox that is not done."""
        return self.reached[row].blobs if row in self.reached else {}


def recover(run: RunDir) -> Recovered:
    """Reads a run directory. Raises Damaged for a journal in which something is not as it was written. Blocks."""
    found, at_end = Recovered(), False
    for end, commit in run.commits():
        if isinstance(commit, Committed):
            if commit.outcome.status is Status.NOT_RUN:
                at_end = True
                continue
            row = commit.outcome.mailbox.row
            fresh = found.done.add(row)
            found.reached.pop(row, None)
            found.totals.add(commit.outcome)
        else:
            row = commit.reached.mailbox.row
            fresh = row not in found.done
            found.reached[row] = commit.reached._replace(blobs={**found.blobs_of(row), **commit.reached.blobs})
        if at_end or not fresh:
            raise Damaged(f"{run.path / OUTCOMES}: has a second outcome for row {row}, before byte {end:,}")
        found.length, found.lengths = end, commit.lengths
    found.changes = run.unfinished(found.done)
    return found


async def check_rows(run: RunDir, done: Rows, source: Chunks) -> None:
    """Raises InputError unless every row that is done, or has a checkpoint, still names the mailbox that it named
    then."""
    named = (
        commit.outcome.mailbox if isinstance(commit, Committed) else commit.reached.mailbox
        for _, commit in run.commits()
        if not isinstance(commit, Committed) or commit.outcome.mailbox.row in done
    )
    addresses = {mailbox.row: _folded(mailbox) for mailbox in named}
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
