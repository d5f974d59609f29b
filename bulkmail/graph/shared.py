"""Reads a thing once for several parts of a task that need it, also at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Shared:
    """What was read of one mailbox, by name. What could not be read is read anew by the next that asks."""

    __slots__ = ("_found", "_reading")

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}
        self._reading: dict[str, asyncio.Event | None] = {}  # what is being read; an event where others wait for it

    def __contains__(self, name: str) -> bool:
        """Whether it is read, or being read."""
        return name in self._found or name in self._reading

    async def get(self, name: str, read: Callable[[], Awaitable[Any]]) -> Any:
        while name not in self._found:
            if name not in self._reading:
                await self._read(name, read)
            else:
                over = self._reading[name] = self._reading[name] or asyncio.Event()
                await over.wait()
        return self._found[name]

    async def _read(self, name: str, read: Callable[[], Awaitable[Any]]) -> None:
        self._reading[name] = None
        try:
            self._found[name] = await read()
        finally:
            if over := self._reading.pop(name):
                over.set()
