"""The database of a comparison: what two runs hold, compactly, and the questions in which they differ.

It holds of each row a digest and the place where the row stands, and SQLite compares by sorting on the disk. So the
memory that it takes does not grow with the runs. It lies in a folder of its own that is gone at the end.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from bulkmail.errors import OutputError

BLOCK = 1024
"""Entries that are handed to the database at a time."""

CACHE = 16_000
"""Kilobytes that SQLite keeps in memory; what it sorts beyond that, it sorts in files."""

_SETTINGS = f"""
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -{CACHE};
"""

_TABLES = """
CREATE TABLE rows (side INTEGER, mailbox TEXT, key BLOB, digest BLOB, place INTEGER);
CREATE TABLE outcomes (side INTEGER, mailbox TEXT, address TEXT, status TEXT, code TEXT);
"""

_COMPARE = """
CREATE TABLE ends (mailbox TEXT PRIMARY KEY, address TEXT, before TEXT, before_code TEXT, after TEXT, after_code TEXT)
    WITHOUT ROWID;
INSERT INTO ends
    SELECT mailbox, max(address),
        coalesce(max(CASE side WHEN 0 THEN status END), ''), coalesce(max(CASE side WHEN 0 THEN code END), ''),
        coalesce(max(CASE side WHEN 1 THEN status END), ''), coalesce(max(CASE side WHEN 1 THEN code END), '')
    FROM (SELECT side, mailbox, address, status, code, max(rowid) FROM outcomes GROUP BY mailbox, side)
    GROUP BY mailbox;
CREATE TABLE lone AS
    SELECT side, mailbox, key, place FROM (
        SELECT *, row_number() OVER (PARTITION BY mailbox, key, digest, side) AS nth FROM rows
    )
    GROUP BY mailbox, key, digest, nth HAVING count(*) = 1;
CREATE TABLE differences AS
    SELECT mailbox, max(CASE side WHEN 0 THEN place END) AS before, max(CASE side WHEN 1 THEN place END) AS after
    FROM (SELECT *, row_number() OVER (PARTITION BY mailbox, key, side ORDER BY place) AS nth FROM lone)
    GROUP BY mailbox, key, nth;
"""

_PAIR = """
INSERT INTO differences
    SELECT mailbox, max(before), max(after) FROM differences GROUP BY mailbox
    HAVING count(*) = 2 AND count(before) = 1 AND count(after) = 1;
DELETE FROM differences
    WHERE (before IS NULL OR after IS NULL)
        AND mailbox IN (SELECT mailbox FROM differences WHERE before IS NOT NULL AND after IS NOT NULL);
"""

_LOOKED = """
    (ends.before = 'ok' AND ends.after IN ('ok', 'absent', '') OR ends.after = 'ok' AND ends.before IN ('absent', ''))
"""
"""Both runs could look at the mailbox, or one could and in the other there was none."""

_ROWS = f"""
SELECT mailbox, address, differences.before, differences.after FROM differences JOIN ends USING (mailbox)
    WHERE {_LOOKED} ORDER BY mailbox, coalesce(differences.after, differences.before)
"""  # noqa: S608 - our own words
_UNSEEN = f"SELECT count(*) FROM differences JOIN ends USING (mailbox) WHERE NOT {_LOOKED}"  # noqa: S608
_MAILBOXES = "SELECT count(nullif(before, '')), count(nullif(after, '')) FROM ends"
_OUTCOMES = """
SELECT address, before, before_code, after, after_code FROM ends
    WHERE before <> after OR before_code <> after_code ORDER BY before, after, mailbox
"""


class Database:
    """Filled with `add_rows` and `add_outcomes`, compared, and then asked. Made by `empty`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: list[Sequence[Any]] = []
        self._outcomes: list[Sequence[Any]] = []

    def add_row(self, side: int, mailbox: str, key: bytes, digest: bytes, place: int) -> None:
        self._rows.append((side, mailbox, key, digest, place))
        if len(self._rows) >= BLOCK:
            self._insert()

    def add_outcome(self, side: int, mailbox: str, address: str, status: str, code: str) -> None:
        """Of several of one mailbox the last counts."""
        self._outcomes.append((side, mailbox, address, status, code))
        if len(self._outcomes) >= BLOCK:
            self._insert()

    def compare(self, *, keyed: bool) -> None:
        """Finds what differs. Where rows are not `keyed`, the only one that a mailbox lost and the only one that it got
        are taken for one that was changed."""
        self._insert()
        self._connection.executescript(_COMPARE if keyed else _COMPARE + _PAIR)

    def rows(self) -> Iterator[tuple[str, str, int | None, int | None]]:
        """Rows that differ: mailbox, its address, and the places before and after."""
        return iter(self._connection.execute(_ROWS))

    def mailboxes(self) -> tuple[int, int]:
        """How many there were before and after."""
        before, after = self._connection.execute(_MAILBOXES).fetchone()
        return before, after

    def unseen(self) -> int:
        """Rows that differ, but not both runs could look at their mailbox."""
        found: int = self._connection.execute(_UNSEEN).fetchone()[0]
        return found

    def outcomes(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Mailboxes that ended in another way: address, status and code before, and after."""
        return iter(self._connection.execute(_OUTCOMES))

    def _insert(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?)", self._rows)
        self._connection.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", self._outcomes)
        self._connection.execute("COMMIT")
        self._rows.clear()
        self._outcomes.clear()


@contextmanager
def empty() -> Iterator[Database]:
    """One for a comparison; nothing in it has to survive anything. Raises OutputError. Blocks."""
    try:
        folder = TemporaryDirectory(prefix="bulkmail-diff-", ignore_cleanup_errors=True)
    except OSError as error:
        raise _refused(gettempdir(), error.strerror or str(error)) from None
    with folder as name:
        try:
            with closing(sqlite3.connect(Path(name) / "rows", isolation_level=None)) as connection:
                connection.executescript(_SETTINGS + _TABLES)
                yield Database(connection)
        except sqlite3.Error as error:
            raise _refused(name, str(error)) from None


def _refused(folder: str, why: str) -> OutputError:
    return OutputError(
        f"the rows cannot be compared in {folder}: {why}",
        hint="Make room there, or name another folder in the environment variable TMPDIR.",
    )
