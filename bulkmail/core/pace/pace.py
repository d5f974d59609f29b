"""Says of each request of the application whether it may leave now; knows no clock, no mailbox and no way to wait.

Two laws hold at once, each for what the other cannot see: `rate` learns from refusals how many requests a second the
service takes, `knee` learns from answers how many in flight still pay. Above both stands the *fence*: after a refusal
nothing leaves before its Retry-After has passed.

Why not "halve and climb" (AIMD)? A refused application is silent for all of its Retry-After, so a refusal costs what
a minute at 98 % costs, and that law asks for one every few seconds. Here a refusal is a measurement: two of them give
the limit, the rate then stays a margin below it, and probes are rare.

Sends are spaced evenly (GCRA, the leaky bucket of one number), so that a small burst is not overrun after a pause.
Deciding costs half a microsecond; what is learned is learned in a tick, twenty times a second.
"""

import math
from dataclasses import dataclass

from bulkmail.core.pace.knee import Knee
from bulkmail.core.pace.learned import Learned

START = 64
"""Requests in flight to start from: 16 mailboxes at the 4 that each of them allows."""

CEILING = 4096
"""Requests in flight at most: 5,400 a second at 750 ms an answer, about what one process can handle."""

TICK = 0.05
"""Seconds between two lessons; longer at rates where so little is sent in it that chance would rule."""

LONGEST_STEP = 0.5
"""Seconds that a tick grows by at most, when answers stayed out for longer; at slow rates two sends."""

FEWEST = 4
"""Sends that a tick should hold."""

SLACK = 0.01
"""Seconds of sending that may be caught up: event loops wake late."""

USED = 0.7
"""Share of the rate that must have been sent for it to count as tested."""

BEHIND = 1.0
"""Seconds of sending that may be owed for requests that leave behind another: they are sent together, and carried out
one after another."""


@dataclass(frozen=True, slots=True)
class PaceStatistics:
    """A snapshot. `rate` and `limit` are requests a second (`limit` is inf while unknown), `fence_until` an instant.

    `mode` is `fixed`, `climb` (no limit met yet), `hover` (just under it) or `probe` (whether it has risen).
    `noise` is the share of requests that the service refuses at any rate, 0.0 while none is known. Both `since` are
    instants, -inf while nothing is known that they could speak of.
    """

    in_flight: int
    window: int
    rate: float
    limit: float
    fence_until: float
    mode: str
    noise: float = 0.0
    noise_since: float = -math.inf
    limit_since: float = -math.inf


class Pace:
    """What the whole application may send.

    `rate` (requests a second) and `in_flight` fix what would be learned; `start` is what is in flight at first. Every
    `try_send` that returned 0.0, and each `follow` that was granted, is matched by exactly one of `answered`,
    `refused`, `crowded`, `faltered` and `abandoned`; a `follow` by a `pass_on` as well. `now` and all instants are
    seconds of one monotonic clock that never goes back.
    """

    def __init__(
        self, *, rate: float | None = None, in_flight: int | None = None, start: int = START, ceiling: int = CEILING
    ) -> None:
        law, knee = Learned(), Knee(start, ceiling)
        self._law = law if rate is None else None
        self._knee = knee if in_flight is None else None
        self._gap = 1 / (law.value if rate is None else rate)
        self._window = knee.window if in_flight is None else float(in_flight)
        self._in_flight = 0
        self._sent = 0
        self._opens = -math.inf  # the fence and the spacing in one: nothing leaves before
        self._fence = -math.inf
        self._crowded_at = -math.inf
        self._next_tick = self._last_tick = -math.inf
        self._last_sent = 0
        self._good = self._faults = 0  # since the last tick
        self._waited = 0.0  # seconds, for all of these together
        self._full = False  # the window held something back since the last tick

    def try_send(self, now: float) -> float:
        """0.0: go; it is counted as sent. Otherwise when to ask again: an instant, or inf for the next answer."""
        if now < self._opens:
            return self._opens
        if self._in_flight >= self._window:
            self._full = True
            return math.inf
        self._in_flight += 1
        self._sent += 1
        opens, earliest = self._opens, now - SLACK
        later = earliest if opens < earliest else opens  # noqa: FURB136 - with `max` it costs a third more
        self._opens = later + self._gap
        return 0.0

    def follow(self, now: float) -> bool:
        """Whether one more request may leave together with one that was let go now, to be carried out behind it. It is
        counted as sent; in flight it comes in the place of that one, by `pass_on`."""
        if self._opens > now + BEHIND:
            return False
        self._sent += 1
        self._opens += self._gap
        return True

    def pass_on(self) -> None:
        """A request ended, and one that left behind it is in flight in its place."""
        self._in_flight += 1

    def answered(self, now: float, sent_at: float) -> None:
        """An answer that is not a sign of distress: 2xx, and 4xx except throttling."""
        self._in_flight -= 1
        self._good += 1
        self._waited += now - sent_at
        if now >= self._next_tick:
            self._tick(now)

    def refused(self, now: float, sent_at: float, until: float) -> None:
        """The application was throttled: nothing leaves before `until`.

        What was in flight together is refused together; only the first of them teaches.
        """
        self._in_flight -= 1
        if self._law and sent_at < self._fence:
            self._law.refused_too()
        elif self._law:
            self._learn(self._law, now, sent_at, until)
        self._shut(now, until)

    def fenced(self, now: float, until: float) -> None:
        """Another process with the same application was refused: nothing leaves before `until`. Ends no request, and
        says nothing of what this one has sent."""
        self._shut(now, until)

    def _learn(self, law: Learned, now: float, sent_at: float, until: float) -> None:
        law.refused(now, sent_at, until, self._sent)
        self._gap = 1 / law.value

    def _shut(self, now: float, until: float) -> None:
        if until > self._fence:
            self._fence = max(until, now)  # a time gone by still ends the episode
            self._opens = max(self._opens, self._fence)
            self._begin(self._fence)

    def crowded(self, now: float, sent_at: float) -> None:
        """Too many were in flight for the application; fencing the mailbox that was named is the caller's part."""
        if self._knee and sent_at >= self._crowded_at:
            self._knee.crowded(now, self._in_flight)
            self._window = self._knee.window
            self._crowded_at = now
        self._in_flight -= 1

    def faltered(self, now: float, sent_at: float) -> None:
        """A 5xx, a time-out or a broken connection: counts for nothing until it becomes a habit."""
        self._in_flight -= 1
        if self._law is None or sent_at >= self._law.since:
            self._faults += 1
            self._waited += now - sent_at
        if now >= self._next_tick:
            self._tick(now)

    def abandoned(self, now: float) -> None:
        """The request ended without an answer because the caller gave it up."""
        self._in_flight -= 1
        if now >= self._next_tick:
            self._tick(now)

    def warned(self, now: float, percentage: float) -> None:
        """An answer carried x-ms-throttle-limit-percentage: 0.8 to 1.8 of the limit is used. Ends no request."""
        if self._law:
            self._law.warned(now, percentage)
            self._gap = 1 / self._law.value

    def statistics(self) -> PaceStatistics:
        """What the pace believes at this moment."""
        rate, window = 1 / self._gap if self._gap else math.inf, int(self._window)
        if self._law is None:
            return PaceStatistics(self._in_flight, window, rate, math.inf, self._fence, "fixed")
        law = self._law.law
        return PaceStatistics(
            self._in_flight, window, rate, law.limit, self._fence, self._law.mode, law.noise, law.noise_since,
            law.limit_since,
        )  # fmt: skip

    def __repr__(self) -> str:
        now = self.statistics()
        return f"<Pace {now.mode} {now.in_flight}/{now.window} in flight, {now.rate:.0f}/s of {now.limit:.0f}/s>"

    def _begin(self, at: float) -> None:
        """Sending begins at `at`: nothing before counts."""
        if self._law:
            self._law.begin(at, self._sent)
        self._close_tick(at)

    def _close_tick(self, at: float) -> None:
        self._last_tick, self._last_sent = at, self._sent
        self._next_tick = at + max(TICK, FEWEST * self._gap)
        self._good = self._faults = 0
        self._waited, self._full = 0.0, False

    def _tick(self, now: float) -> None:
        """Hands the laws what happened since the last tick."""
        if self._last_tick == -math.inf:
            self._begin(now)
            return
        seconds = now - self._last_tick
        latency = self._waited / max(1, self._good + self._faults)
        if self._knee and self._full:
            self._knee.step(now, self._good, seconds, latency)
            self._window = self._knee.window
        if self._law:
            used = (self._sent - self._last_sent) * self._gap >= USED * seconds
            longest = max(LONGEST_STEP, FEWEST / 2 * self._gap)
            self._law.step(now, self._sent, min(seconds, longest) if used else 0.0, latency, self._good, self._faults)
            self._gap = 1 / self._law.value
        self._close_tick(now)
