"""Writes the files of a key pair: private ones for their owner alone, and never half a file in place of a whole."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bulkmail.errors import OutputError

PRIVATE = 0o600
PUBLIC = 0o644


def write(path: Path, content: bytes, mode: int, *, replace: bool = False) -> None:
    """Creates `path` with exactly `mode`, whatever the umask. Raises OutputError.

    What exists stays, unless it is to be replaced, which then happens at once and as a whole. The file is created
    closed to others, not closed afterwards; Windows has no such modes, there the folder decides. Missing folders are
    made.
    """
    staged = path.with_name(f".{uuid4().hex}") if replace else path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    try:
        _create(staged, content, mode)
        if replace:
            _move(staged, path)
    except FileExistsError:
        raise OutputError(f"{path} exists already", hint="Choose another name, or --force to replace it.") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _create(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if os.name == "posix":
                os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        _drop(path)
        raise


def _move(staged: Path, path: Path) -> None:
    try:
        staged.replace(path)
    except OSError:
        _drop(staged)
        raise


def _drop(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
