"""One output file that only grows. Blocks: the caller brings a thread. Knows bytes; nothing of rows or formats."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bulkmail.atomic import restrict
from bulkmail.errors import OutputError

# What only POSIX or only Windows has is 0 or a stand-in on the other.
_FLAGS = os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_sync = getattr(os, "fdatasync", os.fsync)

_GO_ON = "What was committed before is safe; the run can be resumed."
_HINTS = {
    errno.ENOSPC: f"Free some space. {_GO_ON}",
    errno.EDQUOT: f"Raise the quota. {_GO_ON}",
    errno.EFBIG: f"The file system or a limit of the process allows no larger file. {_GO_ON}",
    errno.EIO: f"Look at the disk before trusting it again. {_GO_ON}",
    errno.EACCES: "Give the account that bulkmail runs as the right to write there.",
    errno.EPERM: "Give the account that bulkmail runs as the right to write there.",
    errno.EROFS: "The file system is read-only; choose another output directory.",
    errno.EEXIST: "Nothing is overwritten; choose another output directory, or resume the run.",
    errno.ENOENT: "Make the directory first.",
    errno.ENOTDIR: "A part of the path is a file; choose another output directory.",
    errno.ELOOP: "It is a symbolic link; results are not written through one.",
}


class Appender:
    """An output file that grows by whole blocks. `Appender(path)` creates it, for its owner's eyes only.

    Raises OutputError for everything the file system refuses. After a failed `append` or `sync` nothing more may be
    written through it: what reached the disk is not known.
    """

    def __init__(self, path: Path, *, _flags: int = os.O_CREAT | os.O_EXCL) -> None:
        self.path = path
        self.length = 0
        self._file = _opened(path, _flags)

    @classmethod
    def resume(cls, path: Path, length: int) -> Self:
        """Opens a file that is there and cuts it to `length`. A shorter one lacks what was committed: OutputError."""
        self = cls(path, _flags=0)
        try:
            self.cut(length)
        except BaseException:
            self.close()
            raise
        return self

    @classmethod
    def at_end(cls, path: Path) -> Self:
        """Opens a file to go on behind what it holds, or creates it."""
        self = cls(path, _flags=os.O_CREAT)
        with os_errors_as_output_error(path):
            self.length = os.lseek(self._file, 0, os.SEEK_END)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Appender {self.path} length={self.length}>"

    def append(self, block: bytes) -> int:
        """Writes all of `block` at the end. Returns the new length."""
        rest = memoryview(block)
        with os_errors_as_output_error(self.path):
            while rest:
                rest = rest[os.write(self._file, rest) :]
        self.length += len(block)
        return self.length

    def fill_in(self, at: int, block: bytes) -> None:
        """Writes over what was appended as room for it, and is not committed."""
        rest = memoryview(block)
        with os_errors_as_output_error(self.path):
            os.lseek(self._file, at, os.SEEK_SET)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.lseek(self._file, self.length, os.SEEK_SET)

    def sync(self) -> None:
        """Returns when what was appended would survive a power cut."""
        with os_errors_as_output_error(self.path):
            _sync(self._file)

    def close(self) -> None:
        """May be called again."""
        file, self._file = self._file, -1
        if file >= 0:
            with os_errors_as_output_error(self.path):
                os.close(file)

    def cut(self, length: int) -> None:
        """Forgets what stands behind `length`. Raises OutputError, also where the file is shorter."""
        with os_errors_as_output_error(self.path):
            size = os.fstat(self._file).st_size
            if size < length:
                raise OutputError(
                    f"{self.path}: has {size:,} bytes, and {length:,} were committed",
                    hint="The file was changed since. Put it back, or start a new run.",
                )
            os.ftruncate(self._file, length)
            self.length = os.lseek(self._file, length, os.SEEK_SET)


def _opened(path: Path, flags: int) -> int:
    with os_errors_as_output_error(path):
        file = os.open(path, _FLAGS | flags, 0o600)
    if flags:
        restrict(file)
    return file


@contextmanager
def os_errors_as_output_error(path: Path) -> Iterator[None]:
    """Turns what the system refuses into an error that names the file."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "cannot be written").lower()
        raise OutputError(f"{path}: {reason}", hint=_HINTS.get(error.errno or 0, "")) from error


def reopened(path: Path, length: int) -> Appender:
    """A file of the run, made if it is not there, and cut to `length`. What was cut is cut for good when this returns.

    Raises OutputError, also for a file that is shorter.
    """
    if not length and not path.exists():
        return Appender(path)
    file = Appender.resume(path, length)
    try:
        file.sync()
    except BaseException:
        file.close()
        raise
    return file
