"""Lets only a few rows at a time work below the same target, and parks the others, so that they hold up no other row.

A target is the mailbox below which the requests of a row go, where that is not the row's own: the sender of many
notices is one mailbox. More at a time would not be faster, since the service takes four requests at a time there; they
would only all be half done.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from bulkmail.errors import TaskMistake
from bulkmail.model import Mailbox, Rejected, key_of
from bulkmail.run.feed import Feed, Waiters
from bulkmail.tasks import Options, Task

AT_ONCE = 8
"""Rows at a time below one target: twice the requests that a mailbox may have in flight, so that one is always ready
to go."""

PARKED = 16_384
"""Rows that may be parked, for all targets together; then no row is read until one of them has its turn. With twenty
columns each they take about 40 MB."""


class Turns:
    """Hands out the rows of a feed, a worker a row: `leave` must be called for each mailbox that was handed out.

    A row of a full target is parked, and the row behind it is looked at. A parked row comes before any row of the feed
    as soon as its target has a turn; the rows of one target keep their order. `target_of` gives the target of a
    mailbox, empty for the mailbox itself, which needs no turn; what it raises, `target` raises. At most `most` rows are
    parked, and one more for each worker that waits for the feed.
    """

    def __init__(self, feed: Feed, target_of: Callable[[Mailbox], str], most: int = PARKED) -> None:
        self._feed = feed
        self._target_of = target_of
        self._most = most
        self._targets: dict[int, str | Exception] = {}  # by row, from its reading to its `leave`
        self._taken: Counter[str] = Counter()  # turns of a target, those of `_ready` included
        self._queues: dict[str, deque[Mailbox]] = {}  # parked rows, where all turns of a target are taken
        self._ready: deque[Mailbox] = deque()  # parked rows that were given a turn
        self._parked = 0  # rows in `_queues` and `_ready`
        self._waiting = Waiters()  # workers that found all parking space taken

    def __repr__(self) -> str:
        return f"<Turns {dict(self._taken)}, {self._parked} parked>"

    def take(self) -> Mailbox | Rejected | None:
        """The first row at hand that may begin."""
        if self._ready:
            self._parked -= 1
            self._waiting.wake(1)
            return self._ready.popleft()
        while self._parked < self._most and (row := self._feed.take()) is not None:
            if self._may_begin(row):
                return row
        return None

    async def next(self) -> Mailbox | Rejected | None:
        """The first row that may begin; None when the feed has ended. Parked rows are then left to the workers that
        have the turns of their target. Raises what the feed raises."""
        try:
            while (row := self.take()) is None:
                if self._parked >= self._most:
                    await self._waiting.wait()
                elif (row := await self._feed.next()) is None or self._may_begin(row):
                    return row
            return row
        finally:
            if self._parked < self._most:  # a worker that was woken, and left some of the space, passes it on
                self._waiting.wake(1)

    def target(self, mailbox: Mailbox) -> str:
        """The target of a mailbox that was handed out, as `target_of` spells it; empty for the mailbox itself."""
        target = self._targets[mailbox.row]
        if isinstance(target, Exception):
            raise target
        return target

    def leave(self, mailbox: Mailbox) -> None:
        """The work on a mailbox that was handed out has ended: the next row of its target has the turn."""
        target = self._targets.pop(mailbox.row)
        if not target or isinstance(target, Exception):
            return
        key = key_of(target)
        if queue := self._queues.get(key):
            self._ready.append(queue.popleft())
            if not queue:
                del self._queues[key]
            return
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]

    def at_hand(self) -> list[Mailbox]:
        """The parked rows; they are handed out now, and nothing is to be called for them."""
        rows = [*self._ready, *(row for queue in self._queues.values() for row in queue)]
        self._ready.clear()
        self._queues.clear()
        self._parked = 0
        for row in rows:
            del self._targets[row.row]
        return rows

    def _may_begin(self, row: Mailbox | Rejected) -> bool:
        """Whether a row that was just read has its turn; otherwise it is parked."""
        if isinstance(row, Rejected):
            return True
        target = self._targets[row.row] = self._resolved(row)
        if not target or isinstance(target, Exception):
            return True
        key = key_of(target)
        if self._taken[key] < AT_ONCE:
            self._taken[key] += 1
            return True
        self._queues.setdefault(key, deque()).append(row)
        self._parked += 1
        return False

    def _resolved(self, mailbox: Mailbox) -> str | Exception:
        try:
            target = self._target_of(mailbox) or ""
            own = (mailbox.key, key_of(mailbox.id))
            return "" if key_of(target) in own else target
        except Exception as error:  # noqa: BLE001 - the task's mistake, which fails the mailbox when it has its turn
            return error


def turns_of(task: Task, options: Options, feed: Feed, most: int) -> Turns | None:
    """None for a task that works on each mailbox below its own address, which costs no turn."""
    target = task.target
    if target is None:
        return None

    def target_of(mailbox: Mailbox) -> str:
        try:
            return target(mailbox, options)
        except (SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError) as error:
            raise TaskMistake(f"the task's target raised {type(error).__name__}") from error

    return Turns(feed, target_of, most)
