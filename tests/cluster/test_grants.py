"""What workers may send together is never more than the rate, whatever becomes of the words between them."""

from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.cluster.grants import FLOOR, SECONDS, Share, divided, granted
from bulkmail.cluster.rates import Rates
from bulkmail.core.pace.granted import GrantedPace
from tests.cluster.crew import Crew
from tests.core.models import Bucket, Open, steady

RATE = 100.0
WORKERS = 3
WORDS = ("ask", "hear", "hear twice", "lose", "answer", "answer twice", "lose answer", "send", "fence")


def sum_of(paces: list[GrantedPace], now: float) -> float:
    """What all of them may send a second."""
    return sum(pace.statistics().rate for pace in paces if pace.may_send(now))


class Post:
    """Words on their way, each with the worker that it is of or for, to be taken from anywhere."""

    def __init__(self) -> None:
        self.words = deque[tuple[int, Any]]()

    def take(self, which: int, *, twice: bool = False) -> list[tuple[int, Any]]:
        if not self.words:
            return []
        self.words.rotate(-which)
        return [self.words[0]] if twice else [self.words.popleft()]


class Office:
    """Workers and their law, and all that is under way between them."""

    def __init__(self) -> None:
        self.rates = Rates(WORKERS, RATE)
        self.paces = [GrantedPace(in_flight=1000) for _ in range(WORKERS)]
        self.asks, self.answers = Post(), Post()

    def do(self, what: str, who: int, which: int, now: float) -> None:
        twice, pace = what.endswith("twice"), self.paces[who]
        if what == "ask":
            self.asks.words.append((who, pace.say(now)))
        elif what == "send":
            while pace.try_send(now) == 0.0:
                pace.answered(now, now)
        elif what == "fence":
            pace.fenced(now, now + which / 10)
        elif what.startswith("hear"):
            for one, said in self.asks.take(which, twice=twice):
                self.answers.words.append((one, self.rates.hear(now, one, said)))
        elif what.startswith("answer"):
            for one, grant in self.answers.take(which, twice=twice):
                self.paces[one].grant(now, grant)
        else:
            (self.answers if "answer" in what else self.asks).take(which)


STEPS = st.tuples(st.sampled_from(WORDS), st.integers(0, WORKERS - 1), st.integers(0, 9), st.integers(0, 800))


@given(steps=st.lists(STEPS, max_size=150))
def test_never_more_than_the_rate_at_any_instant(steps: list[tuple[str, int, int, int]]) -> None:
    office, now = Office(), 1.0
    for what, who, which, milli in steps:
        now += milli / 1000
        office.do(what, who, which, now)
        assert sum_of(office.paces, now) <= RATE * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_a_learned_rate_is_kept_to_as_well(seed: int) -> None:
    """Where it has fallen, all that was granted before has ended after the time of a grant."""
    latest = deque[tuple[float, float]]()

    def look(crew: Crew, now: float) -> None:
        if round(now * 1000) % 10:
            return
        latest.append((now, crew.rates.rate))
        while latest[0][0] < now - SECONDS - 0.02:
            latest.popleft()
        together = sum(one.pace.statistics().rate for one in crew.crew if one.pace.may_send(now + one.ahead))
        assert together <= max(rate for _, rate in latest) * (1 + 1e-9)

    service = Bucket(lambda now: 500.0 if now < 6 else 200.0, steady(0.05, 0.15), harsh=True)
    Crew(4, service, 0.3, lost=0.3, doubled=0.3, seed=seed, look=look).drive(12.0)


@given(rate=st.floats(0.5, 1e4), demands=st.lists(st.floats(0, 1e5) | st.just(float("inf")), min_size=1, max_size=9))
def test_all_of_it_is_divided_and_none_waits_for_what_another_cannot_use(rate: float, demands: list[float]) -> None:
    parts = divided(rate, demands)
    assert sum(parts) == pytest.approx(rate)
    short = [part for part, demand in zip(parts, demands, strict=True) if part < demand * (1 - 1e-6)]
    assert all(part >= min(short) * (1 - 1e-6) or part >= demand * (1 - 1e-6)
               for part, demand in zip(parts, demands, strict=True) if short)  # fmt: skip
    if short:
        assert max(parts) <= max(short) * (1 + 1e-6)


def test_an_idle_worker_keeps_a_little() -> None:
    idle, busy = Share(demand=0.0, heard=1.0), Share(demand=400.0, heard=1.0)
    assert granted(1.0, busy, [idle], 100.0) == pytest.approx(100 - FLOOR * 50)
    assert granted(1.0, idle, [busy], 100.0) == pytest.approx(FLOOR * 50)


def test_what_a_worker_may_still_keep_to_is_not_granted_twice() -> None:
    share, other = Share(heard=1.0), Share(heard=1.0, grants={1: (80.0, 4.0), 2: (30.0, 4.5)})
    assert granted(1.0, share, [other], 100.0) == pytest.approx(20.0)
    assert granted(4.2, share, [other], 100.0) == pytest.approx(70.0), "and one that is silent is not waited for"
    assert granted(4.5, share, [other], 100.0) == pytest.approx(100.0)


def test_a_worker_that_has_left_leaves_its_share_and_what_it_sent_counts() -> None:
    rates, paces = Rates(2, RATE), [GrantedPace(), GrantedPace()]
    for number in (0, 1):
        grant = rates.hear(1.0, number, paces[number].say(1.0))
        assert grant.rate == RATE / 2
    rates.leave(0)
    rates.leave(0)
    grant = rates.hear(1.5, 1, paces[1].say(1.5))
    assert grant.rate == RATE


def test_without_a_limit_the_law_climbs_for_all_together() -> None:
    found = Crew(4, Open(steady(0.05, 0.15))).drive(8.0)
    assert found.sent > 8 * 1000
    assert not found.refused
    assert found.rates.statistics().mode == "climb"
