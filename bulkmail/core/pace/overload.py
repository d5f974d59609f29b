"""Tells an overload, which going slower cures, from faults that come at any rate; steers nothing, and knows time only
as a number.

A service that is overloaded answers with a 5xx, or not at all, and does so less often as soon as less is sent. So a
rate at which many requests fail is lowered to that of the good answers, and what is sent from then on is the test:
where as large a share fails after two such falls, slowness is not a cure, and the rate goes back to where it was. Where
nearly all fails, it stays low whatever the cause: so much is an outage (see `core.outage`), and little is lost by it.
"""

import math
from typing import Literal, TypeAlias

BOUT = 1.0
FAILING = 0.2
MANY = 20
"""MANY requests, and a FAILING share of all, that end in a 5xx or a time-out in BOUT seconds may be an overload."""

CURED = 0.67
"""A fall has helped when no more than this share of the faults is left: there may be others beside an overload."""

FALLS = 2
"""Falls that an overload is given to be cured."""

MOST = 0.8
"""Share of faults that may come at any rate; more is an outage."""

ENOUGH = 200
"""Requests that tell whether a fall has helped: a bout is longer until there are so many. A share of 20 % of them
is off by a third once in a hundred times."""

DEAF = 60.0
LOUDER = 1.5
"""Seconds in which faults that came at any rate are not heard again, unless there are so many times as many."""

Verdict: TypeAlias = Literal["go on", "fall", "cured", "take back"]


class Overload:
    """`since` is the instant of the last fall: what was sent before it says nothing of the rate of today."""

    def __init__(self) -> None:
        self.since = -math.inf
        self.good_rate = 0.0  # good answers a second in the last bout
        self._began = -math.inf
        self._good = self._faults = 0
        self._falls = 0  # those of which it is not known yet whether they cured anything
        self._share = 0.0  # of faults, before the first of them
        self._known = 0.0  # share of faults that comes at any rate
        self._known_until = -math.inf

    def begin(self, at: float) -> None:
        """A bout begins at `at`: nothing before counts."""
        self._began, self._good, self._faults = at, 0, 0

    def step(self, now: float, good: int, faults: int, latency: float) -> Verdict:
        """What so many good answers and faults since the last step mean. With `fall`, the rate is to be lowered to
        `good_rate`; `cured` says that this was right, and `take back` that all falls since either were not."""
        if now < self._began:
            return "go on"  # asked for before the fall
        self._good += good
        self._faults += faults
        good, faults = self._good, self._faults
        if now - self._began < BOUT or (self._falls and good + faults < ENOUGH and now - self._began < DEAF):
            return "go on"
        self.good_rate = good / (now - self._began)
        self.begin(now)
        verdict = self._judged(now, faults / max(1, good + faults), many=faults >= MANY)
        if verdict == "fall":
            self.since = now
            self.begin(now + latency)
        return verdict

    def _judged(self, now: float, share: float, *, many: bool) -> Verdict:
        if self._falls and share <= CURED * self._share:
            self._falls = 0
            return "cured"
        if self._falls >= FALLS and share < MOST:
            self._known, self._known_until, self._falls = share, now + DEAF, 0
            return "take back"
        heard = now >= self._known_until or share >= LOUDER * self._known
        if not (many and share >= FAILING and heard):
            return "go on"
        self._share = share if not self._falls else self._share
        self._falls += 1
        return "fall"
