"""The law of the rate as a whole: it learns a limit from refusals, and falls for an overload and for warnings. Is told
what was sent and what came of it, by one process or for many; steers nothing, and knows time only as a number."""

import math
from copy import copy

from bulkmail.core.pace.overload import Overload
from bulkmail.core.pace.rate import RateLaw

CALM = 1.0
"""Seconds without growth after a warning, and between two steps down because of one."""


class Learned:
    """`law` is what refusals have taught so far."""

    def __init__(self) -> None:
        self.law = RateLaw()
        self._before: RateLaw | None = None  # as it was when the rate began to fall for faults
        self._overload = Overload()
        self._calm_until = -math.inf

    @property
    def value(self) -> float:
        """Requests a second."""
        return self.law.value

    @property
    def since(self) -> float:
        """The instant of the last fall for faults: those of requests sent before it do not count."""
        return self._overload.since

    @property
    def mode(self) -> str:
        """`climb` (no limit met yet), `hover` (just under it) or `probe` (whether it has risen)."""
        return "climb" if self.law.limit == math.inf else "probe" if self.law.probing else "hover"

    def begin(self, at: float, sent: int) -> None:
        """Sending begins at `at`, when `sent` requests had been sent in all: nothing before counts."""
        self.law.begin(at, sent)
        self._overload.begin(at)

    def refused(self, now: float, sent_at: float, until: float, sent: int) -> None:
        """The first refusal of an episode: see `RateLaw.refused`. Nothing leaves before `until`."""
        self.law.refused(now, sent_at, max(0.0, until - now), sent)
        self._before = None

    def refused_too(self) -> None:
        """Another refusal of the same episode: of a request that was under way."""
        self.law.refused_too()

    def warned(self, now: float, percentage: float) -> None:
        """So much of the limit is used: 0.8 to 1.8."""
        if now < self._calm_until:
            return
        if percentage > 1:
            self.law.fall(now, self.law.value / percentage)
            self._before = None
        self._calm_until = now + CALM

    def step(self, now: float, sent: int, seconds: float, latency: float, good: int, faults: int) -> None:
        """Time went on. `seconds` of it the rate was made full use of; meanwhile there were so many answers, each
        `latency` seconds after it was asked for."""
        self.law.step(now, sent, seconds if now >= self._calm_until else 0.0, latency)
        verdict = self._overload.step(now, good, faults, latency)
        if verdict == "fall":
            self._before = self._before or copy(self.law)
            self.law.fall(now, self._overload.good_rate)
        elif verdict != "go on":
            self.law = self._before if self._before and verdict == "take back" else self.law
            self._before = None
