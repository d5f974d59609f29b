"""Models of a service's limits and a virtual clock to drive a pace against them: no loop, no socket, no sleep."""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bulkmail.core.pace.pace import CEILING, Pace

Latency = Callable[[float], float]
"""The instant a request is sent, to the seconds until its answer."""

BOOT = 100_000.0
"""What the pace's clock says at first: a monotonic clock counts from when the machine started, and not from when we
did."""

CATCH_UP = 0.01
"""Seconds of work that a client of its own speed makes up for; what it could have done in a silence is lost."""

JUST_BELOW = 0.99
"""Share of a limit that a client sends which knows it."""

GRAIN = 0.001
"""A real event loop wakes a millisecond late; so does this one."""


class Answer(NamedTuple):
    """How a request ends: `kind` is the name of the pace's method, `until` the fence of a refusal, `at` its arrival."""

    at: float
    kind: str = "answered"
    until: float = 0.0


class Service(Protocol):
    """Decides about a request at the instant it is sent."""

    def arrive(self, now: float) -> Answer: ...


def steady(low: float, high: float, seed: int = 1) -> Latency:
    """Anything between `low` and `high` seconds, evenly."""
    draw = random.Random(seed).uniform
    return lambda _: draw(low, high)


def noisy(median: float, sigma: float = 0.5, seed: int = 1) -> Latency:
    """Log-normal, as answers of real services are."""
    draw = random.Random(seed).lognormvariate
    return lambda _: draw(math.log(median), sigma)


@dataclass(slots=True)
class Open:
    """No limit at all. A `faults` share of the requests ends in a 5xx, or another `fault`, whatever the load."""

    latency: Latency
    faults: float = 0.0
    fault: str = "faltered"
    chance: Callable[[], float] = field(default_factory=lambda: random.Random(2).random)

    def arrive(self, now: float) -> Answer:
        kind = self.fault if self.faults and self.chance() < self.faults else "answered"
        return Answer(now + self.latency(now), kind)


@dataclass(slots=True)
class Bucket:
    """A token bucket whose rate follows `rate`; a `harsh` one refuses everything until Retry-After has passed."""

    rate: Callable[[float], float]
    latency: Latency
    burst: float = 100.0
    retry_after: float = 1.0
    harsh: bool = False
    faults: float = 0.0
    tokens: float = field(init=False)
    seen: float = 0.0
    shut_until: float = -math.inf
    chance: Callable[[], float] = field(default_factory=lambda: random.Random(2).random)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def arrive(self, now: float) -> Answer:
        self.tokens = min(self.burst, self.tokens + self.rate(now) * (now - self.seen))
        self.seen = now
        back = now + self.latency(now)
        if self.harsh and now < self.shut_until:
            return Answer(back, "refused", back + math.ceil(self.shut_until - now))
        if self.tokens < 1:
            self.shut_until = now + self.retry_after
            return Answer(back, "refused", back + self.retry_after)
        self.tokens -= 1
        return Answer(back, "faltered" if self.faults and self.chance() < self.faults else "answered")


@dataclass(slots=True)
class Shedding:
    """Fails at once, without a Retry-After, what exceeds `capacity` a second, and a `faults` share of the rest."""

    capacity: Callable[[float], float]
    latency: Latency
    faults: float = 0.0
    burst: float = 50.0
    tokens: float = 0.0
    seen: float = 0.0
    chance: Callable[[], float] = field(default_factory=lambda: random.Random(2).random)

    def arrive(self, now: float) -> Answer:
        self.tokens = min(self.burst, self.tokens + self.capacity(now) * (now - self.seen))
        self.seen = now
        back = now + self.latency(now)
        if self.tokens < 1 or self.chance() < self.faults:
            return Answer(back, "faltered")
        self.tokens -= 1
        return Answer(back)


@dataclass(slots=True)
class Penalty:
    """A bucket whose Retry-After doubles with each refusal within `memory` seconds of the one before."""

    rate: float
    latency: Latency
    burst: float = 100.0
    longest: float = 16.0
    memory: float = 30.0
    tokens: float = field(init=False)
    seen: float = 0.0
    wait: float = 1.0
    shut_until: float = -math.inf

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def arrive(self, now: float) -> Answer:
        self.tokens = min(self.burst, self.tokens + self.rate * (now - self.seen))
        self.seen = now
        back = now + self.latency(now)
        if now < self.shut_until:
            return Answer(back, "refused", back + math.ceil(self.shut_until - now))
        if self.tokens < 1:
            recent = now - self.shut_until < self.memory
            self.wait = min(self.longest, 2 * self.wait) if recent else 1.0
            self.shut_until = now + self.wait
            return Answer(back, "refused", back + self.wait)
        self.tokens -= 1
        return Answer(back)


@dataclass(slots=True)
class Noise:
    """A gateway before `service` that refuses a `share` of the requests, at any rate, each with `wait` seconds."""

    service: Service
    share: Callable[[float], float]
    wait: float
    chance: Callable[[], float]

    def arrive(self, now: float) -> Answer:
        answer = self.service.arrive(now)
        if self.chance() < self.share(now):
            return Answer(answer.at, "refused", answer.at + self.wait)
        return answer


@dataclass(slots=True)
class Queue:
    """Serves `servers` at once, each in `seconds`; everyone else waits in line. Refuses nobody."""

    servers: int
    seconds: float
    free: list[float] = field(default_factory=list)

    def arrive(self, now: float) -> Answer:
        start = now if len(self.free) < self.servers else max(now, heapq.heappop(self.free))
        heapq.heappush(self.free, start + self.seconds)
        return Answer(start + self.seconds)


@dataclass(slots=True)
class Crowd:
    """At most `places` in flight for the application; one more is refused, and the refusal names a mailbox."""

    places: int
    latency: Latency
    busy: list[float] = field(default_factory=list)

    def arrive(self, now: float) -> Answer:
        while self.busy and self.busy[0] <= now:
            heapq.heappop(self.busy)
        if len(self.busy) >= self.places:
            return Answer(now + 0.02, "crowded", now + 1.0)
        back = now + self.latency(now)
        heapq.heappush(self.busy, back)
        return Answer(back)


class Knowing(Pace):
    """Sends just below the limit that `rate` tells, whatever is refused."""

    def __init__(self, rate: Callable[[float], float]) -> None:
        super().__init__(rate=math.inf, in_flight=CEILING)
        self._rate = rate

    def try_send(self, now: float) -> float:
        self._gap = 1 / (JUST_BELOW * self._rate(now - BOOT))
        return super().try_send(now)


@dataclass(slots=True)
class Trace:
    """What came of a drive. `good` holds the instants of good answers; `top` is the most that was in flight."""

    good: list[float] = field(default_factory=list)
    sent: int = 0
    rates: list[float] = field(default_factory=list)  # the pace's, at the end of each second
    refusals: list[float] = field(default_factory=list)
    early: int = 0
    top: int = 0
    end: float = 0.0

    def note(self, now: float, answer: Answer) -> None:
        if answer.kind == "answered":
            self.good.append(now)
        elif answer.kind != "faltered":
            self.refusals.append(now)

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at in self.good)

    @property
    def refused(self) -> float:
        return len(self.refusals) / self.sent


def drive(
    pace: Pace, service: Service, *, seconds: float = math.inf, work: float = math.inf, demand: float = math.inf
) -> Trace:
    """Sends whatever `pace` lets go until `seconds` have passed or `work` requests were answered well.

    `demand` is how many requests a second the client itself can make.
    """

    def ask() -> float:
        at = pace.try_send(BOOT + now)
        return at - BOOT if at else 0.0

    trace, now, ready, fence = Trace(), 0.0, 0.0, -math.inf
    flying: list[tuple[float, int, float, Answer]] = []
    while now < seconds and len(trace.good) < work:
        wake = ready if now < ready else ask()
        while wake == 0.0:
            trace.early += now < fence - 1e-9  # what is left when BOOT is added and taken away
            answer = service.arrive(now)
            heapq.heappush(flying, (answer.at, trace.sent, now, answer))
            trace.sent += 1
            ready = max(ready, now - CATCH_UP) + 1 / demand if demand < math.inf else 0.0
            wake = ready if now < ready else ask()
        trace.top = max(trace.top, len(flying))
        now = min(max(wake, now + GRAIN), flying[0][0] if flying else math.inf)
        while len(trace.rates) + 1 <= now:
            trace.rates.append(pace.statistics().rate)
        while flying and flying[0][0] <= now:
            _, _, sent_at, answer = heapq.heappop(flying)
            trace.note(now, answer)
            land(pace, BOOT + now, BOOT + sent_at, answer._replace(until=BOOT + answer.until))
            if answer.kind == "refused":
                fence = max(fence, answer.until)
    trace.end = now
    return trace


def land(pace: Pace, now: float, sent_at: float, answer: Answer) -> None:
    """Tells `pace` how a request ended."""
    if answer.kind == "refused":
        pace.refused(now, sent_at, answer.until)
    else:
        getattr(pace, answer.kind)(now, sent_at)
