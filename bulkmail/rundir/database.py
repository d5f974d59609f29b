"""Opens the SQLite file of a job, in which rooms keep what lasts between its runs: each a table of its own.

The file can be lost at any time: a damaged one is put aside, and a new one takes its place. Each case is told. Only a
file that can be neither read nor made is an error.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bulkmail.atomic import make_folder, restrict
from bulkmail.errors import OutputError

PATIENCE = 30.0
"""Seconds that are waited for another process which writes."""

_NOT_DAMAGE = frozenset({
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
})  # fmt: skip
"""Errors that say nothing of what the file holds."""

_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def opened(
    path: Path, schema: str, probe: str, note: Callable[[str], None], *, lost: str, patience: float = PATIENCE
) -> sqlite3.Connection:
    """The file with the tables of `schema` in it, made for its owner only where it is not there. `probe` is a query
    with three parameters that has to work; `lost` says what a new file means. Blocks. Raises OutputError."""
    with _as_output_error(path):
        there = path.exists()
        try:
            connection = _connected(path, schema, probe, patience)
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in _NOT_DAMAGE:
                raise
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # it would be played into the new file
            note(f"{path} is damaged, and is now {aside.name}: {lost}")
            connection = _connected(path, schema, probe, patience)
        else:
            if not there:
                note(f"{path} is new: {lost}")
    return connection


def _connected(path: Path, schema: str, probe: str, patience: float) -> sqlite3.Connection:
    """Raises sqlite3.Error and ValueError, also for a file in which something is wrong."""
    _make_private(path)
    connection = sqlite3.connect(path, timeout=patience, check_same_thread=False)
    try:
        _check(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(schema)
        connection.execute(probe, ("", "", "")).fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ValueError(found)


def _make_private(path: Path) -> None:
    make_folder(path.parent)
    handle = os.open(path, _FLAGS, 0o600)
    try:
        restrict(handle)
    finally:
        os.close(handle)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise OutputError(f"{path}: {said.lower()}", hint="Name another file in [state].") from error
