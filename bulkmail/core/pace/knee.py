"""Finds the knee of the throughput curve: how many requests in flight still pay. Knows nothing of limits that are told
by refusals, or of waiting.

More in flight brings more answers a second until the service, or the way to it, is full; from there on it only brings
longer waits (Little's law). So a wider window is a *trial*: it is kept if the answers a second rose by at least half
of what it was widened by. Otherwise it is taken back: after a careful trial to where it was, after a bold one to where
the knee must be, for half as many answers more are what half as much more in flight would have brought. Throughput is
the judge, as it is for BBR, and not latency as for Vegas or Gradient2: twenty parts of a batch take five times as long
as one, and still are more answers a second.

Trials start bold and grow careful when they fail, rarer when even careful ones fail. There is none while the
window is not what holds the client back.

The service can also say that too much is in flight. Then the window narrows, step by step down to its half, and
throughput is the judge again: a service that is full answers as many requests with half the window, and the next half
may follow. One that answers only half as many was not full; its refusals had another cause, the window goes back to
where it was, and such refusals are not heard for a while. Otherwise chance refusals alone would close the window.
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
"""What is left of the window each time that the service says that too much was in flight."""

HALF = 0.5
STILL = 0.75
"""Narrowed to HALF, a window must still bring STILL of the answers that it brought before."""

QUIET = 10.0
"""Seconds without a refusal after which a crowd is over."""

DEAF = 60.0
"""Seconds in which refusals for a crowd are not heard after they proved to be none."""


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
        self._paid = 0.0  # the last window that was widened
        self._wide = 0.0  # the window in which a crowd was met, else 0
        self._wide_rate = 0.0  # good answers a second with that window, 0 until they are measured
        self._crowded_at = -math.inf
        self._deaf_until = -math.inf

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
        if now < self._deaf_until:
            return
        self._crowded_at = now
        self._gain = CAREFUL
        self._rest(now)
        if self.window > self._paid > 0:  # met on trial: the window before it is known to pay
            self.window, self._before = max(self._paid, BACK_OFF * self.window), 0.0
            self._measure(now)
        elif not self._wide_rate:  # a crowd begins: what does the window bring as it is?
            if not self._wide or in_flight < self.window:
                self._wide = self.window = max(1.0, min(self.window, in_flight))
                self._measure(now)
        elif self.window > HALF * self._wide:
            self.window = max(1.0, HALF * self._wide, BACK_OFF * self.window)
            self._measure(now)

    def _judge(self, now: float, rate: float) -> None:
        if self._wide:
            self._judge_crowd(now, rate)
            return
        if self._before and rate < self._base * (1 + self._gain) / 2:
            rose = max(1.0, rate / self._base) if self._gain > CAREFUL else 1.0
            self.window, self._before = self._before * rose, 0.0
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
            self._paid = self.window
            self.window = min(self._ceiling, self.window * self._gain)

    def _judge_crowd(self, now: float, rate: float) -> None:
        if not self._wide_rate:
            self._wide_rate = rate
            return
        narrow = self.window <= max(1.0, HALF * self._wide)
        if narrow and rate < STILL * self._wide_rate:
            self.window, self._deaf_until = self._wide, now + DEAF
            self._rest_until, self._pause, self._gain = now, PAUSE, BOLD
        elif not narrow and now - self._crowded_at < QUIET:
            return
        self._wide = self._wide_rate = 0.0

    def _rest(self, now: float) -> None:
        self._rest_until = now + self._pause
        self._pause = min(LONGEST_PAUSE, 2 * self._pause)

    def _measure(self, start: float) -> None:
        self._from, self._good, self._seconds = start, 0, 0.0
