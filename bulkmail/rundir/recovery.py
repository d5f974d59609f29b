"""Finds out how far a run got that was stopped or killed. Reads its directory; changes nothing and sends nothing.

What the journal says is done is done. Behind its last outcome, rows that were written and not committed do not count.
Mailboxes that did not run have outcomes at the end of the journal; these do not count either, since they will run now.
Whoever goes on cuts the files back to the lengths that are found here; a kill in between is only another kill.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Mailbox, Outcome, Problem, Source, Status, Tally
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.journal import read
from bulkmail.rundir.totals import Totals
from bulkmail.rundir.unfinished import Recalled, recall
from bulkmail.source.rows import Rows

_PROBLEM = frozenset(one.name for one in fields(Problem))


@dataclass(slots=True)
class Recovered:
    """Where a run stands. `length` is how much of its journal holds, `lengths` how much of each file of rows."""

    done: Rows = field(default_factory=Rows)
    totals: Totals = field(default_factory=Totals)
    length: int = 0
    lengths: Mapping[str, int] = field(default_factory=dict)
    changes: Recalled = field(default_factory=Recalled)


def recover(folder: Path) -> Recovered:
    """Reads a run directory. Raises Damaged for a journal in which something is not as it was written. Blocks."""
    found = Recovered()
    path, at_end = folder / OUTCOMES, False
    for end, entry in read(path):
        outcome = outcome_of(entry)
        if outcome.status is Status.NOT_RUN:
            at_end = True
            continue
        if at_end or not found.done.add(outcome.mailbox.row):
            raise Damaged(f"{path}: has a second outcome for row {outcome.mailbox.row}, before byte {end:,}")
        found.totals.add(outcome)
        found.length, found.lengths = end, entry["offsets"]
    found.changes = recall(folder, found.done)
    return found


def outcome_of(entry: Mapping[str, Any]) -> Outcome:
    """The outcome that `writer.entry` wrote."""
    problem = entry.get("error")
    return Outcome(
        Mailbox(entry["mailbox"], entry["row"], entry.get("id", "")),
        Status(entry["status"]),
        entry["rows"],
        Tally(entry["requests"], entry["throttled"], entry["waited"], entry.get("waited_for", "")),
        entry["seconds"],
        Problem(**{name: value for name, value in problem.items() if name in _PROBLEM}) if problem else None,
    )


def rows_with(folder: Path, statuses: Container[Status]) -> Rows:
    """The rows of a run whose mailboxes ended so. Raises Damaged. Blocks."""
    rows = Rows()
    for _, entry in read(folder / OUTCOMES):
        if Status(entry["status"]) in statuses:
            rows.add(entry["row"])
    return rows


async def check_rows(folder: Path, done: Rows, source: Source) -> None:
    """Raises InputError unless every row that is done still names the mailbox that it named then."""
    addresses = {entry["row"]: hash(entry["mailbox"]) for _, entry in read(folder / OUTCOMES) if entry["row"] in done}
    async for chunk in source:
        for row in chunk:
            then = addresses.pop(row.row, None)
            if then is not None and not (isinstance(row, Mailbox) and hash(row.address) == then):
                raise InputError(f"row {row.row} of the input names another mailbox than when it was done", hint=_ANEW)
    if addresses:
        raise InputError(f"row {min(addresses)} of the input is done, and no longer there", hint=_ANEW)


_ANEW = "Rows may be added at the end, or corrected where nothing was done; otherwise start a new run."
