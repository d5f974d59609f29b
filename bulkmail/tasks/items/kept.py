"""Reads the rows of an export by mailbox. Everything here blocks: call it in a thread.

The rows of a mailbox lie in pieces between those of others; where they lie is found once, in one pass, and a hundred
thousand mailboxes take some megabytes.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Digest, key_of
from bulkmail.sink.below import Below
from bulkmail.tasks.items.stored import Holding, Stored, Streams

TASK = "items.export"


class Kept:
    """The directory of an export; `stored.Source`."""

    def __init__(self, path: Path) -> None:
        self.has_ids = True
        self.path = path
        self.streams = Streams(Below(path))
        self.id = ""
        self._rows = path
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        self._bytes: dict[str, int] = {}

    def open(self) -> "Kept":
        """Finds the rows of each mailbox. Raises InputError for a directory that holds no export that has ended, and
        Damaged."""
        from bulkmail.rundir.folder import BLOBS, RECORDS  # noqa: PLC0415 - the list of tasks is shown without this room
        from bulkmail.rundir.reader import RunDir  # noqa: PLC0415
        from bulkmail.sink.depot import depot_of  # noqa: PLC0415

        manifest = RunDir(self.path).manifest
        if manifest.task != TASK:
            raise InputError(f"{self.path}: is a run of {manifest.task}, and not of {TASK}")
        if manifest.state == "running":
            raise InputError(f"{self.path}: the export has not ended", hint="Wait for it, or resume it.")
        if manifest.output.mask:
            raise InputError(
                f"{self.path}: was made with masked addresses: its rows do not say where their streams are",
                hint="Export without output.mask.",
            )
        self.id = manifest.id
        if manifest.output.blobs:
            self.streams = Streams(depot_of(self.path / BLOBS, manifest.output.blobs, manifest.id))
        name = f"{RECORDS}.ndjson"
        if name not in manifest.outputs:
            raise InputError(f"{self.path}: has no {name}", hint='Export with format = ["ndjson"] among others.')
        self._rows = self.path / name
        self._ranges, self._bytes, found = _ranges(self._rows)
        if found != manifest.outputs[name]:
            raise Damaged(
                f"{self._rows}: is not what the export wrote: its SHA-256 is {found.sha256}",
                hint="Put the file back from a backup; run.json has the digest that it should have.",
            )
        return self

    def of(self, mailbox: str) -> Holding:
        size = self._bytes.get(key_of(mailbox), 0)
        return Holding(f"{self.id}/{mailbox}", size, partial(self.items, mailbox), partial(self.latest, mailbox))

    def items(self, mailbox: str, start: int = 0) -> Iterator[Stored]:
        """In the order of the export."""
        number = -1
        with self._rows.open("rb") as file:
            for first, last in self._ranges.get(key_of(mailbox), ()):
                file.seek(first)
                while file.tell() < last:
                    number += 1
                    line = file.readline()
                    if number >= start and (stored := Stored.of(number, orjson.loads(line))).state == "exported":
                        yield stored

    def latest(self, mailbox: str, start: int = 0) -> Iterator[Stored]:
        """One that has changed while it was exported may have more than one row."""
        seen, last = set[int](), dict[str, int]()
        for one in self.items(mailbox):
            known = hash(one.item_id)  # eight bytes for an id; two that are alike cost a place in `last`
            if known in seen:
                last[one.item_id] = one.number
            seen.add(known)
        for one in self.items(mailbox, start):
            if last.get(one.item_id, one.number) == one.number:
                yield one


def _ranges(path: Path) -> tuple[dict[str, list[tuple[int, int]]], dict[str, int], Digest]:
    """By key, where the rows of each mailbox lie, from an offset to another, and the bytes of its streams. And what the
    file is."""
    found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    sizes: defaultdict[str, int] = defaultdict(int)
    place, before, whole = 0, "", sha256()
    with path.open("rb") as file:
        for line in file:
            whole.update(line)
            try:
                row = orjson.loads(line)
                key = key_of(row["mailbox"])
                sizes[key] += row["bytes"] or 0
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                raise Damaged(f"{path}: holds what bulkmail does not write, at byte {place:,}") from None
            end = place + len(line)
            if key == before:
                found[key][-1] = (found[key][-1][0], end)
            else:
                found[key].append((place, end))
            place, before = end, key
    return dict(found), dict(sizes), Digest(place, whole.hexdigest())
