"""Workers under one limit that none of them knows, on a virtual clock, and the words between them and their
coordinator: each may be late, lost or doubled on its way."""

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from bulkmail.cluster.asking import again
from bulkmail.cluster.clocks import Offset
from bulkmail.cluster.rates import Rates
from bulkmail.core.pace.granted import Grant, GrantedPace, Said
from bulkmail.core.pace.pace import START
from tests.core.models import BOOT, GRAIN, Answer, Service, land

Look = Callable[["Crew", float], None]


@dataclass(slots=True)
class Worker:
    """Its clock is ahead of ours by `ahead`. It could send `demand` requests a second from `since` on."""

    number: int
    pace: GrantedPace
    ahead: float
    demand: float = math.inf
    clock: Offset = field(default_factory=Offset)
    asks: float = 0.0
    ready: float = 0.0
    sent: int = 0
    until: float = -math.inf  # of the last fence that the service asked of it, by our clock


@dataclass(slots=True)
class Crew:
    """A word takes up to `delay` seconds, or just so long where that is `steady`; a `lost` share never arrives, and a
    `doubled` share does so twice. `look` is called at each instant, and may change what workers could send."""

    workers: int
    service: Service
    delay: float = 0.002
    lost: float = 0.0
    doubled: float = 0.0
    steady: bool = False
    seed: int = 3
    rate: float | None = None
    look: Look = lambda _crew, _now: None
    crew: list[Worker] = field(init=False)
    rates: Rates = field(init=False)
    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    chance: random.Random = field(init=False)
    events: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.rates = Rates(self.workers, self.rate)
        self.crew = [
            Worker(number, GrantedPace(start=max(1, START // self.workers)), BOOT * self.chance.random())
            for number in range(self.workers)
        ]

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self.crew)

    @property
    def share_refused(self) -> float:
        return len(self.refused) / self.sent

    def drive(self, seconds: float) -> "Crew":
        now = 0.0
        while now < seconds:
            self.look(self, now)
            while self.events and self.events[0][0] <= now:
                heapq.heappop(self.events)[2](now)
            for one in self.crew:
                if now >= one.asks:
                    self._ask(one, now)
                self._send(one, now)
            now += GRAIN
        return self

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at in self.good)

    def _send(self, one: Worker, now: float) -> None:
        here = now + one.ahead
        while one.demand > 0 and one.ready <= now and one.pace.try_send(here) == 0.0:
            one.ready = max(one.ready, now - GRAIN) + 1 / one.demand
            one.sent += 1
            answer = self.service.arrive(now)
            self._at(answer.at, partial(self._land, one, now, answer))

    def _land(self, one: Worker, sent_at: float, answer: Answer, now: float) -> None:
        ahead = one.ahead
        is_news = answer.kind == "refused" and answer.until > one.until
        land(one.pace, now + ahead, sent_at + ahead, answer._replace(until=answer.until + ahead))
        if answer.kind == "refused":
            self.refused.append(now)
        else:
            self.good.append(now)
        if is_news:
            one.until = answer.until
            self._ask(one, now)
            self._word(now, partial(self._tell, one.number, answer.until - now, answer.until + ahead))

    def _tell(self, number: int, seconds: float, there: float, now: float) -> None:
        """The coordinator has heard of a fence."""
        until = min(now + seconds, self.rates.instant(number, there))
        for one in self.crew:
            if one.number != number:
                self._word(now, partial(self._hear, one, until - now, until))

    def _hear(self, one: Worker, seconds: float, until: float, now: float) -> None:
        here = now + one.ahead
        at = min(here + seconds, until + one.clock.ahead)
        if at > here and at > one.pace.statistics().fence_until:
            one.pace.fenced(here, at)
            self._ask(one, now)

    def _ask(self, one: Worker, now: float) -> None:
        here = now + one.ahead
        said = one.pace.say(here)
        one.asks = now + again(one.pace, here)
        self._word(now, partial(self._answer, one, said))

    def _answer(self, one: Worker, said: Said, now: float) -> None:
        self._word(now, partial(self._grant, one, self.rates.hear(now, one.number, said)))

    def _grant(self, one: Worker, grant: Grant, now: float) -> None:
        one.clock.hear(now + one.ahead, grant.at)
        one.pace.grant(now + one.ahead, grant)

    def _word(self, now: float, act: Callable[[float], None]) -> None:
        for _ in range(1 + (self.chance.random() < self.doubled)):
            if self.chance.random() >= self.lost:
                self._at(now + (self.delay if self.steady else self.chance.uniform(0, self.delay)), act)

    def _at(self, at: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self.events, (at, next(self.numbers), act))
