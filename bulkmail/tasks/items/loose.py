"""Streams of items that lie in a folder and are of no export: in a folder for each mailbox, or named by a list.

    loose/ada@contoso.com/Inbox/Scans/one.fts
    loose/items.csv: mailbox, file, folder

The names of folders are those of the mailbox, percent-encoded where a file system would not take them, as an archive of
items.export unpacks them. They are hostile: no name and no link leads out of the folder. Everything here blocks: call
it in a thread.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import unquote

from bulkmail.errors import Damaged, InputError
from bulkmail.model import key_of
from bulkmail.sink.below import Below
from bulkmail.tasks.items.stored import Holding, Stored, Streams
from bulkmail.tasks.kit.paths import joined

LISTS = "items.csv", "items.ndjson"
SUFFIX = ".fts"
INBOX = "Inbox"
"""Where an item goes that lies in no folder."""


class Entry(NamedTuple):
    """A stream by the path of its file, and where its item goes. `sha256` is empty where no list has it."""

    file: str
    folder: str = ""
    known: str = ""
    folder_type: str = ""
    sha256: str = ""


class Loose:
    """A folder of loose streams; `stored.Source`."""

    def __init__(self, path: Path) -> None:
        self.has_ids = False
        self.path = path
        self._below = Below(path)
        self.streams = Streams(self._below)
        self._listed: dict[str, dict[str, Entry]] | None = None
        self._folders: dict[str, str] = {}

    def open(self) -> "Loose":
        """Raises InputError for a folder that holds no streams, and for a list that names none."""
        for name in LISTS:
            if (self.path / name).exists():
                self._listed = _listed(self.path / name)
                return self
        with _told(self.path), os.scandir(self.path) as found:
            self._folders = {key_of(one.name): one.name for one in found if one.is_dir(follow_symlinks=False)}
        if not self._folders:
            raise InputError(
                f"{self.path}: holds neither an export nor streams of items",
                hint=f"Loose streams lie in a folder for each mailbox, or are named by {LISTS[0]}.",
            )
        return self

    def of(self, mailbox: str) -> Holding:
        """Raises InputError for a folder that cannot be read."""
        key, entries = key_of(mailbox), list[Entry]()
        if self._listed is not None:
            entries = list(self._listed.get(key, {}).values())
        elif key in self._folders:
            with _told(self.path):
                entries = list(_entries(self.path, self._folders[key]))
        whole, size = sha256(), 0
        for entry in entries:
            length, moment = self._seen(entry)
            whole.update(repr((entry, length, moment)).encode("utf-8", "surrogatepass"))
            size += length
        items = partial(self._items, entries)
        return Holding(f"loose/{whole.hexdigest()[:32]}/{mailbox}", size, items, items)

    def _seen(self, entry: Entry) -> tuple[int, int]:
        """How long a stream is, and when it was written; nothing of one that cannot be read."""
        try:
            seen = self._below.path(entry.file).stat()
        except (OSError, Damaged):
            return 0, 0
        return seen.st_size, seen.st_mtime_ns

    def _items(self, entries: list[Entry], start: int = 0) -> Iterator[Stored]:
        for number, entry in enumerate(entries[start:], start):
            stored = _stored(number, entry, self._seen(entry)[0])
            try:
                yield stored if stored.sha256 else stored._replace(sha256=self.streams.digest(stored)[0])
            except (OSError, Damaged):  # why, its row tells
                yield stored


def _stored(number: int, entry: Entry, size: int = 0) -> Stored:
    return Stored(
        number, entry.folder or INBOX, entry.known or ("" if entry.folder else INBOX.lower()), entry.file, "", "", 0,
        entry.file, 0, size, entry.sha256, entry.folder_type, "exported",
    )  # fmt: skip


def _listed(path: Path) -> dict[str, dict[str, Entry]]:
    """By mailbox, the streams that a list names; what is named twice is taken as the last row has it."""
    from bulkmail.tasks.kit.files import TableOf  # noqa: PLC0415 - tasks are listed without the readers of tables

    found: dict[str, dict[str, Entry]] = {}
    for number, row in TableOf(path).rows:
        cells = {name.casefold(): name for name in row}
        mailbox, file = (_cell(row, cells, name) for name in ("mailbox", "file"))
        if not mailbox or not file:
            raise InputError(f"{path}: row {number} names no {'file' if mailbox else 'mailbox'}")
        more = (_cell(row, cells, name) for name in ("folder", "well_known", "folder_type", "sha256"))
        folder, known, kind, digest = more
        named = normpath(file)
        found.setdefault(key_of(mailbox), {})[named] = Entry(named, folder, known, kind, digest.lower())
    return found


def _cell(row: Mapping[str, str], cells: Mapping[str, str], name: str) -> str:
    return row[cells[name]].strip() if name in cells else ""


def _entries(root: Path, top: str) -> Iterator[Entry]:
    """The streams below the folder of a mailbox. Links to folders are not followed. Raises OSError."""
    waiting: list[tuple[str, ...]] = [(top,)]
    while waiting:
        names = waiting.pop()
        with os.scandir(root.joinpath(*names)) as found:
            for one in sorted(found, key=lambda each: each.name):
                if one.is_dir(follow_symlinks=False):
                    waiting.append((*names, one.name))
                elif one.name.lower().endswith(SUFFIX):
                    file = _text("/".join((*names, one.name)))
                    yield Entry(file, joined(unquote(_text(name)) for name in names[1:]))


def _text(name: str) -> str:
    """A name that can be written down; a file with another one is not found by it, and fails with a row of its own."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says which folder could not be read."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename or path}: {(error.strerror or 'cannot be read').lower()}") from None
