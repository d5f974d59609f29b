"""Shows how a run is getting on: a line that moves on a terminal, a log line now and then elsewhere. An observer.

1,234 of 2,000  61 %  820/s  1 s left  3 throttled  1 not ok  7 in flight  all wait 2 s: TooManyRequests, application
1,234 of 2,000  61 %  820/s  1 s left  9 in flight  1 mailbox waits, ada@contoso.com 3 min 20 s: IncomingBytes, mailbox
"""

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bulkmail.app.observe import Observer
from bulkmail.model import Wait
from bulkmail.run.snapshot import Snapshot
from bulkmail.text import duration, one_line

log = logging.getLogger(__name__)

IN_LOG = 5.0
"""Seconds between two lines of the log."""

RATE_OVER = 10.0
"""Seconds that the shown rate is a mean of."""

LONG = 3.0
"""Seconds from which the wait of a single mailbox is worth a word."""


@contextmanager
def shown(console: Console | None) -> Iterator[Observer]:
    """An observer that shows a line until the block ends: on `console` if that is a terminal, else in the log."""
    line = Line()
    if console is None or not console.is_terminal:
        yield Logged(line)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(snapshot: Snapshot) -> None:
            live.update(Text(line(snapshot), overflow="ellipsis", no_wrap=True), refresh=True)

        yield show


class Logged:
    """Logs the line of a snapshot every IN_LOG seconds, first when so many have passed."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self._due = IN_LOG

    def __call__(self, snapshot: Snapshot) -> None:
        text = self._line(snapshot)
        if snapshot.seconds >= self._due:
            self._due = snapshot.seconds + IN_LOG
            log.info("%s", text)


class Line:
    """The state of a run in one line. Remembers a few snapshots, for the rate."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def __call__(self, now: Snapshot) -> str:
        done, rate = now.done, self._rate(now.seconds, now.done)
        parts = [f"{done:,} of {now.expected:,}  {100 * done // now.expected} %" if now.expected else f"{done:,} done"]
        parts.append(f"{rate:,.0f}/s")
        if rate and now.expected > done:
            parts.append(f"{duration((now.expected - done) / rate)} left")
        counts = (now.throttled, "throttled"), (now.retried, "retried"), (now.not_ok, "not ok")
        parts += [f"{number:,} {word}" for number, word in counts if number]
        parts.append(f"{now.pace.in_flight:,} in flight")
        return "  ".join([*parts, *_waiting(now.waits)])

    def _rate(self, seconds: float, done: int) -> float:
        """Mailboxes a second."""
        self._marks.append((seconds, done))
        while seconds - self._marks[0][0] > RATE_OVER and len(self._marks) > 2:
            self._marks.popleft()
        began, before = self._marks[0]
        return (done - before) / (seconds - began) if seconds > began else 0.0


def _waiting(waits: Sequence[Wait]) -> list[str]:
    """What is waited for: by all, or by how many mailboxes, with the one that waits longest."""
    lines = [f"all wait {duration(wait.seconds)}: {one_line(wait.by)}" for wait in waits if not wait.mailbox]
    held = [wait for wait in waits if wait.mailbox and wait.seconds >= LONG]
    if held:
        longest = max(held, key=lambda wait: wait.seconds)
        many = "1 mailbox waits" if len(held) == 1 else f"{len(held):,} mailboxes wait"
        lines.append(f"{many}, {one_line(longest.mailbox)} {duration(longest.seconds)}: {one_line(longest.by)}")
    return lines
