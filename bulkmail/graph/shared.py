"""Reads a thing once for several parts of a task that need it, also at the same time."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any


class Shared:
    """What was read of one mailbox, by name. What could not be read is read anew by the next that asks."""

    __slots__ = ("_found", "_locks")

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def __contains__(self, name: str) -> bool:
        """Whether it is read, or being read."""
        return name in self._found or (name in self._locks and self._locks[name].locked())

    async def get(self, name: str, read: Callable[[], Awaitable[Any]]) -> Any:
        async with self._locks[name]:
            if name not in self._found:
                self._found[name] = await read()
        return self._found[name]
