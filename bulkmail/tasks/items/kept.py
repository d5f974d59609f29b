"""Reads an export: its rows by mailbox, and the stream of each. Everything here blocks: call it in a thread.

The rows of a mailbox lie in pieces between those of others; where they lie is found once, in one pass, and a hundred
thousand mailboxes take some megabytes. What an export holds is not trusted: a stream is only what its row says if it
has the row's hash.
"""

import base64
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Digest, key_of
from bulkmail.streams import Pieces

BLOCK = 192 * 1024
"""Bytes of a stream that are read at a time; base64 takes three at a time."""

TASK = "items.export"


class Stored(NamedTuple):
    """An item as an export has it; `number` is its place among those of its mailbox."""

    number: int
    folder: str
    known: str
    item_id: str
    change_key: str
    type: str
    size: int
    file: str
    offset: int
    bytes: int
    sha256: str
    folder_type: str
    state: str

    @classmethod
    def of(cls, number: int, row: Any) -> "Stored":
        """Raises Damaged for what is not a row of an export."""
        try:
            texts = {name: str(row[name] or "") for name in _TEXTS}
            figures = {name: int(row[name] or 0) for name in ("size", "offset", "bytes")}
        except (KeyError, TypeError, ValueError):
            raise Damaged("a row of the export is not one of items.export") from None
        return cls(number, known=texts.pop("well_known"), **texts, **figures)  # type: ignore[arg-type]


_TEXTS = (
    "folder", "well_known", "item_id", "change_key", "type", "file", "sha256", "folder_type", "state",
)  # fmt: skip


class Kept:
    """The directory of an export."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = ""
        self._rows = path
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        self._bytes: dict[str, int] = {}

    def open(self) -> "Kept":
        """Finds the rows of each mailbox. Raises InputError for a directory that holds no export that has ended, and
        Damaged."""
        from bulkmail.rundir.folder import RECORDS  # noqa: PLC0415 - the list of tasks is shown without this room
        from bulkmail.rundir.reader import RunDir  # noqa: PLC0415

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

    def size(self, mailbox: str) -> int:
        """Bytes of all streams of a mailbox."""
        return self._bytes.get(key_of(mailbox), 0)

    def items(self, mailbox: str, start: int = 0) -> Iterator[Stored]:
        """Those of a mailbox that have a stream, from a place on, in the order of the export."""
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
        """The same, each item once: one that has changed while it was exported may have more than one row."""
        seen, last = set[int](), dict[str, int]()
        for one in self.items(mailbox):
            known = hash(one.item_id)  # eight bytes for an id; two that are alike cost a place in `last`
            if known in seen:
                last[one.item_id] = one.number
            seen.add(known)
        for one in self.items(mailbox, start):
            if last.get(one.item_id, one.number) == one.number:
                yield one

    def fault(self, stored: Stored) -> str:
        """What is wrong with a stream; empty where it is as it was exported."""
        try:
            digest, size = self.digest(stored)
        except (OSError, Damaged) as error:
            return str(error)
        if size != stored.bytes:
            return f"the file ends after {size:,} of {stored.bytes:,} bytes"
        return "" if digest == stored.sha256 else f"the stream has the SHA-256 {digest} now"

    def digest(self, stored: Stored) -> tuple[str, int]:
        found, size = sha256(), 0
        for block in self.blocks(stored):
            found.update(block)
            size += len(block)
        return found.hexdigest(), size

    def blocks(self, stored: Stored) -> Iterator[bytes]:
        """The stream of an item. Raises OSError, and Damaged for a row that leads elsewhere."""
        with self._file(stored).open("rb") as file:
            file.seek(stored.offset)
            left = stored.bytes
            while left > 0 and (block := file.read(min(left, BLOCK))):
                left -= len(block)
                yield block

    def block(self, stored: Stored, start: int) -> bytes:
        """A piece of the stream, as base64."""
        with self._file(stored).open("rb") as file:
            file.seek(stored.offset + start)
            return base64.b64encode(file.read(min(BLOCK, stored.bytes - start)))

    def _file(self, stored: Stored) -> Path:
        root = self.path.resolve()
        path = (root / stored.file).resolve()
        if not path.is_relative_to(root) or not stored.file:
            raise Damaged(f"a row of the export names the file {stored.file!r}, which is not in it")
        return path


class Cursor:
    """The items of a mailbox, some at a time."""

    def __init__(self, items: Iterator[Stored]) -> None:
        self._items = items
        self._next: Stored | None = None

    def take(self, most: int, size: int) -> list[Stored]:
        """The next ones: at most `most`, and at most `size` bytes or one. Blocks."""
        found: list[Stored] = []
        while (one := self._next or next(self._items, None)) is not None:
            self._next = one
            if found and (len(found) == most or sum(each.bytes for each in found) + one.bytes > size):
                break
            found.append(one)
            self._next = None
        return found


Thread = Callable[..., Awaitable[Any]]


def wrapped(kept: Kept, stored: Stored, before: bytes, behind: bytes, thread: Thread) -> Pieces:
    """A body with the stream of an item in it as base64, which is made while it leaves."""

    async def read() -> AsyncIterator[bytes]:
        yield before
        for start in range(0, stored.bytes, BLOCK):
            yield await thread(kept.block, stored, start)
        yield behind

    return Pieces(len(before) + (stored.bytes + 2) // 3 * 4 + len(behind), read)


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
