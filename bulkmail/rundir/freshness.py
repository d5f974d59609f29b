"""When each mailbox was last tried and last went well, from run to run of a job: a table in the job's state file.

Written after the outcomes that it speaks of are durable. Lost, it costs nothing but the order: every mailbox counts as
never tried. A mailbox that was listed and not reached has an entry too, so what is missing is known by name.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Self

from bulkmail.errors import OutputError
from bulkmail.model import Mailbox, Outcome, Status
from bulkmail.rundir.database import PATIENCE, opened
from bulkmail.source.stalest import Last

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS freshness (
    scope TEXT NOT NULL, mailbox TEXT NOT NULL, listed REAL NOT NULL, tried REAL, well REAL, status TEXT, code TEXT,
    PRIMARY KEY (scope, mailbox)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS whole_runs (scope TEXT NOT NULL PRIMARY KEY, started REAL NOT NULL) WITHOUT ROWID;
"""
_PROBE = "SELECT tried, well FROM freshness WHERE scope = ? AND mailbox = ? AND code = ?"
_PUT = """
INSERT INTO freshness (scope, mailbox, listed, tried, well, status, code) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    listed = max(listed, excluded.listed),
    tried = coalesce(excluded.tried, tried), well = coalesce(excluded.well, well),
    status = coalesce(excluded.status, status), code = coalesce(excluded.code, code)
"""
_WHOLE = "INSERT OR REPLACE INTO whole_runs (scope, started) VALUES (?, ?)"
_LISTED = "scope = :scope AND listed >= (SELECT started FROM whole_runs WHERE scope = :scope)"

WELL = (Status.OK, Status.ABSENT)
"""Ways to end after which nothing is left to do: that there is no mailbox is an answer, too."""

FAILED = (Status.FAILED, Status.UNKNOWN)
"""Ways to end that may be others when they are tried again."""

NEVER = float("-inf")
_NEVER_TRIED = Last(NEVER)

MANY, SOON = 4096, 1.0
"""Mailboxes, and seconds, for which a write is worth its syncs: what a kill loses is tried once more."""


def wall() -> float:
    """Seconds since 1970."""
    return datetime.now(UTC).timestamp()


class Entry(NamedTuple):
    """A mailbox as it was last seen. `well` and `tried` are in seconds since 1970, NEVER where it never was; `status`
    and `code` are of the last try, empty before there was one."""

    mailbox: str
    well: float
    tried: float
    status: str
    code: str


class Known(NamedTuple):
    """What is known of a tenant. `started` is when the last run began that accounted for a whole list, in seconds since
    1970; `entries` are the mailboxes of that list, the stalest first."""

    started: float
    entries: Iterable[Entry]


class Freshness:
    """That of one `scope`, such as a task in a tenant. `listed` is when the run began; 0 for one that knows only a part
    of its list. `open` makes it; close it with `closing`."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, scope: str, listed: float, note: Callable[[str], None],
        now: Callable[[], float] = wall,
    ) -> None:  # fmt: skip
        self._path = path
        self._connection = connection
        self._scope = scope
        self._listed = listed
        self._note = note
        self._now = now
        self._lock = threading.Lock()  # one thread at a time
        self._rows: list[tuple[object, ...]] = []
        self._flushed = now()
        self._told = False

    def __repr__(self) -> str:
        return f"<Freshness of {self._scope} in {self._path}>"

    @classmethod
    def open(
        cls, path: Path, scope: str, *, listed: float = 0.0, note: Callable[[str], None] = log.warning,
        now: Callable[[], float] = wall, patience: float = PATIENCE,
    ) -> Self:  # fmt: skip
        """Opens the file, or makes it. Blocks. Raises OutputError."""
        lost = "no mailbox counts as tried"
        connection = opened(path, _SCHEMA, _PROBE, note, lost=lost, patience=patience)
        return cls(path, connection, scope, listed, note, now)

    def put(self, outcomes: Sequence[Outcome]) -> None:
        """Keeps what became of mailboxes, soon. Blocks. If that cannot be, it is told, and the order suffers."""
        now = self._now()
        self._rows += [self._row(one, now) for one in outcomes]
        if len(self._rows) >= MANY or abs(now - self._flushed) >= SOON:
            self._flush()

    def whole(self) -> None:
        """The run has accounted for all of its list; of one that knows only a part, nothing is kept. Blocks."""
        self._flush()
        if self._listed:
            with self._telling(), self._lock, self._connection:
                self._connection.execute(_WHOLE, (self._scope, self._listed))

    def last(self, mailboxes: Sequence[Mailbox]) -> list[Last]:
        """The last try of each. One that was denied has not failed: it is denied until an administrator has changed
        that. Blocks."""
        self._flush()
        found: dict[str, Last] = {}
        keys = [one.key for one in mailboxes]
        marks = ", ".join("?" * len(keys))
        query = f"SELECT mailbox, tried, status FROM freshness WHERE scope = ? AND mailbox IN ({marks})"  # noqa: S608 - of question marks
        with self._telling(), self._lock:
            rows = self._connection.execute(query, (self._scope, *keys)).fetchall()
            found = {key: Last(at, status in FAILED) for key, at, status in rows if at is not None}
        return [found.get(key, _NEVER_TRIED) for key in keys]

    def known(self) -> Known | None:
        """None before a run has accounted for its list. Blocks. Raises OutputError."""
        self._flush()
        named = {"scope": self._scope}
        query = f"SELECT mailbox, well, tried, status, code FROM freshness WHERE {_LISTED} ORDER BY well, mailbox"  # noqa: S608 - of constants
        try:
            with self._lock:
                whole = self._connection.execute(
                    "SELECT started FROM whole_runs WHERE scope = :scope", named
                ).fetchone()
                rows = self._connection.execute(query, named) if whole else None
        except sqlite3.Error as error:
            raise OutputError(f"{self._path}: {error}", hint="Name another file in [state].") from error
        return Known(whole[0], map(_entry, rows)) if rows is not None else None

    def close(self) -> None:
        self._flush()
        with self._lock:
            self._connection.close()

    def _flush(self) -> None:
        rows, self._rows, self._flushed = self._rows, [], self._now()
        if rows:
            with self._telling(), self._lock, self._connection:
                self._connection.executemany(_PUT, rows)

    def _row(self, outcome: Outcome, now: float) -> tuple[object, ...]:
        status, key = outcome.status, outcome.mailbox.key
        if status is Status.NOT_RUN:
            return (self._scope, key, self._listed, None, None, None, None)
        code = outcome.problem.code if outcome.problem else ""
        return (self._scope, key, self._listed, now, now if status in WELL else None, str(status), code)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tells, once, what cannot be kept or found: the rest will be the same."""
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            if not self._told:
                self._told = True
                self._note(f"{self._path}: {error}; such mailboxes count as never tried")


def _entry(row: tuple[str, float | None, float | None, str | None, str | None]) -> Entry:
    mailbox, well, tried, status, code = row
    return Entry(mailbox, NEVER if well is None else well, NEVER if tried is None else tried, status or "", code or "")
