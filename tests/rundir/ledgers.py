"""A ledger whose file is a list, and a disk that can be held up, for tests of how it is written."""

import asyncio
import threading
from typing import Any

import orjson

from bulkmail.errors import OutputError
from bulkmail.model import Change, Effect, Request

Json = dict[str, Any]


def write(row: int = 7, change: Change | None = None) -> Request:
    path, body = f"/users/ada/contacts?x={row}", {"n": row}
    return Request("POST", path, "ada", body=body, effect=Effect.KEYED, row=row, change=change)


class Gate:
    """Holds whatever thread comes until it is opened; `entered` is set when the first has come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._opened = threading.Event()
        self.entered = asyncio.Event()
        self.open = self._opened.set

    def go_through(self) -> None:
        self._loop.call_soon_threadsafe(self.entered.set)
        assert self._opened.wait(60)


async def turns() -> None:
    """Lets everybody do what can be done without the disk; the clock stands still meanwhile."""
    for _ in range(20):
        await asyncio.sleep(0)


class Memory:
    """A journal that keeps its groups, fails from its `fails_at`th on, and waits at the `gate` before it writes."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.groups: list[list[Json]] = []
        self.gate: Gate | None = None
        self._fails_at = fails_at

    def append(self, entries: list[bytes], /) -> None:
        if self.gate is not None:
            self.gate.go_through()
        if self._fails_at is not None and len(self.groups) >= self._fails_at:
            raise OutputError("no space left")
        if entries:
            self.groups.append([orjson.loads(entry) for entry in entries])

    @property
    def entries(self) -> list[Json]:
        return [entry for group in self.groups for entry in group]

    def states(self) -> list[tuple[int, str]]:
        return [(entry["change"], entry["state"]) for entry in self.entries]
