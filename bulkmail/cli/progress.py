"""Shows how a run is getting on: lines that move on a terminal, a log line now and then elsewhere. An observer.

1,234 of 2,000  61 %  820/s  1 s left  9 s  3 throttled  1 denied  7 in flight
all wait 2 s: TooManyRequests, application
1 mailbox waits, ada@contoso.com 3 min 20 s: IncomingBytes, mailbox
the service takes about 500 requests/s (so for 2 min 0 s) and refuses 0.4 % at any rate (so for 9 s)
tls://127.0.0.1:40123: up to 120/s of 250/s, 31 in flight, 64 mailboxes in hand, 88 MB, seen 0.3 s ago

Who waits has lines of its own, since the figures alone fill the first one of a narrow terminal.
"""

import logging
import textwrap
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bulkmail.app.observe import Observer
from bulkmail.model import Status, Wait
from bulkmail.report.text import belief
from bulkmail.run.snapshot import Snapshot
from bulkmail.text import counted, duration, one_line, size

log = logging.getLogger(__name__)

IN_LOG = 5.0
"""Seconds between two lines of the log."""

RATE_OVER = 10.0
"""Seconds that the shown rate is a mean of."""

LONG = 3.0
"""Seconds from which the wait of a single mailbox is worth a word."""

WORKERS = 12
"""Lines of workers that are shown; a terminal has 24."""

WORKERS_IN_LOG = 60.0
"""Seconds between two tellings of the workers in the log."""

WAITS = 2
"""Lines that a wait takes at most on a narrow terminal."""

NOT_WELL = (Status.DENIED, Status.FAILED, Status.UNKNOWN)


@contextmanager
def shown(console: Console | None) -> Iterator[Observer]:
    """An observer that shows lines until the block ends: on `console` if that is a terminal, else in the log."""
    line = Line()
    if console is None or not console.is_terminal:
        yield Logged(line)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:

        def show(snapshot: Snapshot) -> None:
            below = [*waiting(snapshot.waits), *believed(snapshot), *working(snapshot.workers)]
            lines = laid_out(line.parts(snapshot), below, console.width)
            live.update(Text("\n".join(lines), overflow="ellipsis", no_wrap=True), refresh=True)

        yield show


def laid_out(parts: Sequence[str], waits: Sequence[str], width: int) -> list[str]:
    """As many figures as the first line holds, each whole; below them, each wait."""
    first = parts[0]
    for part in parts[1:]:
        if len(first) + 2 + len(part) > width:
            break
        first += f"  {part}"
    lines = [first]
    for wait in waits:
        lines += textwrap.wrap(wait, width, max_lines=WAITS, placeholder="…", subsequent_indent="  ")
    return lines


class Logged:
    """Logs the line of a snapshot every IN_LOG seconds, first when so many have passed; its figures are fields of a log
    that has fields. Workers have lines of their own now and then."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self._due = IN_LOG
        self._workers_due = IN_LOG

    def __call__(self, snapshot: Snapshot) -> None:
        text = self._line(snapshot)
        if snapshot.seconds >= self._due:
            self._due = snapshot.seconds + IN_LOG
            log.info("%s", text, extra={"fields": fields(snapshot)})
        if snapshot.seconds >= self._workers_due:
            self._workers_due = snapshot.seconds + WORKERS_IN_LOG
            for worker in snapshot.workers:
                log.info("%s", one_line(worker))


def fields(now: Snapshot) -> dict[str, object]:
    """The figures of a snapshot for machines."""
    return {
        "event": "progress", "done": now.done, "expected": now.expected or None, "seconds": round(now.seconds, 1),
        "statuses": {str(status): number for status, number in now.statuses.items() if number},
        "rows": now.rows, "requests": now.requests, "throttled": now.throttled, "retried": now.retried,
        "in_flight": now.pace.in_flight, "service": asdict(now.service),
        "waits": [{"mailbox": one.mailbox, "seconds": round(one.seconds, 1), "by": one.by} for one in now.waits[:10]],
    }  # fmt: skip


class Line:
    """The state of a run in one line. Remembers a few snapshots, for the rate."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._bytes: deque[tuple[float, int]] = deque()

    def __call__(self, now: Snapshot) -> str:
        return "  ".join([*self.parts(now), *waiting(now.waits), *believed(now)])

    def parts(self, now: Snapshot) -> list[str]:
        """The figures, the most important first."""
        done = now.done - now.statuses.get(Status.NOT_RUN, 0)  # they have an outcome, once a run is stopped
        rate = _rate(self._marks, now.seconds, done)
        speed = _rate(self._bytes, now.seconds, now.carried[0]) if now.carried[1] else None
        all_wait = any(not wait.mailbox for wait in now.waits)
        parts = [f"{done:,} of {now.expected:,}  {100 * done // now.expected} %" if now.expected else f"{done:,} done"]
        if rate is not None:
            parts.append(f"{rate:,.0f}/s")
        if now.carried[1]:
            parts.append(f"{size(now.carried[0])} of about {size(_in_all(now))}")
        if speed and not all_wait:  # while all wait, the rate says nothing of what is to come
            parts.append(f"{size(round(speed))}/s  {duration(max(0, _in_all(now) - now.carried[0]) / speed)} left")
        elif rate and now.expected > done and not all_wait:
            parts.append(f"{duration((now.expected - done) / rate)} left")
        parts.append(f"after {duration(now.seconds)}")
        parts += [f"{now.statuses[status]:,} {status}" for status in NOT_WELL if now.statuses.get(status)]
        parts += [f"{number:,} {word}" for number, word in ((now.throttled, "throttled"), (now.retried, "retried"))
                  if number]  # fmt: skip
        return [*parts, f"{now.pace.in_flight:,} in flight"] if now.pace.in_flight else parts


def _rate(marks: deque[tuple[float, int]], seconds: float, done: int) -> float | None:
    """What is done a second; None before there are two moments to tell it from."""
    marks.append((seconds, done))
    while seconds - marks[0][0] > RATE_OVER and len(marks) > 2:
        marks.popleft()
    began, before = marks[0]
    return (done - before) / (seconds - began) if seconds > began else None


def _in_all(now: Snapshot) -> int:
    """Bytes of all mailboxes, taken to be like those that have begun."""
    return now.carried[1] * max(now.expected, now.begun) // max(1, now.begun)


def believed(now: Snapshot) -> list[str]:
    """What is believed of the service, where it has shown something."""
    told = belief(now.service)
    return [f"the service {told}"] if told else []


def working(workers: Sequence[str]) -> list[str]:
    """The lines of workers, and how many more there are."""
    more = len(workers) - WORKERS
    return [*map(one_line, workers[:WORKERS]), *([f"and {counted(more, 'worker')} more"] if more > 0 else [])]


def waiting(waits: Sequence[Wait]) -> list[str]:
    """What is waited for: by all, or by how many mailboxes, with the one that waits longest."""
    lines = [f"all wait {duration(max(1.0, wait.seconds))}: {one_line(wait.by)}" for wait in waits if not wait.mailbox]
    held = [wait for wait in waits if wait.mailbox and wait.seconds >= LONG]
    if held:
        longest = max(held, key=lambda wait: wait.seconds)
        many = "1 mailbox waits" if len(held) == 1 else f"{len(held):,} mailboxes wait"
        lines.append(f"{many}, {one_line(longest.mailbox)} {duration(longest.seconds)}: {one_line(longest.by)}")
    return lines
