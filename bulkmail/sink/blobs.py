"""Binary output: files below `blobs/` in the run directory, a folder for each mailbox, which grow by whole blobs.

A blob is written in chunks, in a thread, and hashed on the way. It counts once its mailbox's outcome, or a checkpoint,
is in the journal: the files are synced before, and what is not spoken of there is cut off when the run is resumed. A
name that is used once is a file of its own; a name that is used again is an archive, to which blobs are appended.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from bulkmail.atomic import make_folder, sync
from bulkmail.errors import OutputError, TaskMistake
from bulkmail.model import Mailbox
from bulkmail.sink.appender import Appender, os_errors_as_output_error
from bulkmail.sink.names import safe_name
from bulkmail.sink.uncancelled import uncancelled
from bulkmail.streams import Blob, Frame

T = TypeVar("T")

THREADS = 4
"""Chunks that are written at a time, by threads of their own: a slow disk must not keep the journals waiting."""

WORTH = 256 * 1024
"""Bytes that are worth a journey to a thread; what is smaller is written by the one that ends its blob."""

COPIED = 1 << 20
"""Bytes that are copied at a time."""

STREAMS = 16
"""Contents that are streamed at a time in the whole run: each takes up to two megabytes, most of it buffers of TLS that
fill while the disk is slower than the network."""

PUT_BACK = "Put it back, or start a new run."

_FOLDER = re.compile(r"([0-9]+)-")


async def at_once() -> None:
    """For who writes alone."""


class Blobs:
    """The blobs of a run, below `folder`. `hide` keeps addresses out of the names of folders. Files are touched only
    after `allowed` has returned: where many processes write, it waits for the right to. Paths of blobs begin with
    `name`."""

    threads = THREADS

    def __init__(
        self,
        folder: Path,
        hide: Callable[[str], str] = str,
        allowed: Callable[[], Awaitable[None]] = at_once,
        name: str = "blobs",
    ) -> None:
        self.folder = folder
        self.name = name
        self._hide = hide
        self._allowed = allowed
        self.turn = asyncio.Semaphore(STREAMS)
        self._threads: ThreadPoolExecutor | None = None

    def __repr__(self) -> str:
        return f"<Blobs {self.folder}>"

    def of(self, mailbox: Mailbox, committed: Collection[str] = ()) -> "MailboxBlobs":  # noqa: ARG002 - for others
        """Those of one mailbox, of which the files of these names are `committed`; nothing is made before the first is
        opened."""
        return MailboxBlobs(self, self.path_of(mailbox))

    def path_of(self, mailbox: Mailbox) -> Path:
        """The folder of a mailbox."""
        return self.folder / f"{mailbox.row}-{safe_name(self._hide(mailbox.address))}"

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of work that blocks. If cancelled, the thread is waited for all the same."""
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.threads, "blobs")
        threads, done = self._threads, list[T]()

        async def run() -> None:
            await self._allowed()
            done.append(await loop.run_in_executor(threads, work, *arguments))

        if cancelled := await uncancelled(run()):
            raise cancelled
        return done[0]

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown()


class MailboxBlobs:
    """The blobs of one mailbox, from one commit to the next. `lengths` are of the files that were written to since."""

    def __init__(self, blobs: Blobs, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder
        self._committed: dict[str, int | None] = {}  # length at the last commit, of files that were written to since
        self.lengths: dict[str, int] = {}
        self._open: set[str] = set()

    def open(self, name: str, frame: Frame | None = None, *, hashed: bool = True) -> "Writing":
        """`async with` it, and write. Raises TaskMistake where a blob of this name is just being written. What is not
        `hashed` has no digest: it holds what has digests of its own."""
        return Writing(self._blobs, self, self._folder / self._named(safe_name(name)), frame, hashed=hashed)

    def _named(self, name: str) -> str:
        """The file that the blobs of this name are in."""
        return name

    def claim(self, name: str) -> None:
        if name in self._open:
            raise TaskMistake(f"{name} is being written to already")
        self._open.add(name)

    def begun(self, name: str, length: int | None) -> None:
        """A file that was claimed is open, and had this length; None if it was not there."""
        self._committed.setdefault(name, length)

    def release(self, name: str) -> None:
        self._open.discard(name)

    def ended(self, name: str, length: int) -> None:
        """A blob is complete, and the file has this length."""
        self.lengths[name] = length

    def commit(self) -> dict[str, int]:
        """What was written so far is about to be committed, and another part begins: gives the length of each file.

        Raises TaskMistake where a blob is just being written.
        """
        if self._open:
            raise TaskMistake(f"{min(self._open)} is still being written to")
        lengths, self.lengths, self._committed = self.lengths, {}, {}
        return lengths

    async def send(self) -> None:
        """Before `commit`: returns when what was written so far is where it is to stay. Raises OutputError."""

    def sync(self, names: Mapping[str, int]) -> None:
        """Returns when these files would be found whole after a power cut. Blocks. Raises OutputError."""
        for name in names:
            path = self._folder / name
            with os_errors_as_output_error(path):
                handle = os.open(path, os.O_RDWR)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)
        if names:
            for folder in (self._folder, self._blobs.folder, self._blobs.folder.parent):
                sync(folder)

    async def roll_back(self) -> None:
        """The mailbox has failed: what was written since the last commit is taken back. Raises OutputError."""
        before, self._committed, self.lengths = self._committed, {}, {}
        await self._blobs.in_thread(self._cut, before)

    def _cut(self, lengths: Mapping[str, int | None]) -> None:
        for name, length in lengths.items():
            cut(self._folder / name, length)


class Writing:
    """A blob that is being written: `await write(chunk)`, each chunk a few megabytes at the most. Afterwards `blob`
    says where it lies. A block that ends with an error leaves nothing of the blob behind."""

    def __init__(
        self, blobs: Blobs, mailbox: MailboxBlobs, path: Path, frame: Frame | None = None, *, hashed: bool = True
    ) -> None:
        self._blobs = blobs
        self._mailbox = mailbox
        self._path = path
        self._frame = frame
        self._file: Appender | None = None
        self._before: int | None = None  # the file's length; None if it was not there
        self._offset = self._end_of_file = 0
        self._hash = sha256() if hashed else None
        self._waiting: list[bytes] = []  # for a journey to a thread
        self._inside = False
        self._done: Blob | None = None

    def __repr__(self) -> str:
        return f"<Writing {self._path.name}>"

    async def __aenter__(self) -> Self:
        self._mailbox.claim(self._path.name)
        self._inside = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = False
        try:
            if error is None or self._file is not None:
                await self._journey(self._end, error is None)
        finally:
            self._mailbox.release(self._path.name)
            if self._done is not None:
                self._mailbox.ended(self._path.name, self._end_of_file)

    async def write(self, chunk: bytes) -> None:
        """Returns when the chunk is with the system, or waits for others to go there with. Raises OutputError."""
        if not self._inside:
            raise TaskMistake("a blob is written to in its `async with`")
        self._waiting.append(chunk)
        if sum(map(len, self._waiting)) >= WORTH:
            await self._journey(self._write)

    @property
    def blob(self) -> Blob:
        """Raises TaskMistake before the block has ended."""
        if self._done is None:
            raise TaskMistake("the blob is not finished")
        return self._done

    async def _journey(self, work: Callable[..., None], *arguments: Any) -> None:
        """To a thread and back, with what waits."""
        waiting, self._waiting = self._waiting, []
        try:
            await self._blobs.in_thread(work, waiting, *arguments)
        finally:
            if self._file is not None:
                self._mailbox.begun(self._path.name, self._before)

    def _write(self, chunks: Sequence[bytes]) -> None:
        file = self._opened()
        for chunk in chunks:
            file.append(chunk)
            if self._hash is not None:
                self._hash.update(chunk)

    def _opened(self) -> Appender:
        """The file, opened by the first journey."""
        if self._file is None:
            with os_errors_as_output_error(self._path.parent):
                make_folder(self._path.parent)
            was_there = self._path.exists()
            self._file = Appender.at_end(self._path)
            self._offset = self._file.length
            self._before = self._offset if was_there else None
            if self._frame is not None:
                self._file.append(bytes(self._frame.head))  # filled in when the size and the digest are known
        return self._file

    def _end(self, chunks: Sequence[bytes], whole: bool) -> None:  # noqa: FBT001 - called by a thread, without names
        with self._opened() as file:
            if not whole:
                file.cut(self._offset)
                return
            try:
                self._write(chunks)
                start, end = self._offset + (self._frame.head if self._frame else 0), file.length
                digest = self._hash.hexdigest() if self._hash is not None else ""
                if self._frame is not None:
                    before, behind = self._frame.around(end - start, digest)
                    file.fill_in(self._offset, before)
                    file.append(behind)
            except BaseException:
                with suppress(OutputError):  # the first error is the one to tell
                    file.cut(self._offset)
                raise
            self._end_of_file = file.length
        self._done = Blob("/".join((self._blobs.name, *self._path.parts[-2:])), start, end - start, digest)


def cut(path: Path, length: int | None) -> None:
    """Makes a file as long as it was when it was committed; None removes one that was not there. Blocks.

    Raises OutputError, also for a file that lacks what was committed.
    """
    if length is not None:
        Appender.resume(path, length).close()
        return
    with os_errors_as_output_error(path):
        path.unlink(missing_ok=True)


def recover_blobs(
    folder: Path, is_done: Callable[[int], bool], committed: Mapping[int, Mapping[str, int]], *, anew: bool = False
) -> None:
    """Cuts the blobs of a run that was killed back to what was `committed`.

    What rows that are done have is whole; other rows keep the files of these names, with these lengths. With `anew`,
    files become copies of what they were: a process that still has one open writes to what is read no more. Blocks.
    Raises OutputError, also where a folder or a file lacks what was committed.
    """
    found = set[int]()
    with os_errors_as_output_error(folder):
        for own in folder.iterdir() if folder.is_dir() else ():
            row = row_of(own.name)
            if row is None or own.is_symlink() or is_done(row):
                continue
            found.add(row)
            with os_errors_as_output_error(own):
                _recover(own, committed.get(row, {}), _copy if anew else cut)
    require_all(str(folder), found, committed)


def require_all(place: str, found: Container[int], committed: Mapping[int, Mapping[str, int]]) -> None:
    """Raises OutputError where a row has files that were committed, and no folder was found for it."""
    for row, lengths in committed.items():
        if lengths and row not in found:
            raise OutputError(f"{place}: the folder of row {row} is gone, and was committed", hint=PUT_BACK)


def row_of(folder: str) -> int | None:
    """The row of the mailbox that a folder of this name belongs to; None for what is not one of ours."""
    found = _FOLDER.match(folder)
    return int(found[1]) if found else None


def _recover(folder: Path, lengths: Mapping[str, int], cut_to: Callable[[Path, int | None], None]) -> None:
    if not lengths:
        shutil.rmtree(folder)
        return
    for path in list(folder.iterdir()):
        cut_to(path, lengths.get(path.name))
    for name in lengths:
        if not (folder / name).exists():
            raise OutputError(f"{folder / name}: is gone, and was committed", hint=PUT_BACK)


def _copy(path: Path, length: int | None) -> None:
    """As `cut`, into a file of its own at the same place."""
    if length is None:
        path.unlink(missing_ok=True)  # a copy that was not finished is gone already where its file came first
        return
    fresh = path.with_name(f".{path.name}.anew")
    fresh.unlink(missing_ok=True)  # of one that was not finished
    with path.open("rb") as file, Appender(fresh) as copy:
        while copy.length < length and (piece := file.read(min(COPIED, length - copy.length))):
            copy.append(piece)
        copy.sync()
        if copy.length < length:
            raise OutputError(f"{path}: lacks what was committed", hint=PUT_BACK)
    fresh.replace(path)
