"""Writes files whole or not at all: the only place where one file takes the place of another. Knows no content.

A file is written beside its place under a name that nothing else uses, synced, and moved there in one step; so two that
write the same file never mix, and a process that is killed leaves what was there before, or what was to come.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias
from uuid import uuid4

from bulkmail.errors import OutputError

PRIVATE = 0o600
PUBLIC = 0o644

BUSY = 5 if os.name == "nt" else 0
"""Times that a file is moved once more when it is refused. Windows lets no file take the place of one that is open,
and a virus scanner, an indexer or a `bulkmail show` has each file of a run open for a moment."""

FIRST_PAUSE = 0.01
"""Seconds before it is moved once more; doubled each time, so 0.31 s in all."""

Change: TypeAlias = Callable[[int, int], None]

CHANGE: Change | None = getattr(os, "fchmod", None)
"""Changes the mode of an open file, where the system has modes."""

UNFINISHED = ".*.new"
"""Matches what a process that was killed may have left beside its files."""


@contextmanager
def replacing(path: Path, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` when the block ends well. Has exactly `mode`, whatever the
    umask; Windows has no such modes, there the folder decides. Raises OutputError, and what the block raises."""
    staged = path.with_name(f".{uuid4().hex}.new")
    try:
        with _creating(staged, mode) as file:
            yield file
        persistently(lambda: staged.replace(path))
        sync(path.parent)
    except OSError as error:
        _drop(staged)
        raise _refused(path, error) from None
    except BaseException:
        _drop(staged)
        raise


def replace(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Puts `content` at `path`, whatever is there. Raises OutputError."""
    with replacing(path, mode) as file:
        file.write(content)


def create(path: Path, content: bytes, mode: int = PRIVATE, link: Callable[[Path, Path], None] = os.link) -> None:
    """Puts `content` at `path`, where nothing may be yet; of several that do, one succeeds, and the others find all of
    its content. Raises OutputError."""
    staged = path.with_name(f".{uuid4().hex}.new")
    try:
        with _creating(staged, mode) as file:
            file.write(content)
        try:
            link(staged, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: there, it is seen while it is written
            with _creating(path, mode) as file:
                file.write(content)
    except FileExistsError:
        raise OutputError(f"{path} exists already", hint="Choose another name, or --force to replace it.") from None
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        _drop(staged)


def restrict(descriptor: int, mode: int = PRIVATE, change: Change | None = CHANGE) -> None:
    """Gives an open file exactly `mode`, whatever the umask: a strange one takes even the owner's rights. Does nothing
    on a file system without modes, and where `change` is None, as on Windows."""
    if change is not None:
        with suppress(OSError):
            change(descriptor, mode)


def make_folder(folder: Path) -> None:
    """Makes `folder` and those above it that are missing, each for its owner alone, whatever the umask; those that are
    there stay as they are. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o700)  # a strange umask may have taken even the owner's rights


def persistently(move: Callable[[], object], more: int = BUSY, pause: Callable[[float], None] = time.sleep) -> None:
    """Calls `move`, and up to `more` times again while the system refuses it. Raises the last PermissionError."""
    for number in range(more):
        try:
            move()
        except PermissionError:
            pause(FIRST_PAUSE * 2**number)
        else:
            return
    move()


def sync(folder: Path) -> None:
    """Returns when the files that were made in `folder` would be found there after a power cut. Raises OutputError."""
    if os.name == "nt":
        return  # a directory cannot be opened there, and NTFS keeps a journal of its own
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(f"cannot sync {folder}: {error.strerror}") from None


@contextmanager
def _creating(path: Path, mode: int) -> Iterator[BinaryIO]:
    """A new file, closed to others from the first moment on, and synced; it goes again if the block fails."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            restrict(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        _drop(path)
        raise


def _drop(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror}", hint="Make room, or choose another place.")
