"""Many workers under one limit that none of them knows, on a virtual clock: each has a law of the rate of its own, and
hears of the others' refusals a little later."""

import heapq
import math
import random
from dataclasses import dataclass, field
from itertools import count

import pytest

from bulkmail.core.pace.pace import START, Pace
from tests.core.models import BOOT, GRAIN, Answer, Bucket, land, steady

LIMIT = 500.0


@dataclass(slots=True)
class Crew:
    """Workers at a service. What one is told to wait for is known to the others `delay` seconds later; a `lost` share
    of these words never arrives."""

    workers: int
    service: Bucket
    delay: float
    lost: float = 0.0
    paces: list[Pace] = field(init=False)
    sent: list[int] = field(init=False)
    good: int = 0
    refused: int = 0
    late: int = 0  # sent although every worker had been told to wait
    chance: random.Random = field(default_factory=lambda: random.Random(3))

    def __post_init__(self) -> None:
        self.paces = [Pace(start=max(1, START // self.workers)) for _ in range(self.workers)]
        self.sent = [0] * self.workers

    def drive(self, seconds: float) -> None:
        """From the beginning."""
        landing: list[tuple[float, int, int, float, Answer]] = []
        news: list[tuple[float, int, int, float]] = []
        number, now, known, opens = count(), 0.0, -math.inf, -math.inf
        while now < seconds:
            while news and news[0][0] <= now:
                _, _, to, until = heapq.heappop(news)
                self.paces[to].fenced(BOOT + now, BOOT + until)
            while landing and landing[0][0] <= now:
                _, _, who, sent_at, answer = heapq.heappop(landing)
                land(self.paces[who], BOOT + now, BOOT + sent_at, answer._replace(until=BOOT + answer.until))
                self.good += answer.kind == "answered"
                if answer.kind != "refused":
                    continue
                self.refused += 1
                if answer.until > opens:
                    opens, known = answer.until, now + self.delay if now >= opens else known
                    for to in range(self.workers):
                        if to != who and self.chance.random() >= self.lost:
                            heapq.heappush(news, (now + self.delay, next(number), to, answer.until + self.delay / 2))
            for who, pace in enumerate(self.paces):
                while pace.try_send(BOOT + now) == 0.0:
                    answer = self.service.arrive(now)
                    self.sent[who] += 1
                    self.late += known + GRAIN < now < opens - GRAIN
                    heapq.heappush(landing, (answer.at, next(number), who, now, answer))
            now += GRAIN


def crew(workers: int, delay: float, *, harsh: bool = False, lost: float = 0.0, seconds: float = 60.0) -> Crew:
    found = Crew(workers, Bucket(lambda _: LIMIT, steady(0.05, 0.15), harsh=harsh), delay, lost)
    found.drive(seconds)
    return found


@pytest.mark.parametrize("harsh", [False, True], ids=["plain", "harsh"])
@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_workers_find_an_unknown_limit_together_and_use_it(workers: int, harsh: bool) -> None:
    """From the first request on, with learning; all that is sent while the others are told counts as refused."""
    found = crew(workers, 0.002, harsh=harsh)
    assert found.good >= 0.90 * LIMIT * 60
    assert found.refused <= 0.01 * sum(found.sent)
    assert found.late == 0


@pytest.mark.parametrize("workers", [2, 4])
def test_words_that_are_slow_cost_little(workers: int) -> None:
    found = crew(workers, 0.05, harsh=True)
    assert found.good >= 0.90 * LIMIT * 60
    assert found.refused <= 0.01 * sum(found.sent)
    assert found.late == 0


@pytest.mark.parametrize("workers", [2, 4])
def test_words_that_are_lost_are_made_up_for(workers: int) -> None:
    """A worker that did not hear is told by the service itself."""
    found = crew(workers, 0.002, harsh=True, lost=0.2)
    assert found.good >= 0.90 * LIMIT * 60
    assert found.refused <= 0.01 * sum(found.sent)


@pytest.mark.parametrize("workers", [2, 4])
def test_each_keeps_about_the_same_share(workers: int) -> None:
    found = crew(workers, 0.002)
    assert min(found.sent) * workers >= 0.8 * sum(found.sent)
