"""Shows how a run is getting on: one line that moves on a terminal, a log line now and then elsewhere. Only looks.

1,234 of 2,000  61 %  820/s  1 s left  3 throttled  1 not ok  7 in flight  all wait 2 s: TooManyRequests, application
1,234 of 2,000  61 %  820/s  1 s left  9 in flight  1 mailbox waits, ada@contoso.com 3 min 20 s: IncomingBytes, mailbox
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bulkmail.model import Wait
from bulkmail.rundir.totals import Totals
from bulkmail.text import duration, one_line

log = logging.getLogger(__name__)

ON_TERMINAL, IN_LOG = 0.25, 5.0
"""Seconds between two looks."""

RATE_OVER = 10.0
"""Seconds that the shown rate is a mean of."""


LONG = 3.0
"""Seconds from which the wait of a single mailbox is worth a word."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to see. `expected` mailboxes is 0 if nobody can tell."""

    totals: Totals
    expected: int = 0
    in_flight: int = 0
    waits: Sequence[Wait] = ()  # who waits for a limit now


class Progress:
    """Run `show` beside the sweep and cancel it at the end."""

    def __init__(self, look: Callable[[], Look], console: Console | None) -> None:
        self._look = look
        self._console = console
        self._marks: deque[tuple[float, int]] = deque()

    async def show(self) -> None:
        if self._console is not None and self._console.is_terminal:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                while True:
                    live.update(Text(self.line(), overflow="ellipsis", no_wrap=True), refresh=True)
                    await asyncio.sleep(ON_TERMINAL)
        while True:
            await asyncio.sleep(IN_LOG)
            log.info("%s", self.line())

    def line(self) -> str:
        """The state in one line."""
        now, look = asyncio.get_running_loop().time(), self._look()
        done, rate = look.totals.done, self._rate(now, look.totals.done)
        parts = [
            f"{done:,} of {look.expected:,}  {100 * done // look.expected} %" if look.expected else f"{done:,} done"
        ]
        parts.append(f"{rate:,.0f}/s")
        if rate and look.expected > done:
            parts.append(f"{duration((look.expected - done) / rate)} left")
        parts += [f"{number:,} {word}" for number, word in self._counts(look.totals) if number]
        parts.append(f"{look.in_flight:,} in flight")
        return "  ".join([*parts, *_waiting(look.waits)])

    @staticmethod
    def _counts(totals: Totals) -> tuple[tuple[int, str], ...]:
        return (totals.throttled, "throttled"), (totals.retried, "retried"), (totals.not_ok, "not ok")

    def _rate(self, now: float, done: int) -> float:
        self._marks.append((now, done))
        while now - self._marks[0][0] > RATE_OVER and len(self._marks) > 2:
            self._marks.popleft()
        began, before = self._marks[0]
        return (done - before) / (now - began) if now > began else 0.0


def _waiting(waits: Sequence[Wait]) -> list[str]:
    """What is waited for: by all, or by how many mailboxes, with the one that waits longest."""
    told = [f"all wait {duration(wait.seconds)}: {one_line(wait.by)}" for wait in waits if not wait.mailbox]
    held = [wait for wait in waits if wait.mailbox and wait.seconds >= LONG]
    if held:
        _, seconds, by = longest = max(held, key=lambda wait: wait.seconds)
        many = "1 mailbox waits" if len(held) == 1 else f"{len(held):,} mailboxes wait"
        told.append(f"{many}, {one_line(longest.mailbox)} {duration(seconds)}: {one_line(by)}")
    return told
