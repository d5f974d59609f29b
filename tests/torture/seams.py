"""Counts the seams between a process and the system, and does harm at the n-th: in a child that is there to be harmed.

A seam is a call that another process could notice: a write, a sync, an open, a rename, an unlink, a truncation, a
lock, something sent or received. The calls are replaced by ones that count, before bulkmail's own code runs, so the
harm falls between two lines of it. Only asyncio's own loop sends and receives in Python, so it is used here; the other
one is tortured by kills at random moments.
"""

import builtins
import fcntl
import io
import mmap
import os
import signal
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bulkmail.sink import appender

Call: TypeAlias = Callable[..., Any]

FILES = ("write", "fsync", "fdatasync", "ftruncate", "open", "replace", "rename", "unlink", "mkdir")
SENDS = ("send", "sendall", "sendmsg")
RECEIVES = ("recv", "recv_into")
_HEAD = struct.Struct("<QQQ")
_NAME = 200


@dataclass(frozen=True, slots=True)
class Harm:
    """What happens at the crossing number `at` of the seams of `folder`, and of the network unless `files` only.

    `act` is kill, short (half of a write), torn (half of a write, then no space), gone (the folder is moved away), or
    the number of an error. With `at` 0 nothing does: crossings are counted.
    """

    at: int = 0
    act: str | int = "kill"
    folder: str = ""
    files: bool = False


class Tally:
    """What a child tells its parent, through memory that both see and that outlives the child."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, mmap.PAGESIZE)

    def clear(self) -> None:
        self._shared[:] = bytes(mmap.PAGESIZE)

    @property
    def crossings(self) -> int:
        return int(_HEAD.unpack_from(self._shared)[0])

    @property
    def harmed(self) -> bool:
        return bool(_HEAD.unpack_from(self._shared)[1])

    @property
    def sent_after(self) -> int:
        """Sends after the harm."""
        return int(_HEAD.unpack_from(self._shared)[2])

    @property
    def where(self) -> str:
        """The seam that was harmed."""
        return self._shared[_HEAD.size : _HEAD.size + _NAME].rstrip(b"\0").decode("utf-8", "replace")

    def cross(self) -> int:
        crossed, harmed, sent = _HEAD.unpack_from(self._shared)
        _HEAD.pack_into(self._shared, 0, crossed + 1, harmed, sent)
        return int(crossed) + 1

    def send(self) -> None:
        crossed, harmed, sent = _HEAD.unpack_from(self._shared)
        _HEAD.pack_into(self._shared, 0, crossed, harmed, sent + harmed)

    def harm(self, where: str) -> None:
        crossed, _, sent = _HEAD.unpack_from(self._shared)
        _HEAD.pack_into(self._shared, 0, crossed, 1, sent)
        name = where.encode()[:_NAME]
        self._shared[_HEAD.size : _HEAD.size + len(name)] = name


class Seams:
    """The seams of this process, from `install` on."""

    def __init__(self, harm: Harm, tally: Tally) -> None:
        self._harm = harm
        self._tally = tally
        self._lock = threading.Lock()  # more than one thread writes
        self._full = False  # after a torn write, the disk stays full
        self._write, self._rename = os.write, os.rename  # as they are

    def install(self) -> None:
        sys.modules["uvloop"] = None  # type: ignore[assignment]  # a search for it finds none
        for name in FILES:
            setattr(os, name, self._file(name, getattr(os, name)))
        appender._sync = os.fdatasync
        builtins.open = io.open = self._file("open", io.open)
        fcntl.flock = self._file("flock", fcntl.flock)
        if self._harm.files:
            self._count_sends()
            return
        for kind in (socket.socket, ssl.SSLSocket):
            for name in SENDS + RECEIVES:
                setattr(kind, name, self._network(name, getattr(kind, name)))

    def _count_sends(self) -> None:
        def counting(call: Call) -> Call:
            def counted(*args: Any, **options: Any) -> Any:
                self._tally.send()
                return call(*args, **options)

            return counted

        for name in SENDS:
            setattr(socket.socket, name, counting(getattr(socket.socket, name)))

    def _network(self, name: str, call: Call) -> Call:
        def crossed(*args: Any, **options: Any) -> Any:
            with self._lock:
                if self._tally.cross() == self._harm.at:
                    self._die(name)
            return call(*args, **options)

        return crossed

    def _file(self, name: str, call: Call) -> Call:
        def crossed(*args: Any, **options: Any) -> Any:
            where = _path_of(args[0] if args else "")
            if not where.startswith(self._harm.folder):
                return call(*args, **options)
            with self._lock:
                strikes = self._tally.cross() == self._harm.at
                if strikes:
                    self._strike(f"{name} {Path(where).name}")
            if self._full and name == "write":
                raise OSError(28, "No space left on device")
            if strikes and self._harm.act in ("short", "torn") and name == "write":
                self._full = self._harm.act == "torn"
                return self._write(args[0], args[1][: max(1, len(args[1]) // 2)])
            return call(*args, **options)

        return crossed

    def _strike(self, where: str) -> None:
        self._tally.harm(where)
        match self._harm.act:
            case "kill":
                self._die(where)
            case "gone":
                with suppress(FileNotFoundError):  # it was not there yet
                    self._rename(self._harm.folder, f"{self._harm.folder}-moved")
            case int() as number:
                raise OSError(number, os.strerror(number))

    def _die(self, where: str) -> None:
        self._tally.harm(where)
        os.kill(os.getpid(), signal.SIGKILL)


def _path_of(named: Any) -> str:
    """What a call is about: a path, or what a file descriptor stands for."""
    if isinstance(named, int):
        try:
            return str(Path(f"/proc/self/fd/{named}").readlink())
        except OSError:
            return ""
    if hasattr(named, "fileno"):
        return _path_of(named.fileno())
    return os.path.abspath(os.fsdecode(named))  # noqa: PTH100 - as it is named: links are not followed
