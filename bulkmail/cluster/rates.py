"""The one law of the rate of a cluster's run: learns from what all workers say of themselves, as the law of a run alone
learns from its own requests, and grants each of them its share. Decides at once, and knows neither Dask nor the clock.

What workers say comes late, and of different moments. So the law looks at the past: at the instants up to which it
knows of every worker. After a refusal nothing is granted until each worker has said what it had sent by then, at the
latest when the fence opens; meanwhile nothing leaves anyway.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice

from bulkmail.cluster.clocks import Offset
from bulkmail.cluster.grants import SECONDS, Share, granted
from bulkmail.core.pace.granted import Grant, Mark, Refusal, Said
from bulkmail.core.pace.learned import Learned
from bulkmail.core.pace.pace import FEWEST, TICK, USED, PaceStatistics

LONGEST = 5.0
"""Seconds of the past that are looked at, at most."""

SLOWER = 0.5
"""The first climb is so much as steep as that of a process alone: what is learned is granted later, to many."""

MARKS = 400
"""Marks of a worker that are kept: twenty seconds of them."""


@dataclass(slots=True)
class Member:
    """A worker as it is known here. The instants of `marks` are by its clock, all others by ours."""

    share: Share = field(default_factory=Share)
    number: int = 0
    clock: Offset = field(default_factory=Offset)
    marks: deque[Mark] = field(default_factory=lambda: deque([Mark(-math.inf, 0)], maxlen=MARKS))
    fence: float = -math.inf
    refused: int = 0
    episodes: int = 0

    @property
    def known(self) -> float:
        """Until when it is known what it sent."""
        return self.marks[-1].at + self.clock.ahead

    def hear(self, now: float, said: Said) -> list[Refusal]:
        """Returns the refusals that are news."""
        self.clock.hear(now, said.now)
        self.number = said.number
        self.share.hear(now, said)
        self.fence = said.fence + self.clock.ahead
        for mark in said.marks:
            if mark.at > self.marks[-1].at:
                self.marks.append(mark)
        fresh = said.refusals[max(0, self.episodes - said.earlier) :]
        self.episodes = said.earlier + len(said.refusals)
        return [Refusal(*(at + self.clock.ahead for at in one)) for one in fresh]

    def by(self, at: float) -> Mark:
        """What had come of it by an instant."""
        at -= self.clock.ahead
        behind = bisect_right(self.marks, at, key=lambda mark: mark.at)
        before = self.marks[max(0, behind - 1)]
        if behind in (0, len(self.marks)) or before.at == -math.inf:
            return before
        after = self.marks[behind]
        part = (at - before.at) / (after.at - before.at)
        return Mark(at, *(a + part * (b - a) for a, b in zip(before[1:], after[1:], strict=True)))  # type: ignore[arg-type]

    def stopped(self) -> float:
        """When it sent last."""
        last = self.marks[-1]
        return next((m.at for m in reversed(self.marks) if m.sent < last.sent), -math.inf) + self.clock.ahead


@dataclass(slots=True)
class Episode:
    """A refusal that the law was not told of yet."""

    first: Refusal
    hits: int = 1


class Rates:
    """For so many workers; `rate` fixes requests a second, and nothing is learned then."""

    def __init__(self, workers: int, rate: float | None = None) -> None:
        self._workers = max(1, workers)
        self._fixed = rate
        self.law = Learned()
        self._members: dict[int, Member] = {}
        self._gone = Mark(-math.inf, 0)  # what came of workers that have left
        self._at = -math.inf  # until when the law knows what was sent
        self._totals = Mark(-math.inf, 0)
        self._fence = -math.inf
        self._episode: Episode | None = None

    def __repr__(self) -> str:
        return f"<Rates {self.rate:.0f}/s for {len(self._members)} workers>"

    @property
    def rate(self) -> float:
        """Requests a second that may be granted."""
        return self._fixed or self.law.law.lasting

    def hear(self, now: float, worker: int, said: Said) -> Grant:
        """What a worker may send, by the number of its session. A word that comes behind a later one is not heard."""
        member = self._members.setdefault(worker, Member())
        if said.number <= member.number:
            return Grant(said.number, None, at=now)
        is_new = member.number == 0
        refusals = member.hear(now, said)
        if self._fixed is None:
            self._learn(now, member, said, refusals)
            if self._episode is not None:
                return Grant(said.number, None, fallen=now - self.law.since, at=now, soon=True)
        most = self.rate / self._workers if is_new else math.inf
        others = [one.share for one in self._members.values() if one is not member]
        rate = min(most, granted(now, member.share, others, self.rate))
        member.share.grants[said.number] = (rate, now + SECONDS)
        climbs = self._fixed is None and self.law.mode == "climb"
        return Grant(said.number, rate, SECONDS, now - self.law.since, now, climbs)

    def statistics(self) -> PaceStatistics:
        """What the law believes at this moment, with nothing in flight."""
        if self._fixed is not None:
            return PaceStatistics(0, 0, self._fixed, math.inf, self._fence, "fixed")
        law = self.law.law
        return PaceStatistics(
            0, 0, self.rate, law.limit, self._fence, self.law.mode, law.noise, law.noise_since, law.limit_since
        )

    def instant(self, worker: int, there: float) -> float:
        """An instant of a worker's clock, by ours; inf while that is not known."""
        member = self._members.get(worker)
        return math.inf if member is None else there + member.clock.ahead

    def leave(self, worker: int) -> None:
        """Nothing of this worker leaves any more."""
        if (member := self._members.pop(worker, None)) is not None:
            self._gone = _sum(-math.inf, (self._gone, member.marks[-1]))

    def _learn(self, now: float, member: Member, said: Said, refusals: Collection[Refusal]) -> None:
        hits, member.refused = said.refused - member.refused, said.refused
        for one in refusals:
            hits -= self._note(one)
        for _ in range(hits):
            self._hit()
        if said.warned:
            self.law.warned(now, said.warned)
        live = [one for one in self._members.values() if now - one.share.heard < SECONDS]
        if self._episode is not None:
            self._fence = max(self._fence, *(one.fence for one in live))
            if now >= self._fence or all(one.fence >= self._episode.first.at for one in live):
                self._judge(self._episode)
        if self._episode is None:
            self._go_on(min(one.known for one in live))

    def _note(self, one: Refusal) -> bool:
        """Whether it begins an episode, or is the first of the one that has begun."""
        if self._episode is None:
            if one.sent_at < self._fence:
                return False
            self._episode = Episode(one)
            self._fence = one.until
            return True
        first = self._episode.first
        if one.sent_at < first.sent_at:
            first = Refusal(one.sent_at, min(one.at, first.at), first.until)
        self._episode.first = first._replace(until=max(one.until, first.until))
        self._fence = max(self._fence, one.until)
        return False

    def _hit(self) -> None:
        if self._episode is not None:
            self._episode.hits += 1
        else:
            self.law.refused_too()

    def _judge(self, episode: Episode) -> None:
        """All that can be known of the episode is known: the law hears of it."""
        first = episode.first
        self._go_on(first.sent_at)
        end = min(max(first.at, *(one.stopped() for one in self._members.values())), self._fence)
        self._totals = self._total(math.inf)
        wait = self._fence - first.at
        self.law.refused(end, first.sent_at, end + wait, round(self._totals.sent))
        for _ in range(episode.hits - 1):
            self.law.refused_too()
        self.law.begin(self._fence, round(self._totals.sent))
        self._at, self._episode = self._fence, None

    def _go_on(self, known: float) -> None:
        """To what is known by now."""
        if known - self._at > LONGEST:
            self._begin(known)
        while (at := self._at + max(TICK, FEWEST / self.law.value)) <= known:
            self._step(at)

    def _begin(self, at: float) -> None:
        self._at, self._totals = at, self._total(at)
        self.law.begin(at, round(self._totals.sent))

    def _step(self, at: float) -> None:
        seconds, before = at - self._at, self._totals
        self._at, self._totals = at, (now := self._total(at))
        good, faults = round(now.good) - round(before.good), round(now.faults) - round(before.faults)
        latency = (now.waited - before.waited) / max(1, good + faults)
        seconds_used = seconds if self.law.law.limit < math.inf else SLOWER * seconds
        used = now.sent - before.sent >= USED * self.law.value * seconds
        self.law.step(at, round(now.sent), seconds_used if used else 0.0, latency, good, faults)

    def _total(self, at: float) -> Mark:
        """What had come of all workers by an instant."""
        return _sum(at, (self._gone, *(one.by(at) for one in self._members.values())))


def _sum(at: float, marks: Iterable[Mark]) -> Mark:
    return Mark(at, *(sum(column) for column in islice(zip(*marks, strict=True), 1, None)))
