"""Who is next: admits requests by the slots of their mailboxes, the fences and the pace. Is told the time, never waits.

`admit` is a function of the state alone: it says who leaves now, and `again` when to ask next (the way in which
httpcore assigns requests to connections). A request that cannot leave waits in the lane of its mailbox; a lane that
could send stands in one of two lines, and mailboxes that have begun come before those that have not, so that few are
half done at any time. A lane behind its fence stands in neither, so that no other lane waits for it.

Where many writes wait in a lane, and nothing else holds them back than its slots, they leave in chains. While other
lanes stand in line it is the pace that holds all back, and what a chain takes of it is theirs.
"""

import heapq
import math
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count

from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.chain import FEWEST, HEAVY, Chain, Link, length, next_reach
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.lane import Lane, Slots, Waiter
from bulkmail.errors import ServiceDown, ThrottledOut
from bulkmail.model import Event, Reporter, Tally

TICK = 0.001
"""Seconds: the pace is not asked again sooner. Timers are kept to a millisecond, and what the pace allows meanwhile, it
allows together."""

AHEAD = 32
"""Mailboxes that wait to begin: enough that a wider window is filled at once, few enough that they cost nothing."""


@dataclass(frozen=True, slots=True)
class LineStatistics:
    """A snapshot: the keys of the lanes, the requests in flight as the lanes count them and as the pace does, the lanes
    that stand in line, and at how many instants a lane will be looked at."""

    lanes: tuple[str, ...]
    in_flight: int
    paced: int
    in_line: int
    later: int


class Line:
    """The lanes, in the order in which they may send. What is admitted, or passes, ends with exactly one `give`."""

    def __init__(self, slots: Slots, fences: Fences, pace: Pace, outage: Outage, report: Reporter) -> None:
        self.slots = slots
        self.fences = fences
        self.pace = pace
        self.outage = outage
        self._report = report
        self._begun: deque[Lane] = deque()
        self._fresh: deque[Lane] = deque()
        self._freed: list[Lane] = []  # a slot of theirs came back, and they have not been looked at since
        self._later: list[tuple[float, int, Lane, bool]] = []  # a heap: when to look at a lane, and whether it lingers
        self._numbers = count()  # of equal instants the first comes first
        self.took_fresh = False  # whether `admit` let mailboxes begin when it was last asked
        self._paced = -math.inf  # the pace allows nothing before; inf: nothing before an answer

    def __repr__(self) -> str:
        return f"<Line of {len(self._begun)}+{len(self._fresh)} lanes, {len(self._later)} later>"

    def room(self) -> bool:
        """Whether another mailbox would begin soon."""
        return len(self._fresh) < AHEAD

    def statistics(self) -> LineStatistics:
        """What it holds at this moment."""
        lanes = self.slots.lanes
        flying = sum(lane.in_flight for lane in lanes.values())
        paced = self.pace.statistics().in_flight
        return LineStatistics(tuple(lanes), flying, paced, len(self._begun) + len(self._fresh), len(self._later))

    def again(self) -> float:
        """The instant at which to ask `admit` again, if no request arrives or ends before; inf if only that can change
        anything."""
        paced = self.outage.next_probe if self.outage.down else self._paced
        if not (self._begun or self._fresh):
            paced = math.inf
        return min(self._later[0][0], paced) if self._later else paced

    def leave(self, lane: Lane, now: float) -> Tally:
        """The end of a visit; returns what it cost. Ask `again` if the lane lingers."""
        if again := self.slots.leave(lane, now):
            self._linger(lane, again)
        return lane.bill()

    def passes(self, lane: Lane, now: float, upload: int, sends: int) -> bool:
        """Whether a request leaves at once, because no other waits and nothing is in its way."""
        if lane.waiting or self._begun or self._fresh or self.outage.down:
            return False
        if self.slots.ready(lane, now, upload, sends) > now or self.pace.try_send(now) > 0:
            return False
        self.slots.take(lane, now, upload, sends)
        return True

    def arrive(self, lane: Lane, waiter: Waiter, now: float) -> bool:
        """A request has to wait, until `admit` names it or it goes; `depart` follows, whatever happens. Returns
        whether to ask `admit` at once. Raises ThrottledOut and ServiceDown where the job allows no such wait."""
        lane.entered += 1  # a lane is kept while a request waits in it
        if over := self.outage.over:
            raise over
        self.fences.check(lane, now)
        lane.queue().append(waiter)
        if self._begun or self._fresh:  # the pace has been asked already
            return self._line_up(lane, now)
        self._line_up(lane, now)
        return True

    def depart(self, lane: Lane, arrived: float, now: float) -> None:
        """A request waits no more; the longest wait that a limit had a part in is told of its mailbox. Ask `again` if
        the lane lingers."""
        lane.entered -= 1
        waited = now - arrived
        lane.waited += waited
        fence = lane.fence if lane.fence.until > arrived else self.fences.everybody
        until, by = (fence.until, fence.by) if fence.until > arrived else lane.held
        if until > arrived and waited > lane.longest[0]:
            lane.longest = (waited, by)
        self._forget(lane, now)

    def give(self, lane: Lane, chain: Chain | None = None) -> bool:
        """A request ended, however it ended, and its slot comes back, or goes on to the next link of its chain. Returns
        whether to ask `admit`."""
        if chain is not None:
            if chain.passes_on():
                self.pace.pass_on()
                return False
            lane.reach = next_reach(lane.reach, self.slots.longest, chain)
        self.slots.give(lane)
        if lane.waiting or not lane.entered:
            self._freed.append(lane)
            return True
        return bool(self._begun or self._fresh)

    def take_back(self, lane: Lane, now: float) -> None:
        """A request that was admitted does not leave after all; `give` comes next."""
        self.pace.abandoned(now)
        self.slots.unsend(lane)

    def share(self, slots: int) -> None:
        """From now on each mailbox has so many slots; ask `admit`."""
        self.slots.share(slots)
        self._freed += [lane for lane in self.slots.lanes.values() if lane.waiting and not lane.queued]

    def resume(self) -> None:
        """The pace may allow more than when it was asked; ask `admit`."""
        self._paced = -math.inf

    def refuse_overlong(self, held_up: Collection[Lane], now: float) -> None:
        """A fence has risen that is too high for those that wait already: they hear of it, like those that arrive."""
        for lane in held_up:
            try:
                self.fences.check(lane, now)
            except (ThrottledOut, ServiceDown) as error:
                for waiter in lane.waiting:
                    if not waiter.gone():
                        waiter.refuse(error)

    def _end(self) -> None:
        """The outage has lasted too long: all that wait hear of it."""
        for lane in self.slots.lanes.values():
            for waiter in lane.waiting:
                if not waiter.gone() and (over := self.outage.over):
                    waiter.refuse(over)
        for lane in (*self._begun, *self._fresh):
            lane.queued = False
        self._begun.clear()
        self._fresh.clear()

    def admit(self, now: float) -> list[Waiter]:
        """The requests that leave now, each with its slot taken."""
        if self._freed or self._later:
            self._look(now)
        admitted: list[Waiter] = []
        self.took_fresh = False
        if self.outage.down:
            return self._probe(now)
        if now < self._paced < math.inf:
            return admitted
        before = len(self._fresh)
        while line := self._begun or self._fresh:
            lane = line[0]
            may_leave = self._ready(lane, now) <= now
            at = self.pace.try_send(now) if may_leave else 0.0
            if at > 0:
                self._paced = max(at, now + TICK)
                break
            line.popleft()
            lane.queued = False
            if may_leave:
                admitted.append(first := self._take(lane, now))
                if lane.reach >= FEWEST and not (self._begun or self._fresh):
                    admitted += self._chain(lane, first, now)
            if lane.waiting:
                self._line_up(lane, now)  # also if its fence rose while it stood in line
        self.took_fresh = len(self._fresh) < before
        return admitted

    def _probe(self, now: float) -> list[Waiter]:
        """One request that leaves though the service is down, if its time has come: rather one that may be repeated."""
        if self.outage.over:
            self._end()
            return []
        ready = [lane for lane in (*self._begun, *self._fresh) if self._ready(lane, now) <= now]
        if now < self.outage.next_probe or not ready:
            return []
        at = self.pace.try_send(now)
        if at > 0:
            self.outage.put_off(now + TICK + (min(at - now, 1.0)))
            return []
        lane = next((lane for lane in ready if lane.waiting[0].safe), ready[0])
        (self._begun if lane in self._begun else self._fresh).remove(lane)
        lane.queued = False
        waiter = self._take(lane, now)
        self.outage.probe(now)
        self._line_up(lane, now)
        return [waiter]

    def _take(self, lane: Lane, now: float) -> Waiter:
        """The first that waits, with its slot taken."""
        waiter = lane.waiting.popleft()
        self.slots.take(lane, now, waiter.upload, waiter.sends)
        return waiter

    def _chain(self, lane: Lane, first: Waiter, now: float) -> list[Waiter]:
        """Those that leave behind the `first` in its slot, if it may be shared."""
        most, weight = length(1 + len(lane.waiting), lane.slots, lane.reach), first.upload
        links = [first]
        while len(links) < most and _may_link(first) and self._follows(lane, weight, now):
            link = lane.waiting.popleft()
            self.slots.join(lane, now, link.upload, link.sends)
            weight += link.upload
            links.append(link)
        if len(links) > 1:
            chain = Chain(len(links))
            for link in [one for one in links if isinstance(one, Link)]:  # which all are that may link
                link.chain = chain
        return links[1:]

    def _follows(self, lane: Lane, weight: int, now: float) -> bool:
        """Whether the next that waits in a lane may leave behind others that weigh so much; if so, the pace counts it
        as sent."""
        self._pass_over(lane)
        link = lane.waiting[0] if lane.waiting else None
        if link is None or not _may_link(link) or weight + link.upload > HEAVY:
            return False
        fits = lane.budgets is None or lane.budgets.ready(now, link.upload, link.sends) <= now
        return fits and self.pace.follow(now)

    def _look(self, now: float) -> None:
        """At the lanes of which a slot came back, and at those whose time has come."""
        freed, self._freed = self._freed, []
        for lane in freed:
            self._line_up(lane, now)
            self._forget(lane, now)
        while self._later and self._later[0][0] <= now:
            _, _, lane, lingers = heapq.heappop(self._later)
            if lingers:
                lane.lingers = False
                self._forget(lane, now)
            else:
                lane.queued = False
                self._line_up(lane, now)

    def _line_up(self, lane: Lane, now: float) -> bool:
        """Put a lane with waiters where it belongs: in line, among those for later (then True), or nowhere until a slot
        comes back."""
        at = self._ready(lane, now)
        if lane.queued or at == math.inf:
            return False
        lane.queued = True
        if at <= now:
            (self._begun if lane.requests else self._fresh).append(lane)
            return False
        self._note_budget(lane, now, at)
        heapq.heappush(self._later, (at, next(self._numbers), lane, False))
        return True

    def _note_budget(self, lane: Lane, now: float, at: float) -> None:
        """Tells of a wait until `at` that no refusal has asked for, if it is one."""
        first = lane.waiting[0]
        if at > lane.fence.until and lane.budgets is not None:
            by = lane.budgets.in_the_way(now, first.upload, first.sends)
            lane.held = (at, by)
            self._report(Event("paused", by, lane.key, at - now, at - now))

    def _ready(self, lane: Lane, now: float) -> float:
        """The instant from which the first that still waits may leave; infinite if none does."""
        self._pass_over(lane)
        if not lane.waiting:
            return math.inf
        first = lane.waiting[0]
        return self.slots.ready(lane, now, first.upload, first.sends)

    @staticmethod
    def _pass_over(lane: Lane) -> None:
        """Those that wait no more."""
        while lane.waiting and lane.waiting[0].gone():
            lane.waiting.popleft()

    def _forget(self, lane: Lane, now: float) -> None:
        """If it is not needed any more."""
        if again := self.slots.forget(lane, now):
            self._linger(lane, again)

    def _linger(self, lane: Lane, again: float) -> None:
        """A fence outlives the work on its mailbox, and so do its budgets: the next visit finds them."""
        if not lane.lingers:  # else an earlier visit has seen to it
            lane.lingers = True
            heapq.heappush(self._later, (again, next(self._numbers), lane, True))


def _may_link(waiter: Waiter) -> bool:
    return isinstance(waiter, Link) and waiter.links
