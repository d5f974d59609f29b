"""The wish to stop: who wished it, and why. Asking is all it does; the sweep sees to it that nothing is lost."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is the exit code of a run that ends for this reason; `text` goes into its outcomes and summary."""

    code: int
    text: str


TIME_BOX = Reason(5, "the time box of the run was used up")
CHANGES = Reason(5, "the run has made as many changes as it may")
FAILURES = Reason(5, "too many mailboxes failed")
INTERRUPTED = {2: Reason(130, "interrupted"), 15: Reason(143, "terminated")}  # signal number to reason


class Stop:
    """Asked once; the first reason holds."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.reason: Reason | None = None

    def __repr__(self) -> str:
        return f"<Stop {self.reason.text if self.reason else 'not asked'}>"

    def ask(self, reason: Reason) -> None:
        if self.reason is None:
            self.reason = reason
            self._asked.set()

    async def wait(self) -> None:
        await self._asked.wait()

    async def before(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of `work`, or None if it was asked to stop before there was one; the work is then given up."""
        doing, asked = asyncio.create_task(work), asyncio.create_task(self.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
            return doing.result() if doing.done() else None
        finally:
            for task in (doing, asked):
                task.cancel()
            await asyncio.wait({doing, asked})
