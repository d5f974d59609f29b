"""What one mailbox may be asked at a time: four slots, a fence, and three rolling budgets. Is told the time; never
waits.

Limits of the service, per application and mailbox (learn.microsoft.com/graph/throttling-limits, Outlook, 2026-02):
4 requests in flight, 10,000 requests in 10 minutes, 150 MB of upload in 5 minutes; and of Exchange Online, 30 messages
a minute for each sender. A part of a batch counts like a plain request. A lane exists from `enter` to `leave`, which is
as long as its mailbox is worked on, and on for as long as its fence or its budgets speak against the next visit.
"""

import math
from collections import deque
from typing import Any

from bulkmail.model import Tally

SLOTS = 4
DIRECTORY_SLOTS = 8
"""For requests to no mailbox; the directory counts resource units and not slots, and a listing is one page after
another."""
REQUESTS, REQUESTS_SECONDS = 9_900, 600.0
"""1 % below the documented 10,000: clocks differ, and refused attempts count too."""

UPLOAD, UPLOAD_SECONDS = 140e6, 300.0
"""Bytes, below 150 MB: headers are not counted here."""

SENDS, SENDS_SECONDS = 30, 60.0
"""Messages of one sender, whatever sends them (Exchange Online limits, message rate): what is over is delayed or
refused."""

OF_REQUESTS, OF_UPLOAD, OF_SENDS = (
    "10,000 requests in 10 minutes, mailbox", "150 MB of upload in 5 minutes, mailbox", "30 messages a minute, mailbox",
)  # fmt: skip
"""Who makes a mailbox wait, in the words in which refusals are told: the limit, and whose it is."""

COUNT_FROM = 500
"""Requests that a lane makes before its rolling budget is kept: nearly all mailboxes end long before, and need none."""

REMEMBER_FROM = UPLOAD / 100
"""Bytes of upload that are remembered after a visit: with less, a hundred visits in five minutes are none too many, and
a million mailboxes that were given a line each are not kept in memory."""


NO_WAITS = (0, 0.0, (0.0, ""))
"""What a lane knows of waits when it has just been billed."""


class Rolling:
    """At most `limit` in any `seconds`, by counting in cells of a thirtieth; a cell is forgotten when all of it is old
    enough.

    A leaky bucket would either let a burst and the leak through together (twice the limit in the first period), or hold
    a mailbox to the mean rate from the start; counting does neither.
    """

    __slots__ = ("by", "cell", "cells", "limit", "seconds", "used")

    def __init__(self, limit: float, seconds: float, by: str = "") -> None:
        self.by = by
        self.limit = limit
        self.seconds = seconds
        self.cell = seconds / 30
        self.cells: deque[tuple[float, float]] = deque()  # (end of the cell, amount in it)
        self.used = 0.0

    def __repr__(self) -> str:
        return f"<Rolling {self.used:.0f} of {self.limit:.0f} in {self.seconds:.0f} s>"

    def ready(self, amount: float, now: float) -> float:
        """The instant from which `amount` fits; `now` or earlier means at once. More than the limit fits into an empty
        window."""
        while self.cells and self.cells[0][0] + self.seconds <= now:
            self.used -= self.cells.popleft()[1]
        room = self.limit - amount - self.used
        if room >= 0 or not self.cells:
            return now
        for end, old in self.cells:
            room += old
            if room >= 0:
                return end + self.seconds
        return self.cells[-1][0] + self.seconds

    def empty_from(self, now: float) -> float:
        """The instant from which nothing that was spent counts any more; `now` or earlier means that nothing does."""
        return self.cells[-1][0] + self.seconds if self.cells else now

    def spend(self, amount: float, now: float) -> None:
        self.used += amount
        if self.cells and now < self.cells[-1][0]:
            end, old = self.cells[-1]
            self.cells[-1] = (end, old + amount)
        else:
            self.cells.append((now + self.cell, amount))


class Fence:
    """No request leaves before `until`, since `by` asks for it. `streak` counts refusals in a row, from `began` on;
    those of requests that flew together are one."""

    __slots__ = ("began", "by", "streak", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.by = ""
        self.streak = 0
        self.began = 0.0

    def __repr__(self) -> str:
        return f"<Fence until {self.until:.1f} after {self.streak} refusals>"

    def met(self, sent: float, now: float) -> int:
        """A request that left at `sent` was refused: how many refusals in a row that makes."""
        if not self.streak:
            self.began = now
        if sent >= self.until or not self.streak:
            self.streak += 1
        return self.streak

    def wait(self, now: float) -> float:
        """Seconds that it asks for: from now on, or from the first of the refusals in a row."""
        if self.until <= now:
            return 0.0
        return self.until - (self.began if self.streak else now)

    def rise(self, until: float, by: str = "") -> None:
        """The longest wish wins."""
        if until > self.until:
            self.until, self.by = until, by

    def passed(self, sent: float) -> None:
        """A request was not refused; it ends the row unless it left together with those that were."""
        if sent >= self.until:
            self.streak = 0


class Unraised(Fence):
    """The fence of all lanes that have none of their own. It stays as it is, for all of them."""

    __slots__ = ()

    def met(self, *_: object) -> int:
        raise TypeError("everybody's fence is not raised for one")

    def rise(self, *_: object) -> None:
        raise TypeError("everybody's fence is not raised for one")


OPEN: Fence = Unraised()
NOBODY: deque[Any] = deque(maxlen=0)
"""What lanes have that need nothing of their own: a deque and a fence for each cost as much as all the rest."""


class Lane:
    """One mailbox while it is worked on. Only Window changes it, but for what waits and why: that is the limiter's."""

    __slots__ = (
        "budget",
        "entered",
        "fence",
        "held",
        "in_flight",
        "key",
        "lingers",
        "longest",
        "queued",
        "requests",
        "sends",
        "slots",
        "throttled",
        "told",
        "upload",
        "waited",
        "waiting",
    )

    def __init__(self, key: str, slots: int) -> None:
        self.key = key
        self.slots = slots
        self.entered = self.in_flight = self.requests = 0
        self.told = 0  # requests on bills so far
        self.throttled, self.waited, self.longest = NO_WAITS  # since then: the longest for a limit, and whose it was
        self.fence = OPEN
        self.budget: Rolling | None = None
        self.upload: Rolling | None = None
        self.sends: Rolling | None = None
        self.waiting = NOBODY
        self.held = (0.0, "")  # a budget lets nothing more leave before; and its name
        self.queued = False  # in one of the limiter's lines, or behind a timer that will put it there
        self.lingers = False  # a timer will ask again whether it may be forgotten

    def __repr__(self) -> str:
        return f"<Lane {self.in_flight} in flight, {len(self.waiting)} waiting, {self.requests} sent>"

    def queue(self) -> deque[Any]:
        """What waits, to be added to; most lanes never have any."""
        if self.waiting is NOBODY:
            self.waiting = deque()
        return self.waiting

    def own_fence(self) -> Fence:
        """Its fence, to be raised; most lanes never need one."""
        if self.fence is OPEN:
            self.fence = Fence()
        return self.fence

    def bill(self) -> Tally:
        """What the mailbox cost since the last bill, which was that of another visit. All bills are what it cost in
        all; of visits at the same time, whoever leaves first is told what they cost together."""
        bill = Tally(self.requests - self.told, self.throttled, self.waited, self.longest[1])
        self.told = self.requests
        self.throttled, self.waited, self.longest = NO_WAITS
        return bill


class Window:
    """All lanes of a run. `ready` decides and `take` counts, with nothing in between; every slot taken is given back
    exactly once."""

    def __init__(self, slots: int = SLOTS) -> None:
        self.slots = slots
        self.lanes: dict[str, Lane] = {}

    def __repr__(self) -> str:
        flying = sum(lane.in_flight for lane in self.lanes.values())
        return f"<Window of {self.slots}: {len(self.lanes)} lanes, {flying} in flight>"

    def at(self, key: str) -> Lane:
        """The lane of `key`. Until somebody enters it, or takes a slot, it may be forgotten."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key, self.slots if key else DIRECTORY_SLOTS)
        return lane

    def enter(self, key: str) -> Lane:
        """The lane of `key`, kept until as many `leave` as `enter` have come."""
        lane = self.at(key)
        lane.entered += 1
        return lane

    def leave(self, lane: Lane, now: float) -> float:
        """Whoever has entered leaves; returns what `forget` does."""
        lane.entered -= 1
        return self.forget(lane, now)

    def forget(self, lane: Lane, now: float) -> float:
        """Drops a lane that nobody needs any more. Returns when to try again if something still speaks for it, or 0."""
        if lane.entered or lane.in_flight or self.lanes.get(lane.key) is not lane:
            return 0.0
        until = lane.fence.until
        if lane.budget or lane.upload or lane.sends:  # as of hardly any mailbox
            for budget, least in ((lane.budget, 0.0), (lane.upload, REMEMBER_FROM), (lane.sends, 0.0)):
                if budget is not None and budget.used > least:
                    until = max(until, budget.empty_from(now))
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
        if not upload and not sends and lane.budget is None:
            return now  # as for nearly every mailbox
        for budget, amount in ((lane.budget, 1), (lane.upload, upload), (lane.sends, sends)):
            if budget and amount and (instant := budget.ready(amount, now)) > now:
                return instant
        return now

    @staticmethod
    def in_the_way(lane: Lane, now: float, upload: int = 0, sends: int = 0) -> str:
        """The name of the budget that holds a request back, or nothing if none does."""
        for budget, amount in ((lane.budget, 1), (lane.upload, upload), (lane.sends, sends)):
            if budget and amount and budget.ready(amount, now) > now:
                return budget.by
        return ""

    @staticmethod
    def take(lane: Lane, now: float, upload: int = 0, sends: int = 0) -> None:
        """Use a slot, and the budgets; only when `ready` says so, with nothing in between."""
        lane.in_flight += 1
        lane.requests += 1
        if lane.budget is not None:
            lane.budget.spend(1, now)
        elif lane.requests >= COUNT_FROM:
            lane.budget = Rolling(REQUESTS, REQUESTS_SECONDS, OF_REQUESTS)
            lane.budget.spend(lane.requests, now)  # dated now, so later than they were: on the safe side
        if upload:
            lane.upload = lane.upload or Rolling(UPLOAD, UPLOAD_SECONDS, OF_UPLOAD)
            lane.upload.spend(upload, now)
        if sends:
            lane.sends = lane.sends or Rolling(SENDS, SENDS_SECONDS, OF_SENDS)
            lane.sends.spend(sends, now)

    @staticmethod
    def give(lane: Lane) -> None:
        """A request ended, however it ended."""
        lane.in_flight -= 1

    @staticmethod
    def recall(lane: Lane) -> None:
        """A request that took its slot was not sent after all, and `give` comes next. What its budgets counted stays
        counted: on the safe side."""
        lane.requests -= 1
