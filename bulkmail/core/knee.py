"""Learns how many requests in flight still pay; knows nothing of limits that are told by refusals, or of waiting.

More in flight brings more answers a second until the service, or the way to it, is full; from there on it only brings
longer waits (Little's law). So a wider window is a *trial*: it is kept if the answers a second rose by at least half
of what it was widened by, and is taken back otherwise. Throughput is the judge, as it is for BBR, and not latency as
for Vegas or Gradient2: twenty parts of a batch take five times as long as one, and still are more answers a second.

Trials start bold and grow careful when they fail, rarer when even careful ones fail. There is none while the
window is not what holds the client back.
"""

import math

BOLD = 4.0
CAREFUL = 1.25
"""What a trial widens the window by: at first, and when the knee is near."""

PAUSE = 2.0
LONGEST_PAUSE = 60.0
"""Seconds between trials when careful ones fail; doubled each time."""

LEAST = 0.2
"""Seconds of answers that a verdict needs, or one latency if that is longer."""

BACK_OFF = 0.9
"""What is left of the requests in flight when the service says that they were too many."""


class Knee:
    """`window` is how many may be in flight, at most `ceiling`."""

    def __init__(self, window: float, ceiling: float) -> None:
        self.window = min(window, ceiling)
        self._ceiling = ceiling
        self._gain = BOLD
        self._pause = PAUSE
        self._before = 0.0  # the window to go back to while on trial, else 0
        self._base = 0.0  # good answers a second with that window
        self._rest_until = -math.inf
        self._from = -math.inf
        self._good = 0
        self._seconds = 0.0

    def step(self, now: float, good: int, seconds: float, latency: float) -> None:
        """In the last `seconds` the window was full, and `good` answers came after `latency` seconds each."""
        if now - seconds < self._from:
            return  # these answers were asked for with the window before
        self._good += good
        self._seconds += seconds
        if self._seconds >= max(LEAST, latency):
            rate = self._good / self._seconds
            self._judge(now, rate)
            self._measure(now + latency)

    def crowded(self, now: float, in_flight: int) -> None:
        """The service refused for what was in flight."""
        self.window = max(1.0, BACK_OFF * min(self.window, in_flight))
        self._before = 0.0
        self._gain = CAREFUL
        self._rest(now)
        self._measure(now)

    def _judge(self, now: float, rate: float) -> None:
        if self._before and rate < self._base * (1 + self._gain) / 2:
            self.window, self._before = self._before, 0.0
            if self._gain == CAREFUL:
                self._rest(now)
            self._gain = max(CAREFUL, math.sqrt(self._gain))
            return
        if self._before:
            self._before = 0.0
            self._gain = min(BOLD, self._gain * CAREFUL)
            self._pause = PAUSE
        if now >= self._rest_until and self.window < self._ceiling:
            self._base, self._before = rate, self.window
            self.window = min(self._ceiling, self.window * self._gain)

    def _rest(self, now: float) -> None:
        self._rest_until = now + self._pause
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def _measure(self, start: float) -> None:
        self._from, self._good, self._seconds = start, 0, 0.0
