"""What mailboxes cost: the slowest, those that were refused most often, and how their times are spread. Bounded."""

from bisect import bisect_left
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import NamedTuple

from bulkmail.model import Outcome, Status

TOP = 10
"""Mailboxes that are named."""

STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds up to which a mailbox counts for a bar; the last bar has those above."""


class Toll(NamedTuple):
    """What a mailbox cost: seconds, those waited among them, requests, refusals, and the limit that held it longest."""

    mailbox: str
    status: str
    seconds: float
    waited: float
    requests: int
    throttled: int
    limit: str


@dataclass(frozen=True, slots=True)
class Tolled:
    """`spread` counts mailboxes by STEPS, and has one number more; `busy` are those that were worked on."""

    slowest: tuple[Toll, ...]
    throttled: tuple[Toll, ...]
    spread: tuple[int, ...]
    busy: int


class Tolls:
    """Adds up outcomes; those that were not run cost nothing."""

    def __init__(self) -> None:
        self._slowest = _Top()
        self._throttled = _Top()
        self._spread = [0] * (len(STEPS) + 1)

    def add(self, outcome: Outcome) -> None:
        if outcome.status is Status.NOT_RUN:
            return
        self._spread[bisect_left(STEPS, outcome.seconds)] += 1
        self._slowest.add(outcome.seconds, outcome)
        if outcome.tally.throttled:
            self._throttled.add(outcome.tally.throttled, outcome)

    def tolled(self) -> Tolled:
        return Tolled(self._slowest.tolls(), self._throttled.tolls(), tuple(self._spread), sum(self._spread))


class _Top:
    """The outcomes with the highest figures; of equal ones, those that came first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Outcome]] = []
        self._came = 0

    def add(self, figure: float, outcome: Outcome) -> None:
        self._came -= 1
        entry = (figure, self._came, outcome)
        if len(self._heap) < TOP:
            heappush(self._heap, entry)
        elif figure > self._heap[0][0]:
            heappushpop(self._heap, entry)

    def tolls(self) -> tuple[Toll, ...]:
        return tuple(_toll(outcome) for _, _, outcome in sorted(self._heap, reverse=True))


def _toll(outcome: Outcome) -> Toll:
    tally = outcome.tally
    return Toll(
        outcome.mailbox.address, str(outcome.status), outcome.seconds, tally.waited, tally.requests, tally.throttled,
        tally.waited_for,
    )  # fmt: skip
