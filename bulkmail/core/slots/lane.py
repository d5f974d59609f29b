"""One mailbox while it is worked on: four slots, a fence and its budgets. Is told the time; never waits.

Limit of the service, per application and mailbox (learn.microsoft.com/graph/throttling-limits, Outlook, 2026-02): 4
requests in flight. A lane exists from `enter` to `leave`, which is as long as its mailbox is worked on, and after that
for as long as its fence or its budgets say something about the next visit.
"""

import math
from collections import deque
from functools import partial
from typing import Protocol

from bulkmail.core.slots.budget import COUNT_FROM, Budgets
from bulkmail.core.slots.chain import first_reach
from bulkmail.core.slots.fence import OPEN, Fence
from bulkmail.model import Tally

SLOTS = 4
DIRECTORY_SLOTS = 8
"""For requests to no mailbox; the directory counts resource units and not slots, and a listing is one page after
another."""

_tally = partial(tuple.__new__, Tally)  # of all its fields in C: calling the class costs twice that

NO_WAITS = (0, 0.0, (0.0, ""))
"""What a lane knows of waits when it has just been billed."""


class Waiter(Protocol):
    """A request that waits for its turn. `upload` is its size in bytes, `sends` how many messages it sends, and `safe`
    whether repeating it does no harm."""

    upload: int
    sends: int
    safe: bool

    def gone(self) -> bool:
        """Whether it waits no more: it was cancelled, or was told that its wait is too long."""

    def admit(self) -> None:
        """It has its slot, and leaves."""

    def refuse(self, error: Exception) -> None:
        """It waits no more, because of `error`."""


NO_ONE: deque[Waiter] = deque(maxlen=0)
"""The waiters of all lanes that have none: most never do, and a deque each costs as much as the rest of the lane."""


class Lane:
    """The queue of one mailbox, and what it costs."""

    __slots__ = (
        "budgets",
        "entered",
        "fence",
        "held",
        "in_flight",
        "key",
        "lingers",
        "longest",
        "queued",
        "reach",
        "requests",
        "slots",
        "throttled",
        "told",
        "waited",
        "waiting",
    )

    def __init__(self, key: str, slots: int, reach: int = 1) -> None:
        # Changed by Slots.
        self.key = key
        self.slots = slots
        self.entered = self.in_flight = self.requests = 0
        self.budgets: Budgets | None = None  # most lanes never need them
        # Raised by Fences.
        self.fence = OPEN
        # Changed by Line.
        self.reach = reach  # links that its next chain may have
        self.waiting = NO_ONE
        self.queued = False  # in one of the two lines, or the line knows when to put it there
        self.lingers = False  # nothing is left to do, and the line knows when to forget it
        self.held = (0.0, "")  # a budget lets nothing more leave before; and its name
        # What the next bill says, and the requests on bills so far.
        self.throttled, self.waited, self.longest = NO_WAITS  # the longest for a limit, and that limit
        self.told = 0

    def __repr__(self) -> str:
        return f"<Lane {self.in_flight} in flight, {len(self.waiting)} waiting, {self.requests} sent>"

    def queue(self) -> deque[Waiter]:
        """What waits, to be added to."""
        if self.waiting is NO_ONE:
            self.waiting = deque()
        return self.waiting

    def own_fence(self) -> Fence:
        """Its fence, to be raised."""
        if self.fence is OPEN:
            self.fence = Fence()
        return self.fence

    def bill(self) -> Tally:
        """What the mailbox cost since the last bill, which was that of another visit. All bills add up to what it cost;
        of visits at the same time, the first to leave is told what they cost together."""
        bill = _tally((self.requests - self.told, self.throttled, self.waited, self.longest[1]))
        self.told = self.requests
        self.throttled, self.waited, self.longest = NO_WAITS
        return bill


class Slots:
    """All lanes of a run, by the key of their mailbox.

    `ready` decides and `take` counts, with nothing in between; every slot taken is given back exactly once. `longest`
    is how many requests may share one.
    """

    def __init__(self, slots: int = SLOTS, longest: int = 1) -> None:
        self.slots = slots
        self.longest = longest
        self._reach = first_reach(longest)
        self.lanes: dict[str, Lane] = {}

    def __repr__(self) -> str:
        flying = sum(lane.in_flight for lane in self.lanes.values())
        return f"<Slots, {self.slots} each: {len(self.lanes)} lanes, {flying} in flight>"

    def share(self, slots: int) -> None:
        """From now on each mailbox has so many; what is in flight beyond that is not taken back."""
        self.slots = slots
        for key, lane in self.lanes.items():
            if key:
                lane.slots = slots

    def most_in_flight(self) -> int:
        """The most requests that any mailbox has in flight."""
        return max((lane.in_flight for key, lane in self.lanes.items() if key), default=0)

    def at(self, key: str) -> Lane:
        """The lane of `key`. Until it is entered, or a slot is taken, it may be forgotten."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key, self.slots, self._reach) if key else Lane(key, DIRECTORY_SLOTS)
        return lane

    def enter(self, key: str) -> Lane:
        """The lane of `key`, kept until as many `leave` as `enter` have come."""
        lane = self.at(key)
        lane.entered += 1
        return lane

    def leave(self, lane: Lane, now: float) -> float:
        """The end of what `enter` began; returns what `forget` does."""
        lane.entered -= 1
        return self.forget(lane, now)

    def forget(self, lane: Lane, now: float) -> float:
        """Drops a lane that is not needed any more. Returns when to try again if something still speaks for it, or
        0."""
        if lane.entered or lane.in_flight or self.lanes.get(lane.key) is not lane:
            return 0.0
        until = lane.fence.until
        if lane.budgets is not None:
            until = max(until, lane.budgets.worth_keeping_until(now))
        if until > now:
            return until
        del self.lanes[lane.key]
        return 0.0

    def ready(self, lane: Lane, now: float, upload: int = 0, sends: int = 0) -> float:
        """The instant from which a request may leave: `now` or earlier means at once, infinite when a slot comes back.

        `upload` is its size in bytes, `sends` how many messages it sends.
        """
        if now < lane.fence.until:
            return lane.fence.until
        if lane.in_flight >= lane.slots:
            return math.inf
        return now if lane.budgets is None else lane.budgets.ready(now, upload, sends)

    def take(self, lane: Lane, now: float, upload: int = 0, sends: int = 0) -> None:
        """Use a slot, and the budgets; only when `ready` says so, with nothing in between."""
        lane.in_flight += 1
        self.join(lane, now, upload, sends)

    def join(self, lane: Lane, now: float, upload: int = 0, sends: int = 0) -> None:
        """Use the budgets, and a slot that is taken already."""
        lane.requests += 1
        if upload or sends or lane.budgets is not None or lane.requests >= COUNT_FROM:
            self._spend(lane, now, upload, sends)

    @staticmethod
    def _spend(lane: Lane, now: float, upload: int, sends: int) -> None:
        budgets = lane.budgets = lane.budgets or Budgets()
        counted = 1
        if budgets.requests is None:  # the first are dated now, which is later than they were: on the safe side
            counted = lane.requests if lane.requests >= COUNT_FROM else 0
        budgets.spend(now, counted, upload, sends)

    @staticmethod
    def give(lane: Lane) -> None:
        """A request ended, however it ended."""
        lane.in_flight -= 1

    @staticmethod
    def unsend(lane: Lane) -> None:
        """A request that took its slot was not sent after all, and `give` comes next. What its budgets counted stays
        counted: on the safe side."""
        lane.requests -= 1
