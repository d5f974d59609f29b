"""What one mailbox may be asked over time: three rolling budgets. Is told the time; never waits.

Limits of the service, per application and mailbox (learn.microsoft.com/graph/throttling-limits, Outlook, 2026-02):
10,000 requests in 10 minutes and 150 MB of upload in 5 minutes; and of Exchange Online, 30 messages a minute for each
sender. A part of a batch counts like a plain request.
"""

from collections import deque

REQUESTS, REQUESTS_SECONDS = 9_900, 600.0
"""1 % below the documented 10,000: clocks differ, and refused attempts count too."""

UPLOAD, UPLOAD_SECONDS = 140e6, 300.0
"""Bytes, below 150 MB: headers are not counted here."""

SENDS, SENDS_SECONDS = 30, 60.0
"""Messages of one sender, whatever sends them (Exchange Online limits, message rate): what exceeds it is delayed or
refused."""

OF_REQUESTS, OF_UPLOAD, OF_SENDS = (
    "10,000 requests in 10 minutes, mailbox", "150 MB of upload in 5 minutes, mailbox", "30 messages a minute, mailbox",
)  # fmt: skip
"""What makes a mailbox wait, in the form in which refusals are told: the limit, and who has to wait."""

COUNT_FROM = 500
"""Requests that a mailbox makes before its rolling budget is kept: nearly all mailboxes end long before that."""

REMEMBER_FROM = UPLOAD / 100
"""Bytes of upload that are remembered after a visit. With less, a hundred visits in five minutes stay below the limit,
and a million mailboxes that were given a line each are not kept in memory."""


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
        budget."""
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


class Budgets:
    """The three budgets of one mailbox, each kept from the first thing that counts for it.

    `upload` is in bytes, `sends` in messages.
    """

    __slots__ = ("requests", "sends", "upload")

    def __init__(self) -> None:
        self.requests: Rolling | None = None
        self.upload: Rolling | None = None
        self.sends: Rolling | None = None

    def __repr__(self) -> str:
        return f"<Budgets {[kept for kept in (self.requests, self.upload, self.sends) if kept]}>"

    def ready(self, now: float, upload: int, sends: int) -> float:
        """The instant from which a request fits into all of them; `now` or earlier means at once."""
        for budget, amount in ((self.requests, 1), (self.upload, upload), (self.sends, sends)):
            if budget and amount and (instant := budget.ready(amount, now)) > now:
                return instant
        return now

    def in_the_way(self, now: float, upload: int, sends: int) -> str:
        """The name of the budget that holds a request back, or nothing if none does."""
        for budget, amount in ((self.requests, 1), (self.upload, upload), (self.sends, sends)):
            if budget and amount and budget.ready(amount, now) > now:
                return budget.by
        return ""

    def spend(self, now: float, requests: int, upload: int, sends: int) -> None:
        if requests:
            self.requests = self.requests or Rolling(REQUESTS, REQUESTS_SECONDS, OF_REQUESTS)
            self.requests.spend(requests, now)
        if upload:
            self.upload = self.upload or Rolling(UPLOAD, UPLOAD_SECONDS, OF_UPLOAD)
            self.upload.spend(upload, now)
        if sends:
            self.sends = self.sends or Rolling(SENDS, SENDS_SECONDS, OF_SENDS)
            self.sends.spend(sends, now)

    def worth_keeping_until(self, now: float) -> float:
        """The instant from which nothing in them says anything about a later visit."""
        until = now
        for budget, least in ((self.requests, 0.0), (self.upload, REMEMBER_FROM), (self.sends, 0.0)):
            if budget is not None and budget.used > least:
                until = max(until, budget.empty_from(now))
        return until
