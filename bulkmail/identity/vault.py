"""Writes the files of a key pair: private ones for their owner alone, and never half a file in place of a whole."""

from pathlib import Path

from bulkmail import atomic
from bulkmail.atomic import PRIVATE, PUBLIC
from bulkmail.errors import OutputError

__all__ = ["PRIVATE", "PUBLIC", "write"]


def write(path: Path, content: bytes, mode: int, *, replace: bool = False) -> None:
    """Puts `content` at `path` with exactly `mode`, whatever the umask. What exists stays, unless it is to be replaced.
    Missing folders are made. Raises OutputError."""
    try:
        atomic.make_folder(path.parent)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    put = atomic.replace if replace else atomic.create
    put(path, content, mode)
