"""The body of a request as aiohttp wants it: a large one as a file, which it sends piece by piece."""

from io import BytesIO

LARGE = 1 << 20
"""Bytes from which on aiohttp warns that bytes would hold up the loop."""


def sendable(content: bytes | None) -> bytes | BytesIO | None:
    return BytesIO(content) if content is not None and len(content) >= LARGE else content
