"""The mailboxes that a run changed, each with its changes: the input of an undo. Reads a ledger; changes nothing.

A change whose end is not known counts as one that may have been made: the undo looks at what is there. Changes that
were refused, never sent or only planned do not count.
"""

import asyncio
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from bulkmail.model import Counts, Ending, Made, Mailbox, Rejected
from bulkmail.rundir.entries import Concluded, Intent
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.unfinished import NOT_MADE
from bulkmail.source.once import ReadOnce
from bulkmail.task.undo import packed

CHUNK = 64
"""Mailboxes at a time; each may bring many changes."""


class Span(NamedTuple):
    """Where in the ledger a change is described, and how it ended."""

    start: int
    ending: Ending = Ending.UNKNOWN
    id: str = ""


class ChangesSource(ReadOnce):
    """Is a `model.Source`. Rows are those of the run's own input. Raises Damaged."""

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self.counts = Counts()

    @property
    def name(self) -> str:
        return f"the changes of {self._run.path}"

    def __repr__(self) -> str:
        return f"<ChangesSource {self._run.path} {self.counts}>"

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        found = await asyncio.to_thread(_index, self._run)
        if not found:
            return  # a run that was killed early has not even a ledger
        mailboxes = await asyncio.to_thread(_mailboxes, self._run, found)
        rows = iter(sorted(found))
        while chosen := list(islice(rows, CHUNK)):
            chunk = await asyncio.to_thread(
                lambda rows: [_mailbox(self._run, row, list(found[row].values()), mailboxes) for row in rows], chosen
            )
            self.counts = Counts(self.counts.unique + len(chosen))
            yield chunk


def _index(run: RunDir) -> dict[int, dict[int, Span]]:
    """Row to number to span, of the changes that may have been made."""
    found: dict[int, dict[int, Span]] = {}
    start = 0
    for end, entry in run.ledger():
        if isinstance(entry, Intent) and not entry.planned:
            found.setdefault(entry.row, {})[entry.number] = Span(start)
        elif isinstance(entry, Concluded):
            _conclude(found, entry)
        start = end
    return found


def _conclude(found: dict[int, dict[int, Span]], ended: Concluded) -> None:
    changes = found.get(ended.row, {})
    if ended.ending not in NOT_MADE and ended.number in changes:
        changes[ended.number] = Span(changes[ended.number].start, ended.ending, ended.id)
        return
    changes.pop(ended.number, None)
    if not changes:
        found.pop(ended.row, None)


def _mailboxes(run: RunDir, rows: Container[int]) -> dict[int, Mailbox]:
    return {outcome.mailbox.row: outcome.mailbox for outcome in run.outcomes() if outcome.mailbox.row in rows}


def _mailbox(run: RunDir, row: int, spans: Sequence[Span], mailboxes: Mapping[int, Mailbox]) -> Mailbox:
    """A mailbox without an outcome is called by the key that its requests were addressed by."""
    intents = run.intents([span.start for span in spans])
    made = [
        Made(intent.change, span.id, span.ending is Ending.DONE) for intent, span in zip(intents, spans, strict=True)
    ]
    known = mailboxes.get(row, Mailbox(intents[-1].mailbox, row))
    return known._replace(columns=packed(made))
