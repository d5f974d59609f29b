"""What mailboxes leave behind from one run of a job to the next, such as delta links: one SQLite file a job.

A mailbox's state belongs to its task and to the `scope`, a digest of the options that the run had: with other options
there is none, and all is done anew. It is written after the outcome of the mailbox is durable, so a process that dies
between the two leaves the older state, and the next run repeats something instead of missing it.

The file can be lost at any time: what cannot be read, or is not what was written, counts as nothing, which means a full
pass. Each case is told. Only a file that can be neither read nor made is an error, before the run begins.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import orjson

from bulkmail.model import Mailbox
from bulkmail.rundir.database import PATIENCE, opened

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS left_behind (
    task TEXT NOT NULL, mailbox TEXT NOT NULL, scope TEXT NOT NULL, state TEXT NOT NULL, seal TEXT NOT NULL,
    at TEXT NOT NULL, PRIMARY KEY (task, mailbox)
) WITHOUT ROWID
"""
_READ = "SELECT state, seal FROM left_behind WHERE task = ? AND mailbox = ? AND scope = ?"
_PUT = "INSERT OR REPLACE INTO left_behind (task, mailbox, scope, state, seal, at) VALUES (?, ?, ?, ?, ?, ?)"


def scope_of(options: Mapping[str, Any]) -> str:
    """The digest of options as a manifest has them."""
    return sha256(orjson.dumps(options, option=orjson.OPT_SORT_KEYS)).hexdigest()


class States:
    """The states of one task with these options. `open` makes it; close it with `closing`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, task: str, scope: str, note: Callable[[str], None]
    ) -> None:
        self._path = path
        self._connection = connection
        self._task = task
        self._scope = scope
        self._note = note
        self._lock = threading.Lock()  # one thread at a time
        self._told = False

    def __repr__(self) -> str:
        return f"<States of {self._task} in {self._path}>"

    @classmethod
    def open(
        cls, path: Path, task: str, scope: str, note: Callable[[str], None] = log.warning, *,
        patience: float = PATIENCE,
    ) -> Self:  # fmt: skip
        """Opens the file, or makes it, for its owner only. A damaged one is put aside. Blocks. Raises OutputError."""
        connection = opened(path, _SCHEMA, _READ, note, lost="every mailbox has a full pass", patience=patience)
        return cls(path, connection, task, scope, note)

    async def read(self, mailbox: Mailbox, /) -> dict[str, Any]:
        """What a mailbox left behind; empty where that is nothing, or not what was written."""
        return await asyncio.to_thread(self._read, mailbox)

    def put(self, states: Sequence[tuple[Mailbox, Mapping[str, Any]]], /) -> None:
        """Keeps what mailboxes leave behind now; all of it, or nothing. Blocks. If that cannot be, it is told, and what
        they left before stays."""
        if not states:
            return
        at = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            rows = []
            for mailbox, state in states:
                text, key = orjson.dumps(state).decode(), mailbox.key
                rows.append((self._task, key, self._scope, text, self._seal(key, text), at))
            with self._lock, self._connection:
                self._connection.executemany(_PUT, rows)
        except (sqlite3.Error, ValueError) as error:
            self._tell(f"{self._path}: {error}; the next run does again what this one did")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _read(self, mailbox: Mailbox) -> dict[str, Any]:
        key = mailbox.key
        try:
            with self._lock:
                found = self._connection.execute(_READ, (self._task, key, self._scope)).fetchone()
        except (sqlite3.Error, ValueError) as error:
            self._tell(f"{self._path}: {error}; such mailboxes have a full pass")
            return {}
        text, seal = found or ("{}", None)
        if found is not None and seal != self._seal(key, text):
            self._tell(f"{self._path}: holds what was not written to it; such mailboxes have a full pass")
            return {}
        state: dict[str, Any] = orjson.loads(text)
        return state

    def _seal(self, key: str, text: str) -> str:
        """SQLite does not notice a bit that has changed within a value."""
        return sha256(f"{self._task}\0{key}\0{self._scope}\0{text}".encode()).hexdigest()

    def _tell(self, text: str) -> None:
        """Once: the rest will be the same."""
        if not self._told:
            self._told = True
            self._note(text)
