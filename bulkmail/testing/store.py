"""A task's store in memory: what was left for the task, and what it leaves."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from hashlib import sha256
from typing import Any

from bulkmail.model import NOTHING
from bulkmail.sink.names import safe_name
from bulkmail.streams import Blob, Frame


class MemoryStore:
    """Give it to `Graph.of(..., store=...)`, with what an earlier process or run has left behind. Afterwards `state` is
    what the mailbox leaves for the next run, and `files` has its binary output by name."""

    def __init__(self, *, checkpoint: Mapping[str, Any] = NOTHING, state: Mapping[str, Any] = NOTHING) -> None:
        self.checkpoint = checkpoint
        self.state = dict(state)
        self.files: dict[str, bytes] = {}

    @property
    def turn(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def carried(self, done: int, expected: int, /) -> None:
        """Does nothing: a test has no progress line."""

    @asynccontextmanager
    async def blob(
        self, name: str, frame: Frame | None = None, /, *, hashed: bool = True
    ) -> AsyncIterator["MemoryBlob"]:
        name = safe_name(name)
        file = MemoryBlob(name, len(self.files.get(name, b"")) + (frame.head if frame else 0), hashed=hashed)
        yield file
        file.complete = True
        before, behind = frame.around(len(file.content), file.blob.sha256) if frame else (b"", b"")
        self.files[name] = self.files.get(name, b"") + before + file.content + behind


class MemoryBlob:
    """One blob while it is written, and after."""

    def __init__(self, name: str, offset: int, *, hashed: bool) -> None:
        self._name = name
        self._hashed = hashed
        self._offset = offset
        self.content = b""
        self.complete = False

    async def write(self, chunk: bytes, /) -> None:
        self.content += chunk

    @property
    def blob(self) -> Blob:
        if not self.complete:
            raise ValueError("the blob is not finished")
        path = f"blobs/2-ada@contoso.com/{self._name}"
        digest = sha256(self.content).hexdigest() if self._hashed else ""
        return Blob(path, self._offset, len(self.content), digest)
