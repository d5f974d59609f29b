"""Chains as the line makes them: told the time, no loop and no post."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import BEHIND, Pace
from bulkmail.core.slots.budget import REQUESTS
from bulkmail.core.slots.chain import FEWEST, HEAVY, LONGEST, Chain, Link, first_reach, length, next_reach
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.lane import Lane, Slots
from bulkmail.core.slots.line import Line, LineStatistics
from bulkmail.model import Response

KEYS = ("ada", "eve")
REFUSED = Response(429, {"retry-after": "2"}, {"error": {"code": "ApplicationThrottled", "message": ""}})
ENDS = {"end": Response(200), "refuse": REFUSED, "break": Response(404)}


class Asked(Link):
    """A request that waits, or has left, or has given up."""

    def __init__(self, lane: Lane, *, upload: int = 0, links: bool = True) -> None:
        super().__init__(links=links)
        self.lane = lane
        self.upload = upload
        self.sends = 0
        self.safe = True
        self.state = "waits"

    def gone(self) -> bool:
        return self.state != "waits"

    def admit(self) -> None:
        self.state = "left"

    def refuse(self, error: Exception) -> None:
        raise AssertionError(error)


class Desk:
    """A line whose mailboxes have four slots, and the requests that it was asked for."""

    def __init__(self, pace: Pace | None = None, longest: int = LONGEST) -> None:
        self.pace = pace or Pace(rate=math.inf, in_flight=10_000)
        lanes, outage = Slots(4, longest), Outage(lambda _event: None)
        fences = Fences(
            lanes, self.pace, outage, lambda _event: None, max_wait=math.inf, wall=lambda: 0.0, dice=lambda: 0.0
        )
        self.line = Line(lanes, fences, self.pace, outage, lambda _event: None)
        self.asked: list[Asked] = []
        self.now = 1.0

    def ask(self, count: int, key: str = "ada", *, upload: int = 0, links: bool = True) -> None:
        for _ in range(count):
            asked = Asked(self.line.slots.at(key), upload=upload, links=links)
            self.asked.append(asked)
            if self.line.passes(asked.lane, self.now, upload, 0):
                asked.admit()
            elif self.line.arrive(asked.lane, asked, self.now):
                self.go()

    def go(self) -> None:
        for waiter in self.line.admit(self.now):
            waiter.admit()
            assert isinstance(waiter, Asked)
            self.line.depart(waiter.lane, self.now, self.now)

    def end(self, asked: Asked, response: Response | None = None) -> None:
        asked.state = "ended"
        self.line.fences.learn(asked.lane, response or Response(200), self.now, self.now)
        if self.line.give(asked.lane, asked.chain):
            self.go()

    def play(self, move: str, number: int) -> None:
        """One of MOVES."""
        left, waiting = self.left(), [one for one in self.asked if one.state == "waits"]
        if move == "ask":
            self.ask(number, KEYS[number % 2], links=number % 7 != 0)
        elif move == "wait":
            self.now += number / 10
            self.go()
        elif move == "give up" and waiting:
            quitter = waiting[number % len(waiting)]
            quitter.state = "gave up"
            self.line.depart(quitter.lane, self.now, self.now)
        elif left and move in ENDS:
            one = left[number % len(left)]
            if one.chain and move == "break":
                one.chain.sound = False
            self.end(one, ENDS[move])

    def left(self) -> list[Asked]:
        return [one for one in self.asked if one.state == "left"]

    def chains(self) -> list[int]:
        """The links of each chain that is under way, and 1 for each plain request."""
        found: dict[int, int] = {}
        for one in self.left():
            found[id(one.chain or one)] = found.get(id(one.chain or one), 0) + 1
        return sorted(found.values())


def test_a_slot_that_comes_back_takes_a_chain() -> None:
    desk = Desk()
    desk.line.slots.enter("ada")
    desk.ask(100)
    assert desk.chains() == [1, 1, 1, 1]
    desk.end(desk.left()[0])
    assert desk.chains() == [1, 1, 1, FEWEST]
    assert desk.line.statistics().in_flight == desk.line.statistics().paced == 4
    for link in [one for one in desk.left() if one.chain]:
        desk.end(link)
    assert desk.chains() == [1, 1, 1, 2 * FEWEST], "all of it went well, so the next is longer"


def test_without_chains_none_leaves() -> None:
    desk = Desk(longest=FEWEST - 1)
    desk.ask(100)
    desk.end(desk.left()[0])
    assert desk.chains() == [1, 1, 1, 1]


def test_while_others_stand_in_line_the_pace_is_theirs() -> None:
    desk = Desk(Pace(rate=math.inf, in_flight=4))
    for key in ("ada", "eve"):
        desk.line.slots.enter(key)
    desk.ask(40)
    desk.ask(40, "eve")
    for _ in range(8):
        desk.end(desk.left()[0])
        assert set(desk.chains()) == {1}


def test_a_request_that_may_not_link_ends_the_chain() -> None:
    desk = Desk()
    desk.ask(6)
    desk.ask(1, links=False)
    desk.ask(60)
    desk.end(desk.left()[0])
    assert desk.chains() == [1, 1, 1, 2]
    assert desk.left()[-1] is desk.asked[5]


def test_a_chain_weighs_no_more_than_a_request_may() -> None:
    desk = Desk()
    desk.ask(60, upload=HEAVY // 3)
    desk.end(desk.left()[0])
    assert desk.chains() == [1, 1, 1, 3]


def test_each_link_counts_for_the_budget_of_its_mailbox() -> None:
    desk = Desk()
    desk.line.slots.enter("ada")
    desk.ask(12_000)
    while left := desk.left():
        for one in left:
            desk.end(one)
    assert sum(one.state == "ended" for one in desk.asked) == REQUESTS


def test_no_more_than_a_second_of_the_pace_is_owed() -> None:
    desk = Desk(Pace(rate=2.0, in_flight=100))
    desk.ask(50)
    for second in range(60):
        desk.now = 1.0 + second
        desk.go()
        for one in desk.left():
            desk.end(one)
    sent = sum(one.state == "ended" for one in desk.asked)
    assert sent <= 2 * (60 + BEHIND) + 1


@pytest.mark.parametrize(("waiting", "links"), [(1, 1), (12, 1), (13, 4), (40, 10), (80, 20), (9_000, 20)])
def test_a_chain_is_its_share_of_what_waits(waiting: int, links: int) -> None:
    assert length(waiting, 4, LONGEST) == links


@given(st.lists(st.booleans(), max_size=30), st.integers(1, LONGEST))
def test_the_reach_stays_within_its_bounds(course: list[bool], longest: int) -> None:
    reach = first_reach(longest)
    for sound in course:
        chain = Chain(2)
        chain.sound = sound
        reach = next_reach(reach, longest, chain) if longest >= FEWEST else reach
        assert reach <= longest
        assert reach == 1 or reach >= FEWEST


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(1, 60)),
        st.tuples(st.sampled_from([*ENDS, "give up", "wait"]), st.integers(0, 200)),
    ),
    max_size=60,
)


@given(MOVES, st.sampled_from([(math.inf, 10_000), (50.0, 10_000), (math.inf, 3)]))
def test_four_slots_are_never_five_and_all_come_back(script: list[tuple[str, int]], pace: tuple[float, int]) -> None:
    desk = Desk(Pace(rate=pace[0], in_flight=pace[1]))
    for key in KEYS:
        desk.line.slots.enter(key)
    for move, number in script:
        desk.play(move, number)
        taken = desk.chains()
        statistics = desk.line.statistics()
        assert statistics.in_flight == statistics.paced == len(taken)
        assert max(taken, default=0) <= LONGEST
        for key in KEYS:
            assert len({id(one.chain or one) for one in desk.left() if one.lane.key == key}) <= 4
    while any(one.state in ("waits", "left") for one in desk.asked):
        for one in desk.left():
            desk.end(one)
        desk.now += 1
        desk.go()
    for key in KEYS:
        desk.line.leave(desk.line.slots.at(key), desk.now)
    desk.now += 10_000
    desk.go()
    assert desk.line.statistics() == LineStatistics((), 0, 0, 0, 0)
