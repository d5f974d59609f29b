"""A pace that learns no rate: it keeps to one that is granted to it, for some seconds, by a law that many processes
share, and says to that law what it sent, what came of it, and whether it could send more.

A grant ends by itself, and with the next refusal: nothing leaves then until another one comes. So what the law lets
all processes send together is never exceeded because one of them was not heard of, or did not hear.
"""

import math
from typing import NamedTuple

from bulkmail.core.pace.pace import CEILING, START, Pace

HUNGRY = 0.85
"""Share of what was granted that must have been sent by a process that could have sent more."""

HEADROOM, MORE = 1.3, 4.0
"""Times as much as it sends is enough for a process that did not send all that it might; and so many times as much as
it was granted could be of use to one that did."""

MARKS = 100
"""Marks that are kept until the law has heard of them: some seconds of them."""


class Mark(NamedTuple):
    """By the instant `at`, so many requests had been sent and had ended in all, and had taken `waited` seconds."""

    at: float
    sent: int
    good: int = 0
    faults: int = 0
    waited: float = 0.0


class Refusal(NamedTuple):
    """The first refusal of an episode: heard of at `at`, for a request of `sent_at`; nothing leaves before `until`."""

    sent_at: float
    at: float
    until: float


class Said(NamedTuple):
    """What a process says of itself, the `number`th time. All instants are of its own clock, which shows `now`.

    It keeps to the grant that answered number `held`, 0 for none; of others that answered a number below `least` it
    will never keep to any. `demand` is how many requests a second it could send, inf while that is not known.
    `refused` is how many were refused in all; the first of these that count are `refusals`, of which there had been
    `earlier` ones before. `warned` is the last warning, as a share of the limit, 0.0 if there was none.
    """

    number: int
    now: float
    held: int
    least: int
    fence: float
    demand: float
    marks: tuple[Mark, ...]
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    earlier: int = 0
    warned: float = 0.0


class Grant(NamedTuple):
    """`rate` requests a second for `seconds` from when number `number` was said; None leaves what there was. Faults of
    requests that were sent more than `fallen` seconds before do not count. It was made `at` an instant of the law's
    clock. The next word is wanted `soon` while the rate rises quickly."""

    number: int
    rate: float | None
    seconds: float = 0.0
    fallen: float = math.inf
    at: float = 0.0
    soon: bool = False


class GrantedPace(Pace):
    """Nothing leaves before the first grant. When `try_send` says inf, a `grant` is a reason to ask again, too."""

    def __init__(self, *, in_flight: int | None = None, start: int = START, ceiling: int = CEILING) -> None:
        super().__init__(rate=1.0, in_flight=in_flight, start=start, ceiling=ceiling)
        self._until = -math.inf  # of the grant
        self._number = self._held = 0
        self._least = 1
        self._said: dict[int, tuple[float, int, int]] = {}  # when, and how many marks and refusals there were by then
        self._marks: list[Mark] = []
        self._dropped = 0  # marks that the law has heard of
        self._refused = self._earlier = 0
        self._refusals: list[Refusal] = []
        self._warned = 0.0
        self._all_good = self._all_faults = 0
        self._all_waited = 0.0
        self._since = -math.inf  # of faults that count
        self._looked = -math.inf  # until when the following is counted
        self._allowed = self._seconds = 0.0  # what the grants allowed, and for how long, since the demand was measured
        self._sent_then = 0
        self._wanting = False  # something was held back that only the rate was in the way of
        self._demand = math.inf
        self.soon = False
        """Whether the law wants to hear more often."""

    @property
    def unanswered(self) -> int:
        """How many words since the last one that was answered have no answer yet."""
        return len(self._said)

    @property
    def words(self) -> int:
        """How many were said."""
        return self._number

    def may_send(self, now: float) -> bool:
        """Whether there is a grant, whatever else is in the way."""
        return now < self._until

    def try_send(self, now: float) -> float:
        if now >= self._until:
            self._wanting = True
            return math.inf
        at = super().try_send(now)
        if 0.0 < at < math.inf:
            self._wanting = True
        return at

    def refused(self, now: float, sent_at: float, until: float) -> None:
        self._count(now)
        self._refused += 1
        if sent_at >= self._fence:
            self._refusals.append(Refusal(sent_at, now, until))
            self._end_grant()
        super().refused(now, sent_at, until)

    def fenced(self, now: float, until: float) -> None:
        self._count(now)
        if now >= self._fence:
            self._end_grant()
        super().fenced(now, until)

    def faltered(self, now: float, sent_at: float) -> None:
        super().faltered(now, sent_at) if sent_at >= self._since else self.abandoned(now)

    def warned(self, now: float, percentage: float) -> None:  # noqa: ARG002 - it is the law's clock that counts
        self._warned = max(self._warned, percentage)

    def say(self, now: float) -> Said:
        """What the law is to be told now. Each has its number, and may be lost, late or doubled on its way."""
        self._number += 1
        self._count(now)
        self._measure()
        self._note(now)
        self._said[self._number] = (now, self._dropped + len(self._marks), self._earlier + len(self._refusals))
        return Said(
            self._number, now, self._held, self._least, self._fence, self._demand, tuple(self._marks), self._refused,
            tuple(self._refusals), self._earlier, self._warned,
        )  # fmt: skip

    def grant(self, now: float, grant: Grant) -> None:
        """The law's answer to what was said."""
        if grant.number not in self._said:
            return  # doubled, or late
        asked = self._heard(grant.number)
        self.soon = grant.soon
        if grant.fallen < math.inf:
            self._since = max(self._since, asked - grant.fallen)
        if grant.rate is None or grant.number < self._least:
            return
        self._count(now)
        self._held, self._least = grant.number, grant.number + 1
        self._until = asked + grant.seconds if grant.rate > 0 else -math.inf
        if grant.rate > 0:
            self._respace(now, 1 / grant.rate)

    def _heard(self, number: int) -> float:
        """The law has heard what was said then: it is not said again. Returns when that was."""
        asked, marks, refusals = self._said[number]
        self._said = {one: at for one, at in self._said.items() if one > number}
        del self._marks[: max(0, marks - self._dropped)]  # some may be dropped already
        self._dropped = max(marks, self._dropped)
        del self._refusals[: refusals - self._earlier]
        self._earlier = refusals
        self._warned = 0.0
        return asked

    def _respace(self, now: float, gap: float) -> None:
        """What was sent ahead of its time is paid back at the new rate."""
        if self._fence <= now < self._opens:
            self._opens = now + (self._opens - now) * gap / self._gap
        self._gap = gap

    def _end_grant(self) -> None:
        self._until = -math.inf
        self._held, self._least = 0, self._number + 1

    def _count(self, now: float) -> None:
        """What was granted until now."""
        start, end = max(self._looked, self._fence), min(now, self._until)
        if end > start > -math.inf:
            self._seconds += end - start
            self._allowed += (end - start) / self._gap
        self._looked = now

    def _measure(self) -> None:
        sent = self._sent - self._sent_then
        if self._wanting and sent + 1 >= HUNGRY * self._allowed:
            self._demand = MORE / self._gap
        elif self._allowed >= 1:
            self._demand = HEADROOM * sent / self._seconds
        else:
            return  # too little to tell
        self._allowed = self._seconds = 0.0
        self._sent_then, self._wanting = self._sent, False

    def _close_tick(self, at: float) -> None:
        self._all_good += self._good
        self._all_faults += self._faults
        self._all_waited += self._waited
        super()._close_tick(at)

    def _tick(self, now: float) -> None:
        super()._tick(now)
        self._note(now)

    def _note(self, at: float) -> None:
        good, faults = self._all_good + self._good, self._all_faults + self._faults
        self._marks.append(Mark(at, self._sent, good, faults, self._all_waited + self._waited))
        if len(self._marks) > MARKS:
            del self._marks[0]
            self._dropped += 1
