"""Raises the fences: what a refusal asks of its mailbox or of all mailboxes, and for how long. Is told the time; never
waits.

`throttle` says which limit a refusal names, and `retryafter` how long its Retry-After is.
"""

import math
from collections.abc import Callable, Collection

from bulkmail.core import retryafter
from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.fence import Fence
from bulkmail.core.slots.lane import Lane, Slots
from bulkmail.core.throttle import SHARE, Refusal, Scope, Spread, refusal, used_share
from bulkmail.errors import ServiceDown, ThrottledOut
from bulkmail.model import Event, Reporter, Response, Wait

GUESS, LONGEST_GUESS = 1.0, 60.0
"""Seconds to wait after a refusal that names no time, doubled with each in a row: learn.microsoft.com/graph/throttling
asks for exponential backoff then."""


ALIVE = (501, 505, 507, 509)
"""Statuses from 500 on with which the service shows that it works: it refuses, for a reason."""


def unheard(_wait: float, _by: str) -> None:
    """For a process that is alone with its application."""


class Fences:
    """Told of every answer. `max_wait` is how many seconds a mailbox may be held up, by one refusal or by one after
    another in which nothing passes; past it comes ThrottledOut, or ServiceDown for a wait of all. `wall` gives the time
    that dates are compared with, in seconds since 1970, and `dice` a number in [0, 1)."""

    def __init__(
        self,
        slots: Slots,
        pace: Pace,
        outage: Outage,
        report: Reporter,
        *,
        max_wait: float,
        wall: Callable[[], float],
        dice: Callable[[], float],
    ) -> None:
        self._slots = slots
        self._pace = pace
        self._outage = outage
        self._report = report
        self._max_wait = max_wait
        self._wall = wall
        self._dice = dice
        self._spread = Spread()
        self._last = -math.inf  # when the last fence opens
        self.everybody = Fence()  # nothing at all leaves before; the pace keeps to it, and this one can be asked
        self.risen = 0  # fences so far
        self._told: Callable[[float, str], None] = unheard

    def __repr__(self) -> str:
        return f"<Fences {self.risen} risen, everybody's is {self.everybody!r}>"

    def up(self, now: float) -> bool:
        """Whether any fence is up."""
        return now < self._last

    def held(self, key: str, now: float) -> bool:
        """Whether a fence is up for `key`, its own or everybody's."""
        if now >= self._last:
            return False
        lane = self._slots.lanes.get(key)
        return now < (self.everybody.until if lane is None else self.until(lane))

    def until(self, lane: Lane) -> float:
        """The instant before which nothing of a mailbox leaves."""
        return max(self.everybody.until, lane.fence.until)

    def waits(self, now: float) -> list[Wait]:
        """The mailboxes that wait because of a limit; the wait of all of them comes first."""
        lanes = [lane for lane in self._slots.lanes.values() if lane.waiting]
        held = [(lane.key, *max((lane.fence.until, lane.fence.by), lane.held)) for lane in lanes]
        everybody = ("", self.everybody.until, self.everybody.by)
        fenced = [Wait(key, until - now, by) for key, until, by in (everybody, *held) if until > now]
        return self._outage.waits(now) + fenced

    def check(self, lane: Lane, now: float) -> None:
        """Raises ThrottledOut where the wait of a mailbox is longer than one may be, and ServiceDown where that of all
        is: no mailbox fails for what was asked of the application."""
        for fence, error in ((lane.fence, ThrottledOut), (self.everybody, ServiceDown)):
            wait = fence.wait(now)
            if wait > self._max_wait:
                allowed = f"the job allows {self._max_wait:.0f} s"
                raise error(f"the service asks for a wait of {wait:.0f} s in all ({fence.by}); {allowed}")

    def learn(
        self, lane: Lane, response: Response, sent: float, now: float, *, suspect: bool = False
    ) -> Collection[Lane]:
        """Tells the pace, and of outages, how a request ended that left at `sent`, and raises the fence that its answer
        asks for. Returns the lanes that are to be checked for it. `suspect` is that of the request."""
        down = response.status >= 500 and response.status not in ALIVE
        if not down:
            self._outage.good += 1
            if self._outage.watching:
                self._outage.answered()
        if response.status < 400:  # like nearly every one
            self._note_answer(lane, response, sent, now)
            return ()
        if down:
            self.failed(lane, str(response.status), sent, now, suspect=suspect)
            if "retry-after" not in response.headers:
                return ()
        refused = refusal(response)
        if refused is None:
            self._note_answer(lane, response, sent, now)
            return ()
        if refused.scope is Scope.APP:
            wait = self._wait(response, self.everybody.met(sent, now))
            self._pace.refused(now, sent, now + wait)
            return self._raise(self.everybody, now, wait, lane, refused)
        if response.status >= 500 and response.status != 509:
            said = retryafter.parse(response.headers, self._wall())
            return self._raise(lane.own_fence(), now, self._obeyed(said), lane, refused) if said else ()
        if refused.limit == "MailboxConcurrency" and self._spread.refused(lane.key, now):
            self._pace.crowded(now, sent)
        else:
            self._pace.answered(now, sent)  # the mailbox is full; the application is not
        fence = lane.own_fence()
        return self._raise(fence, now, self._wait(response, fence.met(sent, now)), lane, refused)

    def tell(self, told: Callable[[float, str], None]) -> None:
        """From now on, `told` is called with the seconds of each fence of everybody that an answer asks for, and with
        the limit that asks. It must be quick."""
        self._told = told

    def hear(self, now: float, wait: float, by: str) -> Collection[Lane]:
        """Another process with this application was told to wait. Returns the lanes that are to be checked for it."""
        if now + wait <= self.everybody.until:
            return ()
        self._pace.fenced(now, now + wait)
        self.risen += 1
        self._last = max(self._last, now + wait)
        self.everybody.rise(now + wait, by)
        return list(self._slots.lanes.values())

    def failed(self, lane: Lane, said: str, sent: float, now: float, *, suspect: bool = False) -> None:
        """A request failed in a way that may be everybody's. In an outage that says nothing about the pace."""
        if not suspect:
            self._outage.failed(lane.key, said, sent, now)
        if self._outage.down:
            self._pace.abandoned(now)
        else:
            self._pace.faltered(now, sent)

    def _note_answer(self, lane: Lane, response: Response, sent: float, now: float) -> None:
        if lane.fence.streak:
            lane.fence.passed(sent)
        if self.everybody.streak:
            self.everybody.passed(sent)
        self._pace.answered(now, sent)
        if SHARE in response.headers and (share := used_share(response)):
            self._pace.warned(now, share)

    def _raise(self, fence: Fence, now: float, wait: float, lane: Lane, refused: Refusal) -> Collection[Lane]:
        by, longer = f"{refused.limit}, {refused.scope}", now + wait - max(now, fence.until)
        lane.throttled += 1
        self.risen += 1
        self._last = max(self._last, now + wait)
        fence.rise(now + wait, by)
        self._report(Event("throttled", by, lane.key, wait, max(0.0, longer)))
        if fence is not self.everybody:
            return [lane]
        if longer > 0:
            self._told(wait, by)
        return list(self._slots.lanes.values())

    def _wait(self, response: Response, refusals: int) -> float:
        """Seconds until the fence opens: what the service says, rounded up and a little later; otherwise a guess that
        grows with the `refusals` in a row."""
        said = retryafter.parse(response.headers, self._wall())
        return self._obeyed(said or min(LONGEST_GUESS, GUESS * 2.0 ** min(refusals - 1, 10)))

    def _obeyed(self, seconds: float) -> float:
        return retryafter.obey(seconds, self._dice())
