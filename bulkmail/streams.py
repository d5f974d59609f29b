"""Where the body of an answer goes that is too large for memory, what stands around it there, and how a large body
leaves.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from io import BytesIO
from typing import NamedTuple, Protocol, TypeAlias

Take: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Takes one chunk of an answer, of some hundred kilobytes at the most."""

Into: TypeAlias = Callable[[], AbstractAsyncContextManager[Take]]
"""Where the body of an answer goes: entered for each attempt, and left with the error of one that broke off."""


class Blob(NamedTuple):
    """A piece of binary output: `bytes` of the file at `path` from `offset` on. `path` has slashes, and is relative to
    the run directory, or whole where the job has a place for blobs; `sha256` is of the piece, in hexadecimal digits."""

    path: str
    offset: int
    bytes: int
    sha256: str


class Frame(Protocol):
    """What stands around a blob in its file and is not a part of it: the header of an archive's member, its padding."""

    @property
    def head(self) -> int:
        """Bytes that are kept free before the blob."""

    def around(self, size: int, sha256: str, /) -> tuple[bytes, bytes]:
        """The `head` bytes before a blob of this size and digest, and what comes behind it."""


LARGE = 1 << 20
"""Bytes of a body from which on aiohttp warns that bytes would hold up the loop; of a file it sends piece by piece."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A body that is too large for memory: `size` bytes, which `read` gives anew for each attempt, in chunks."""

    size: int
    read: Callable[[], AsyncIterator[bytes]]

    def __len__(self) -> int:
        return self.size


def sendable(content: bytes | Pieces | None) -> bytes | AsyncIterator[bytes] | BytesIO | None:
    """The body of a request as aiohttp wants it."""
    if isinstance(content, Pieces):
        return content.read()
    return BytesIO(content) if content is not None and len(content) >= LARGE else content
