"""Blobs in an object store: each object is written whole, once, and never again.

A store can neither append nor cut. So what would be appended to a file between two checkpoints is an object of its
own, a part: `items-0001-5f2a91c3.tar`, `items-0002-5f2a91c3.tar`; in their order they are that file. A part grows in a
folder of this machine, and is in the store before the checkpoint or outcome that speaks of it is written. Its name has
eight digits of the process that wrote it: no two write the same object, however late one of them wakes up.

The library for stores is fsspec. Credentials are those that it finds in its own environment. What it says of an error
may hold them, so that only the kind of the error is told.
"""

import os
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import ENOENT
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, TypeVar, cast
from uuid import uuid4

from bulkmail.errors import BulkmailError, ConfigError, Damaged, OutputError
from bulkmail.model import Mailbox
from bulkmail.sink.appender import os_errors_as_output_error
from bulkmail.sink.blobs import PUT_BACK, Blobs, MailboxBlobs, at_once, require_all, row_of

T = TypeVar("T")

MARK = "bulkmail"
"""The object that shows whose depot it is: its content is the id of the run."""

BEGUN = -1
"""Stands for the length of a part that was begun to be sent: nothing is known of it."""

GONE = "See that the place is mounted, or put the blobs back; or start a new run."

THREADS = 16
"""Objects that are sent at a time: a journey to a store takes long, and little of a core."""

_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}$")
_PART = re.compile(r"(.*)-([0-9]{4,})-[0-9a-f]{8}(\.[a-z0-9]{1,10})?")


def part_name(name: str, number: int, writer: str) -> str:
    """`items.tar` is `items-0001-5f2a91c3.tar`."""
    suffix = found[0] if (found := _SUFFIX.search(name)) else ""
    return f"{name.removesuffix(suffix)}-{number:04}-{writer}{suffix}"


def part_of(part: str) -> tuple[str, int]:
    """The name and the number of `part_name`. Raises ValueError."""
    if (found := _PART.fullmatch(part)) is None:
        raise ValueError(f"{part} is not the name of a part")
    return found[1] + (found[3] or ""), int(found[2])


class Stored(Protocol):
    """A filesystem of fsspec, as far as it is used here."""

    def cat_file(self, path: str) -> bytes: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def rm_file(self, path: str) -> None: ...
    def ls(self, path: str, detail: bool) -> list[dict[str, Any]]: ...  # noqa: FBT001 - as it is there
    def mkdir(self, path: str, create_parents: bool) -> None: ...  # noqa: FBT001
    def invalidate_cache(self) -> None: ...
    def open(self, path: str, mode: str) -> BinaryIO: ...


class Store:
    """A `Depot` below an address such as `s3://bucket/exports`, for the run with the id `run`."""

    def __init__(self, address: str, run: str) -> None:
        self._run = run
        self._name = f"{address.rstrip('/')}/{run}"

    def __repr__(self) -> str:
        return f"<Store {self._name}>"

    @property
    def name(self) -> str:
        return self._name

    def prepare(self, *, again: bool = False) -> None:
        """With `again`, OutputError where it cannot be seen that this run was here."""
        with _told(self._name):
            if again and not self._is_marked():
                raise OutputError(f"output.blobs: the run left blobs in {self._name}, which is gone", hint=GONE)
            self._writing(f"{self._root}/{MARK}", lambda path: self._system.pipe_file(path, self._run.encode()))

    def is_seen(self) -> bool:
        with suppress(BulkmailError), _told(self._name):
            return self._is_marked()
        return False

    def _is_marked(self) -> bool:
        try:
            return self._system.cat_file(f"{self._root}/{MARK}") == self._run.encode()
        except FileNotFoundError:
            return False

    def look(self) -> None:
        """Raises OutputError and ConfigError where the store cannot be had from here."""
        self._names(self._root_told(), "directory")

    def blobs(
        self, spool: Path, hide: Callable[[str], str] = str, allowed: Callable[[], Awaitable[None]] = at_once
    ) -> "Objects":
        return Objects(self, spool, hide, allowed)

    def recover(
        self, is_done: Callable[[int], bool], committed: Mapping[int, Mapping[str, int]], *, anew: bool = False
    ) -> None:
        """Removes the parts that no outcome and no checkpoint speaks of. Raises OutputError, also where one is gone
        that was committed."""
        del anew  # a straggler writes to objects of its own
        found = set[int]()
        for name in self._names(self._root_told(), "directory"):
            row = row_of(name)
            if row is not None and not is_done(row):
                found.add(row)
                self._recover(name, committed.get(row, {}))
        require_all(self._name, found, committed)

    def _recover(self, folder: str, lengths: Mapping[str, int]) -> None:
        found = self._names(f"{self._root_told()}/{folder}", "file")
        for name, length in lengths.items():
            if found.get(name) != length:
                raise OutputError(f"{self._name}/{folder}/{name}: lacks what was committed", hint=PUT_BACK)
        for name in found.keys() - lengths.keys():
            self.remove(folder, name)

    def _names(self, path: str, kind: str) -> dict[str, int]:
        """What lies there, with its size."""
        with _told(self._name):
            self._system.invalidate_cache()
            try:
                found = self._system.ls(path, detail=True)
            except FileNotFoundError:
                return {}
            named = ((str(one["name"]).rstrip("/").rpartition("/")[2], one) for one in found)
            return {name: int(one["size"] or 0) for name, one in named if one["type"] == kind}

    def put(self, folder: str, file: Path) -> None:
        """Sends a part. Raises OutputError."""
        with _told(self._name):
            path = f"{self._root}/{folder}/{file.name}"
            self._writing(path, lambda path: self._system.put_file(str(file), path))

    def remove(self, folder: str, name: str) -> None:
        """Raises OutputError."""
        with _told(self._name), suppress(FileNotFoundError):
            self._system.rm_file(f"{self._root}/{folder}/{name}")

    def open(self, path: str) -> BinaryIO:
        inner = path.removeprefix(f"{self._name}/").split("/")
        if not path.startswith(f"{self._name}/") or len(inner) != 2 or not {"", ".", ".."}.isdisjoint(inner):
            raise Damaged(f"a row names the object {path!r}, which is not in {self._name}")
        try:
            with _told(path), suppress(FileNotFoundError):
                return cast(BinaryIO, _Reading(self._system.open(f"{self._root}/{'/'.join(inner)}", "rb"), path))
        except OutputError as error:
            raise OSError(str(error)) from None
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), path)

    def _writing(self, path: str, write: Callable[[str], None]) -> None:
        """Where there are folders, ours are made when they are missed; in most stores there are none. What is above
        them is never made: it may be a bucket, and a misspelled one would be a new one."""
        try:
            write(path)
        except FileNotFoundError:
            folder = path.rpartition("/")[0]
            for missing in sorted({self._root, folder}):
                with suppress(FileExistsError):
                    self._system.mkdir(missing, create_parents=False)
            write(path)

    @property
    def _system(self) -> Stored:
        return self._found[0]

    @property
    def _root(self) -> str:
        return self._found[1]

    def _root_told(self) -> str:
        """To find it may ask for credentials already."""
        with _told(self._name):
            return self._root

    @cached_property
    def _found(self) -> tuple[Stored, str]:
        """The filesystem, and what our name is in it. Raises ConfigError."""
        try:
            from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra, and slow to import

            system, root = url_to_fs(self._name)
        except ImportError as error:  # says which package is missing
            raise ConfigError(
                f"output.blobs: {self._name}: {error}",
                hint="Run: pip install 'bulkmail[blobs]' and the package of that store, such as s3fs, gcsfs or adlfs.",
            ) from None
        except ValueError:
            raise ConfigError(
                f"output.blobs: {self._name}: fsspec does not know such a store, or lacks what it has to know of it",
                hint="Is it spelled as in fsspec's list of stores, and is its environment set?",
            ) from None
        return system, str(root).rstrip("/")


class Objects(Blobs):
    """The blobs of a run in a store; parts grow below `spool`."""

    threads = THREADS

    def __init__(
        self, store: Store, spool: Path, hide: Callable[[str], str], allowed: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(spool, hide, allowed, store.name)
        self.store = store
        self.writer = uuid4().hex[:8]

    def of(self, mailbox: Mailbox, committed: Collection[str] = ()) -> "MailboxObjects":
        return MailboxObjects(self, self.path_of(mailbox), committed)


class MailboxObjects(MailboxBlobs):
    """The parts of one mailbox; those that are `committed` already come before."""

    def __init__(self, objects: Objects, folder: Path, committed: Collection[str]) -> None:
        super().__init__(objects, folder)
        self._objects = objects
        self._numbers: dict[str, int] = {}  # of the last part that is committed, by the name of the whole
        self._sent: dict[str, int] = {}  # how long a part was when it was sent, of those that are not committed
        self._count(committed)

    def _count(self, parts: Collection[str]) -> None:
        for name, number in map(part_of, parts):
            self._numbers[name] = max(number, self._numbers.get(name, 0))

    def _named(self, name: str) -> str:
        return part_name(name, self._numbers.get(name, 0) + 1, self._objects.writer)

    def commit(self) -> dict[str, int]:
        lengths = super().commit()
        self._sent.clear()
        self._count(lengths)
        return lengths

    async def send(self) -> None:
        for name, length in list(self.lengths.items()):
            if self._sent.get(name) != length:
                self._sent[name] = BEGUN
                await self._objects.in_thread(self._objects.store.put, self._folder.name, self._folder / name)
                self._sent[name] = length

    def sync(self, names: Mapping[str, int]) -> None:
        """They are in the store, and here no more."""
        for name in names:
            with os_errors_as_output_error(self._folder / name):
                (self._folder / name).unlink(missing_ok=True)

    async def roll_back(self) -> None:
        sent, self._sent = self._sent, {}
        await super().roll_back()
        for name in sent:
            await self._objects.in_thread(self._objects.store.remove, self._folder.name, name)


class _Reading:
    """An object that is read; what goes wrong is an OSError without what the library says of it."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def seek(self, offset: int) -> int:
        return self._done(lambda: self._file.seek(offset))

    def read(self, size: int = -1) -> bytes:
        return self._done(lambda: self._file.read(size))

    def close(self) -> None:
        self._done(self._file.close)

    def _done(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - each store has its own
            raise OSError(f"{self._path}: {type(error).__name__}") from None


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Whatever a store raises as OutputError, by its kind: its text may hold what must not be shown."""
    try:
        yield
    except BulkmailError:
        raise
    except Exception as error:  # noqa: BLE001 - each store has its own
        raise OutputError(
            f"{name}: {type(error).__name__}",
            hint="The store refused it. Who signs in there, and how, is what fsspec finds in its own environment.",
        ) from None
