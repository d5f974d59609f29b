"""Which runs on this host work with one application, and how many requests a mailbox each of them may have in flight.

Each run has two files: one that its process locks, so that its lease ends with it however that ends, and one that says
who it is and what it uses. What all use together never exceeds what the service allows a mailbox: a run takes only what
the others have given up, and gives up only what it has nothing in flight for any more. A third lock lets one run at a
time look and write. Everything here blocks.

It is private to its account, unless the folder that it is made in is one that others may write to: then these accounts
may do so with all that is in it, whatever the umask.
"""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self
from uuid import uuid4

import orjson
from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from bulkmail.atomic import make_folder
from bulkmail.errors import OutputError

SLOTS = 4
"""Requests in flight that the service allows an application for a mailbox (learn.microsoft.com/graph/throttling-limits,
Outlook)."""

PATIENCE = 10.0
"""Seconds that are waited for another run that looks: it takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run. `began` is when it joined, in seconds since 1970; it `uses` so many slots of each mailbox, and wants at
    most so many: none while it waits for the others to end."""

    task: str
    folder: str
    pid: int
    began: float
    wants: int = SLOTS
    uses: int = 0

    def __str__(self) -> str:
        return f"{self.task} in {self.folder} (process {self.pid})"


_READER = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Share:
    """What a run may have in flight for a mailbox from now on, and the `others`, those that joined first before it."""

    slots: int
    before: Sequence[Entry]
    after: Sequence[Entry]

    @property
    def others(self) -> Sequence[Entry]:
        return (*self.before, *self.after)


class Lease:
    """A run's place in the registry in `folder`, from `join` to `leave`. Raises OutputError where the registry cannot
    be kept."""

    def __init__(self, folder: Path, entry: Entry) -> None:
        self._folder = folder
        self._name = uuid4().hex
        self._lock = _lock(folder, self._name)
        self._entry = entry

    def __repr__(self) -> str:
        return f"<Lease of {self._entry}>"

    @classmethod
    def join(cls, folder: Path, entry: Entry) -> Self:
        """Enters a run, which uses nothing yet."""
        lease = cls(folder, entry)
        with _guarded(folder):
            lease._lock.acquire()
            lease._write()
            for path in (lease._path, Path(lease._lock.lock_file)):
                path.chmod(_rights(folder))
        return lease

    def settle(self, wants: int, *, allowed: int, most: int) -> Share:
        """Looks at the others, and says what this run may have in flight for a mailbox from now on, of at most `wants`.
        `allowed` is what it was allowed when it had at `most` so many in flight."""
        with _guarded(self._folder):
            others = self._others()
            working = [one for one in others if one.wants]
            target = min(wants, fair(len(working) + 1, sum(map(self._is_before, working))))
            uses = max(target, allowed, most) if wants else most
            if uses >= self._entry.uses:  # it may take only what is left
                uses = max(min(uses, SLOTS - sum(one.uses for one in others)), self._entry.uses)
            self._entry = replace(self._entry, wants=wants, uses=uses)
            self._write()
        before = [one for one in others if self._is_before(one)]
        after = [one for one in others if not self._is_before(one)]
        return Share(min(target, uses), before, after)

    def leave(self) -> None:
        """May be called again."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            self._lock.release(force=True)
            Path(self._lock.lock_file).unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._name}.json"

    def _is_before(self, other: Entry) -> bool:
        mine = self._entry
        return (other.began, other.pid, other.folder) < (mine.began, mine.pid, mine.folder)

    def _others(self) -> list[Entry]:
        return [entry for name, entry in _living(self._folder) if name != self._name]

    def _write(self) -> None:
        self._path.write_bytes(orjson.dumps(asdict(self._entry)))


def fair(runs: int, place: int) -> int:
    """The slots of the run at `place`, from 0, among so many; those that joined first have what is left over, and from
    the fifth on there is none."""
    return SLOTS // runs + (place < SLOTS % runs)


def living(folder: Path) -> list[Entry]:
    """The runs that a registry knows; empty for one that is not there. Raises OutputError."""
    if not folder.is_dir():
        return []
    with _guarded(folder):
        return [entry for _, entry in _living(folder)]


def _living(folder: Path) -> Iterator[tuple[str, Entry]]:
    """The entries whose process lives; of the others the files go."""
    for path in sorted(folder.glob("*.json")):
        lock = _lock(folder, path.stem)
        try:
            lock.acquire()
        except Timeout:
            with suppress(ValidationError):  # one that was just made
                yield path.stem, _READER.validate_json(path.read_bytes())
        else:
            path.unlink(missing_ok=True)
            lock.release(force=True)
            Path(lock.lock_file).unlink(missing_ok=True)


def _lock(folder: Path, name: str) -> FileLock:
    return FileLock(folder / f"{name}.lock", timeout=0, mode=0o600, thread_local=False)


def _make(folder: Path) -> None:
    """For all who may write to the folder that it lies in. Each may remove what another one left behind there, and
    filelock takes no lock of another account where that is not so."""
    if not folder.is_dir():
        make_folder(folder)
        around = stat.S_IMODE(folder.parent.stat().st_mode)
        if around & (stat.S_IWGRP | stat.S_IWOTH):
            folder.chmod(around & ~stat.S_ISVTX)


def _rights(folder: Path) -> int:
    """Those of a file that is for all who may write to its folder."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return 0o600 | (0o060 if mode & stat.S_IWGRP else 0) | (0o006 if mode & stat.S_IWOTH else 0)


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    try:
        _make(folder)
        guard = folder / ".lock"
        with FileLock(guard, timeout=PATIENCE, mode=0o600, thread_local=False):
            with suppress(PermissionError):  # it is that of another account
                guard.chmod(_rights(folder))
            yield
    except (OSError, Timeout) as error:
        said = getattr(error, "strerror", None) or "another run does not let go of it"
        raise OutputError(f"{folder}: {said.lower()}") from error
