"""Writes the content of an answer to a blob as it comes. A stream that broke off goes on behind what has come.

The blob is opened when its first chunk is there: a thousand that only wait for their turn would be a thousand open
files.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from bulkmail.errors import TransportError, Unanswered
from bulkmail.model import BlobFile
from bulkmail.streams import Blob, Take

LEAST = 256 * 1024
"""Bytes that a request and its repetitions have to bring before another one is made for the rest."""

SMALL = 128 * 1024
"""Bytes of content that takes no more memory than any other answer."""


async def downloaded(
    exchange: Callable[..., Awaitable[Any]],
    blob: Callable[[], AbstractAsyncContextManager[BlobFile]],
    most: int,
    turn: AbstractAsyncContextManager[object],
) -> Blob:
    """The blob that was written. `exchange` is called with where the body goes, and with how much of it is there."""
    async with turn, AsyncExitStack() as opened:
        content = _Content(blob, opened, most)
        while True:
            before = content.taken
            try:
                body = await exchange(content.into, lambda: content.taken)
            except Unanswered:
                if content.taken < before + LEAST:
                    raise
                continue
            if isinstance(body, bytes):  # of a transport that holds all of it
                await content.take(body[before:])
            file = await content.opened()
            break
    return file.blob


class _Content:
    """What has come so far."""

    def __init__(
        self, blob: Callable[[], AbstractAsyncContextManager[BlobFile]], stack: AsyncExitStack, most: int
    ) -> None:
        self.taken = 0
        self._blob = blob
        self._stack = stack
        self._most = most
        self._file: BlobFile | None = None

    @asynccontextmanager
    async def into(self) -> AsyncIterator[Take]:
        yield self.take

    async def take(self, chunk: bytes) -> None:
        """Raises TransportError for more than there may be."""
        if self.taken + len(chunk) > self._most:
            raise TransportError(f"the content is larger than {self._most:,} bytes")
        file = await self.opened()
        await file.write(chunk)
        self.taken = self.taken + len(chunk)

    async def opened(self) -> BlobFile:
        if self._file is None:
            self._file = await self._stack.enter_async_context(self._blob())
        return self._file
