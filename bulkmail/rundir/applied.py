"""The mailboxes that a run changed, each with its changes: the input of an undo. Reads a ledger; changes nothing.

A change whose end is not known counts as one that may have been made: the undo looks at what is there. Changes that
were refused, never sent or only planned do not count.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from bulkmail.model import Change, Counts, Ending, Made, Mailbox, Rejected
from bulkmail.rundir.folder import CHANGES, OUTCOMES
from bulkmail.rundir.journal import read
from bulkmail.rundir.ledger import INTENDED, REOPENED
from bulkmail.rundir.unfinished import NOT_MADE
from bulkmail.task.undo import packed

CHUNK = 64
"""Mailboxes at a time; each may bring many changes."""


class Place(NamedTuple):
    """Where in the ledger a change is described, and how it ended."""

    start: int
    ending: str = Ending.UNKNOWN
    id: str = ""


class MadeSource:
    """Is a `model.Source`. Rows are those of the run's own input. Raises Damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<MadeSource {self._folder} {self.counts}>"

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        found = await asyncio.to_thread(_index, self._folder / CHANGES)
        if not found:
            return  # a run that was killed early has not even a ledger
        addresses = await asyncio.to_thread(_addresses, self._folder / OUTCOMES, found)
        rows = iter(sorted(found))
        with (self._folder / CHANGES).open("rb") as file:
            while chosen := list(islice(rows, CHUNK)):
                mailboxes = await asyncio.to_thread(
                    lambda rows: [_mailbox(file, row, list(found[row].values()), addresses) for row in rows], chosen
                )
                self.counts = Counts(self.counts.unique + len(chosen))
                yield mailboxes


def _index(path: Path) -> dict[int, dict[int, Place]]:
    """Row to number to place, of the changes that may have been made."""
    found: dict[int, dict[int, Place]] = {}
    start = 0
    for end, entry in read(path):
        if entry["state"] == INTENDED:
            found.setdefault(entry["row"], {})[entry["change"]] = Place(start)
        elif entry["state"] != REOPENED:
            _conclude(found, entry)
        start = end
    return found


def _conclude(found: dict[int, dict[int, Place]], entry: dict[str, Any]) -> None:
    row, number = entry["row"], entry["change"]
    changes = found.get(row, {})
    if entry["state"] not in NOT_MADE:
        changes[number] = Place(changes[number].start, entry["state"], entry.get("id", ""))
        return
    changes.pop(number, None)
    if not changes:
        found.pop(row, None)


def _addresses(path: Path, rows: dict[int, Any]) -> dict[int, tuple[str, str]]:
    """Address and id by row; a mailbox without an outcome is called by what its requests were addressed by."""
    return {entry["row"]: (entry["mailbox"], entry.get("id", "")) for _, entry in read(path) if entry["row"] in rows}


def _mailbox(file: BinaryIO, row: int, places: Sequence[Place], addresses: dict[int, tuple[str, str]]) -> Mailbox:
    made, key = [], ""
    for place in places:
        file.seek(place.start)
        entry = orjson.loads(file.readline())
        key = entry["mailbox"]
        change = Change(entry["key"], entry["before"], entry["after"])
        made.append(Made(change, place.id, place.ending == Ending.DONE))
    address, id_ = addresses.get(row, (key, ""))
    return Mailbox(address, row, id_, packed(made))
