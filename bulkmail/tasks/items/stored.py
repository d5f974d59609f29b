"""Items as they lie in files, and their streams. Everything here blocks: call it in a thread.

What lies there is not trusted: a stream is only what its row says if it has the row's hash.
"""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple, Protocol

from bulkmail.errors import Damaged
from bulkmail.streams import Pieces

BLOCK = 192 * 1024
"""Bytes of a stream that are read at a time; base64 takes three at a time."""


class Stored(NamedTuple):
    """An item as a source has it; `number` is its place among those of its mailbox. Of a loose stream neither `type`
    nor `size` is known, and its id is the name of its file."""

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


class Holding(NamedTuple):
    """What a source has of one mailbox. `name` is another one if other items lie there, `size` is the bytes of all
    their streams. `items` gives those with a stream in their order, from a place on, and `latest` each of them once."""

    name: str
    size: int
    items: Callable[[int], Iterator[Stored]]
    latest: Callable[[int], Iterator[Stored]]


class Source(Protocol):
    """Where items come from: an export, or loose streams. `has_ids`: it says which item each one was."""

    streams: "Streams"
    has_ids: bool

    def of(self, mailbox: str) -> Holding:
        """Raises InputError."""


class Files(Protocol):
    """Files by the paths that rows have of them."""

    def open(self, path: str, /) -> BinaryIO:
        """Raises OSError, and Damaged for a path that leads elsewhere."""


class Streams:
    """The streams of items in files."""

    def __init__(self, files: Files) -> None:
        self._files = files

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
        with self._files.open(stored.file) as file:
            file.seek(stored.offset)
            left = stored.bytes
            while left > 0 and (block := file.read(min(left, BLOCK))):
                left -= len(block)
                yield block

    def block(self, stored: Stored, start: int) -> bytes:
        """A piece of the stream, as base64."""
        with self._files.open(stored.file) as file:
            file.seek(stored.offset + start)
            return base64.b64encode(file.read(min(BLOCK, stored.bytes - start)))


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


def wrapped(streams: Streams, stored: Stored, before: bytes, behind: bytes, thread: Thread) -> Pieces:
    """A body with the stream of an item in it as base64, which is made while it leaves."""

    async def read() -> AsyncIterator[bytes]:
        yield before
        for start in range(0, stored.bytes, BLOCK):
            yield await thread(streams.block, stored, start)
        yield behind

    return Pieces(len(before) + (stored.bytes + 2) // 3 * 4 + len(behind), read)
