"""Writes the content of an answer away as it comes. A stream that broke off goes on behind what has come."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from bulkmail.errors import TransportError, Unanswered
from bulkmail.model import BlobFile
from bulkmail.streams import Take

LEAST = 256 * 1024
"""Bytes that a request and its repetitions have to bring before another one is made for the rest."""


async def downloaded(exchange: Callable[..., Awaitable[Any]], to: BlobFile, most: int) -> int:
    """The bytes that were written. `exchange` is called with where the body goes, and with how much of it is there."""
    taken = 0

    async def take(chunk: bytes) -> None:
        nonlocal taken
        if taken + len(chunk) > most:
            raise TransportError(f"the content is larger than {most:,} bytes")
        await to.write(chunk)
        taken = taken + len(chunk)

    @asynccontextmanager
    async def into() -> AsyncIterator[Take]:
        yield take

    while True:
        before = taken
        try:
            body = await exchange(into, lambda: taken)
        except Unanswered:
            if taken < before + LEAST:
                raise
            continue
        if isinstance(body, bytes):  # of a transport that holds all of it
            await take(body[before:])
        return taken
