"""Who is next, told the time: no loop, no request, only the decision."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.lane import Lane, Slots
from bulkmail.core.slots.line import AHEAD, TICK, Line, LineStatistics
from bulkmail.errors import ServiceDown, ThrottledOut
from bulkmail.model import Event, Response

NOTHING_HELD = LineStatistics((), 0, 0, 0, 0)


class Asked:
    """A request that waits, or has left, or has given up."""

    def __init__(self, lane: Lane, *, upload: int = 0, sends: int = 0, safe: bool = True) -> None:
        self.lane = lane
        self.safe = safe
        self.upload = upload
        self.sends = sends
        self.state = "waits"

    def gone(self) -> bool:
        return self.state != "waits"

    def admit(self) -> None:
        self.state = "admitted"

    def refuse(self, error: Exception) -> None:
        self.state = f"refused: {type(error).__name__}"


def line_of(
    *, pace: Pace | None = None, slots: int = 4, max_wait: float = math.inf, told: list[Event] | None = None
) -> Line:
    pace = pace or Pace(rate=math.inf, in_flight=10_000)
    report = ([] if told is None else told).append
    lanes = Slots(slots)
    outage = Outage(report, max_wait=max_wait)
    fences = Fences(lanes, pace, outage, report, max_wait=max_wait, wall=lambda: 0.0, dice=lambda: 0.0)
    return Line(lanes, fences, pace, outage, report)


def ask(line: Line, key: str, now: float = 0.0, *, upload: int = 0, sends: int = 0) -> Asked:
    """A request as the limiter sends it: it passes or waits."""
    asked = Asked(line.slots.at(key), upload=upload, sends=sends)
    if line.passes(asked.lane, now, upload, sends):
        asked.admit()
    elif line.arrive(asked.lane, asked, now):
        let_go(line, now)
    return asked


def let_go(line: Line, now: float) -> list[str]:
    """Who leaves now, by key."""
    admitted = line.admit(now)
    for waiter in admitted:
        waiter.admit()
        assert isinstance(waiter, Asked)
        line.depart(waiter.lane, now, now)
    return [waiter.lane.key for waiter in admitted if isinstance(waiter, Asked)]


def answer(line: Line, asked: Asked, now: float, response: Response | None = None) -> bool:
    """The end of a request that left."""
    line.fences.learn(asked.lane, response or Response(200), now, now)
    return line.give(asked.lane)


def refusal(seconds: int, code: str = "ApplicationThrottled") -> Response:
    return Response(429, {"retry-after": str(seconds)}, {"error": {"code": code, "message": ""}})


def test_a_request_passes_while_nothing_is_in_its_way() -> None:
    line = line_of()
    line.slots.enter("ada")
    states = [ask(line, "ada").state for _ in range(5)]
    assert states == ["admitted"] * 4 + ["waits"]
    assert line.again() == math.inf, "only an answer can change anything"
    assert repr(line) == "<Line of 0+0 lanes, 0 later>"


def test_a_slot_that_comes_back_lets_the_next_one_go() -> None:
    line = line_of(slots=1)
    line.slots.enter("ada")
    first, second = ask(line, "ada"), ask(line, "ada")
    assert answer(line, first, 1.0)
    assert let_go(line, 1.0) == ["ada"]
    assert not answer(line, second, 2.0), "no other waits"
    assert line.leave(line.slots.at("ada"), 2.0).requests == 2
    assert line.statistics() == NOTHING_HELD


def test_a_fence_names_the_instant_at_which_to_ask_again() -> None:
    line = line_of()
    line.slots.enter("ada")
    assert not answer(line, ask(line, "ada", 1.0), 1.0, refusal(30))
    held = ask(line, "ada", 2.0)
    assert line.again() == 31.0
    assert let_go(line, 30.9) == []
    assert held.state == "waits"
    assert ask(line, "eve", 3.0).state == "admitted", "no other mailbox waits for it"
    assert let_go(line, 31.0) == ["ada"]


def test_mailboxes_that_have_begun_come_before_fresh_ones() -> None:
    line = line_of(pace=Pace(rate=math.inf, in_flight=1))
    for key in ("ada", "eve", "bob"):
        line.slots.enter(key)
    first = ask(line, "ada")
    waiting = [ask(line, key) for key in ("eve", "bob", "ada")]
    assert not line.took_fresh
    answer(line, first, 1.0)
    assert let_go(line, 1.0) == ["ada"]
    assert not line.took_fresh
    answer(line, waiting[2], 2.0)
    assert let_go(line, 2.0) == ["eve"]
    assert line.took_fresh


def test_there_is_room_until_enough_mailboxes_wait_to_begin() -> None:
    line = line_of(pace=Pace(rate=math.inf, in_flight=1))
    ask(line, "first")
    for number in range(AHEAD):
        assert line.room()
        ask(line, f"m{number}")
    assert not line.room()


def test_the_pace_is_not_asked_again_before_the_instant_that_it_named() -> None:
    line = line_of(pace=Pace(rate=2.0, in_flight=100))
    for key in "abc":
        ask(line, key)
    named = line.again()
    assert named == pytest.approx(0.5, abs=0.02)
    assert let_go(line, named - 0.1) == []
    assert line.again() == named
    assert let_go(line, named) == ["b"]


def test_an_instant_that_is_nearly_there_is_put_off_by_a_tick() -> None:
    line = line_of(pace=Pace(rate=10_000.0, in_flight=100_000))
    while ask(line, "many", 1.0).state == "admitted":
        line.give(line.slots.at("many"))
    assert line.again() == 1.0 + TICK


def test_requests_that_gave_up_are_passed_over() -> None:
    line = line_of(slots=1)
    line.slots.enter("ada")
    flying, *waiting = [ask(line, "ada") for _ in range(4)]
    for asked in waiting[:2]:
        asked.state = "cancelled"
        line.depart(asked.lane, 0.0, 0.5)
    answer(line, flying, 1.0)
    assert let_go(line, 1.0) == ["ada"]
    assert waiting[2].state == "admitted"


def test_a_lane_whose_requests_all_gave_up_behind_its_fence_is_left_alone() -> None:
    line = line_of()
    answer(line, ask(line, "ada"), 0.0, refusal(10))
    let_go(line, 0.0)
    held = ask(line, "ada", 1.0)
    held.state = "cancelled"
    line.depart(held.lane, 1.0, 2.0)
    assert let_go(line, 10.0) == []
    assert line.statistics() == NOTHING_HELD


def test_too_long_a_wait_is_refused_to_those_that_wait_and_to_those_that_arrive() -> None:
    line = line_of(max_wait=60, slots=1)
    line.slots.enter("ada")
    flying, waiting, quitter = (ask(line, "ada") for _ in range(3))
    quitter.state = "cancelled"
    held_up = line.fences.learn(flying.lane, refusal(900), 0.0, 1.0)
    line.refuse_overlong(held_up, 1.0)
    assert (waiting.state, quitter.state) == ("refused: ThrottledOut", "cancelled")
    with pytest.raises(ThrottledOut):
        ask(line, "ada", 2.0)
    line.depart(line.slots.at("ada"), 2.0, 2.0)
    assert ask(line, "eve", 2.0).state == "admitted"


def test_what_is_taken_back_costs_nothing() -> None:
    line = line_of()
    line.slots.enter("ada")
    asked = ask(line, "ada")
    line.take_back(asked.lane, 1.0)
    line.give(asked.lane)
    assert line.leave(line.slots.at("ada"), 1.0).requests == 0
    assert line.statistics() == NOTHING_HELD


class Played:
    """A line, a clock, and the requests of four mailboxes."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.now = 1.0
        self.asked: list[Asked] = []

    def of(self, state: str, key: str) -> list[Asked]:
        return [one for one in self.asked if one.state == state and one.lane.key == key]

    def wait(self, seconds: float) -> None:
        """As a timer does: asks at each instant that the line names."""
        until = self.now + seconds
        while self.line.again() <= until:
            self.now = max(self.now, self.line.again())
            let_go(self.line, self.now)
        self.now = max(self.now, until)

    def ask(self, key: str) -> None:
        self.asked.append(ask(self.line, key, self.now))

    def give_up(self, key: str) -> None:
        for one in self.of("waits", key)[-1:]:
            one.state = "cancelled"
            self.line.depart(one.lane, self.now, self.now)

    def end(self, key: str, response: Response | None = None) -> None:
        for one in self.of("admitted", key)[:1]:
            one.state = "answered"
            if answer(self.line, one, self.now, response):
                let_go(self.line, self.now)

    def check(self, key: str) -> None:
        left = [one.state != "waits" for one in self.asked if one.lane.key == key and one.state != "cancelled"]
        assert left == sorted(left, reverse=True), "those of one mailbox leave in the order in which they came"
        assert len(self.of("admitted", key)) <= 4


MOVES: dict[str, Callable[[Played, str], None]] = {
    "ask": Played.ask,
    "answer": Played.end,
    "refuse": lambda played, key: played.end(key, refusal(3)),
    "refuse all": lambda played, key: played.end(key, refusal(3, "TooManyRequests")),
    "give up": Played.give_up,
}
KEYS = ("ada", "eve", "bob", "kim")
moves = st.lists(
    st.tuples(
        st.sampled_from([*MOVES, "ask", "ask", "answer"]), st.sampled_from(KEYS), st.sampled_from([0.0, 0.001, 0.3, 2])
    ),
    max_size=120,
)


@given(moves, st.sampled_from([(math.inf, 10_000), (20.0, 10_000), (math.inf, 3), (5.0, 2)]))
def test_each_request_leaves_once_in_its_order_and_nothing_stays_behind(
    script: list[tuple[str, str, float]], pace: tuple[float, int]
) -> None:
    played = Played(line_of(pace=Pace(rate=pace[0], in_flight=pace[1])))
    for move, key, seconds in script:
        played.wait(seconds)
        MOVES[move](played, key)
        played.check(key)
    for _ in range(len(script) + 1):
        for key in KEYS * 4:
            played.end(key)
        played.wait(5.0)
    assert {one.state for one in played.asked} <= {"answered", "cancelled"}
    assert played.line.statistics() == NOTHING_HELD


def down(line: Line) -> None:
    """Seven first requests of seven mailboxes fail."""
    flying = [ask(line, f"m{number}") for number in range(7)]
    for asked in flying:
        line.fences.failed(asked.lane, "503", 0.0, 1.0)
        line.give(asked.lane)
    assert line.outage.down
    let_go(line, 1.0)


def test_in_an_outage_one_request_leaves_at_its_instant_and_rather_a_safe_one() -> None:
    line = line_of()
    down(line)
    letter, read, other = (ask(line, key, 1.5) for key in ("letter", "read", "other"))
    letter.safe = False
    assert line.again() == 2.0
    assert let_go(line, 1.9) == []
    assert let_go(line, 2.0) == ["read"]
    assert let_go(line, 3.0) == []
    assert answer(line, read, 3.0), "and then all may go"
    assert let_go(line, 3.0) == ["letter", "other"]
    assert other.state == "admitted"


def test_a_probe_waits_for_the_pace_as_well() -> None:
    line = line_of(pace=Pace(rate=10.0, in_flight=100))
    lanes = [line.slots.at(f"m{number}") for number in range(7)]
    for lane in lanes:
        line.outage.failed(lane.key, "503", 0.0, 0.0)
    assert line.pace.try_send(0.95) == 0.0
    waiting = ask(line, "ada", 0.96)
    assert let_go(line, 1.0) == []
    assert 1.0 < line.again() < 1.2
    assert let_go(line, line.again()) == ["ada"]
    assert waiting.state == "admitted"


def test_an_outage_that_lasted_too_long_ends_all_that_wait_and_all_that_arrive() -> None:
    line = line_of(max_wait=5.0)
    down(line)
    first, *waiting, last = (ask(line, key, 1.5) for key in ("eve", *"abcdefghh"))
    first.state = last.state = "cancelled"
    while not line.outage.over:
        now = line.again()
        for waiter in line.admit(now):
            assert isinstance(waiter, Asked)
            waiter.admit()
            line.fences.failed(waiter.lane, "503", now, now)
            line.give(waiter.lane)
    let_go(line, now)
    assert [asked.state for asked in waiting] == ["admitted"] * 3 + ["refused: ServiceDown"] * 5
    assert first.state == last.state == "cancelled"
    with pytest.raises(ServiceDown, match="the job allows 5 s"):
        line.arrive(line.slots.at("kim"), Asked(line.slots.at("kim")), now)
    assert line.statistics().in_line == 0
