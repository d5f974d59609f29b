"""The wish to stop: its reason, and who waits for it. Asking is all it does; the sweep sees that nothing is lost."""

import asyncio
import signal
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from bulkmail.sink.uncancelled import give_up

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reason:
    """`code` is the exit code of a run that ends for this reason; `text` goes into its outcomes and summary."""

    code: int
    text: str


STOPPED = 5
"""The exit code of a run that stops early, for a reason of its own, and can be resumed."""

TIME_BOX = Reason(STOPPED, "--max-duration was reached")
CANARY = Reason(STOPPED, "--canary was reached: look at what was done before you go on")
HANGUP = Reason(129, "the terminal was closed")
INTERRUPTED = {
    getattr(signal, name): reason
    for name, reason in {
        "SIGINT": Reason(130, "interrupted"),
        "SIGTERM": Reason(143, "terminated"),
        "SIGHUP": HANGUP,
        "SIGBREAK": Reason(
            149, "interrupted by Ctrl-Break, or the window was closed"
        ),  # of Windows, which has no SIGHUP
    }.items()
    if hasattr(signal, name)
}
"""By signal number; the codes are as shells count them, 128 and the number."""
CANCELLED = Reason(130, "cancelled")
"""The run's own task was cancelled, and nothing had asked it to stop."""


def changes_made(most: int) -> Reason:
    """The run has made as many changes as it may."""
    return Reason(STOPPED, f"--max-changes {most:,} was reached")


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
        """The result of `work`, or None if the stop was asked for first; the work is then cancelled, and has ended when
        this returns. Raises what the work raises, also while it is being cancelled."""
        doing, asked = asyncio.create_task(work), asyncio.create_task(self.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
            doing.cancel()
            await asyncio.wait({doing})
        except asyncio.CancelledError:
            await give_up(doing)  # the cancellation is raised, so an error of the work can only be logged
            raise
        finally:
            asked.cancel()
        return None if doing.cancelled() else doing.result()
