"""Learns how many requests a second the service takes; knows nothing of windows, mailboxes or waiting.

The rate is one curve, `hover + excess`, whose excess doubles at a steady beat. All that differs from phase to phase is
where it starts, so there is no climbing, hovering and probing to switch between:

* at first there is no hover and all is excess: an exponential climb, as TCP's slow start, in step with the answers;
* after a refusal the hover is a margin below the limit as it is now understood, and the excess starts so small that it
  fills the margin only when `patience` has passed. Till then the rate lies flat; from there on it bends up, ever more
  boldly while nothing is refused. It is CUBIC's idea (plateau, then probe) with a longer plateau and a steeper end;
* the curve stands still while the client sends less than it may: what was not used was not tested (RFC 7661).

A refusal does not cut the rate by a fixed factor. It tells the limit itself (`bucket`), and the rate falls to just
under that. How far under, and for how long, follows from how well the limit is known: the table `STAGES`. A refusal
near the known limit moves one stage on; one elsewhere means that the limit moved.

Refusals may have nothing to do with the rate. One of a settled limit without a probe is excused as an accident; when
several in a row are no rarer although the rate was lowered each time, `steer` takes over, until they are explained.

A probe costs a Retry-After of silence, and a rise that goes unseen costs more every second. A limit that moved is
expected to move again at about the same age, so patience is a share of the longest that one has been seen to
stand, at first LIFE; and it is counted in Retry-Afters, the price of a probe.
"""

import math
from dataclasses import dataclass

from bulkmail.core.pace.bucket import BucketFit, SendLog
from bulkmail.core.pace.noise import SHORTEST_WAIT, Episode
from bulkmail.core.pace.steer import GROWTH, Steering

START = 200.0
"""Requests a second to climb from: 30 in flight at Graph's usual 150 ms."""

SLOWEST = 0.5
"""Never slower than a request in two seconds, as botocore's adaptive mode has it: silence learns nothing."""

CLIMB, STEEPEST = 0.5, 0.05
"""Seconds in which the first climb doubles, at most and at least; with CLIMB it passes 5,000/s after 2.5 s."""

ANSWERS = 6
"""Between the two, it doubles in the time of so many answers: what is sent until a refusal is heard of is then the same
share too much, however long an answer takes. TCP doubles in each round trip."""

PROBING = 0.01
"""Above this share of the hover, the excess is what a refusal is blamed on."""

NEAR = 0.15
"""A refusal that speaks for a limit within this share of the known one confirms it."""

LIFE = 960.0
"""Seconds that a limit is expected to stand before any was seen to move: a probe every two minutes."""

SHORTEST_LIFE = 60.0
"""Seconds; what looks like less is an estimate that was corrected."""

PROBES = 8
"""How many probes the expected life of a limit is divided into."""

REFUND = 0.6
REFUNDING = 1.0
"""The bucket filled up in the silence: this share of its burst is spent again in so many seconds."""

PAID = 0.3
"""Seconds of sending that a burst may have paid for, when it is asked what rate has held."""

LONGEST = 1800.0
"""Seconds of patience at most, however dear a probe is."""

STRIKES = 3
"""Refusals in a row, none of them by a probe, of which the last came no later than another though the rate had been
lowered: chance is weighed then. Fewer would be a limit of which neither the rate nor the burst is known."""

INSTANT = 0.001
"""Seconds; an episode that was over at once counts as this long."""

FEW = 10
"""Requests; where fewer than these are let through, slowness is right whatever the cause."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How a limit is approached: a share of `margin` below it, with an excess that doubles every `doubling` seconds.

    The limit is reached after `patience` seconds for each second of Retry-After, sooner if the learned one is less.
    """

    margin: float
    doubling: float
    patience: float


STAGES = (
    Stage(margin=0.2, doubling=1.5, patience=3.0),  # one refusal: the burst is guessed
    Stage(margin=0.01, doubling=0.5, patience=60.0),  # two that agree: within a few percent
    Stage(margin=0.01, doubling=0.5, patience=math.inf),
    Stage(margin=0.005, doubling=0.5, patience=math.inf),
)
FRESH, AGREED, SETTLED = 0, 1, 2


class RateLaw:
    """`limit` is what the service is believed to take, in requests a second; inf until it refused something."""

    def __init__(self) -> None:
        self.limit = math.inf
        self.limit_since = -math.inf  # when it was first about what it is now; -inf while none is known
        self._hover = 0.0
        self._reach = START  # the excess when `lead` has passed
        self._lead = 0.0  # seconds of full use; below zero once they have passed
        self._refund = 0.0
        self._doubling = CLIMB
        self._stage = FRESH
        self._log = SendLog()
        self._fit = BucketFit()
        self._began = 0.0
        self._known = math.inf  # the last limit that was settled
        self._known_since = math.inf  # when sending began, and then when a limit was first seen not to hold any more
        self._life = LIFE
        self._chance: Steering | None = None  # steers instead while refusals come by chance
        self._episodes: list[Episode] = []  # those that a limit explains badly, one after another
        self._fastest = 0.0  # the rate before the first of them
        self._excused = False  # one of a limit that was settled, as an accident
        self._silence = math.inf  # before sending began
        self._last = Episode(0.0, 0.0, 0.0)  # the last that was refused, with what was under way then once it landed
        self._under_way = (0.0, 0.0)  # requests, and the seconds in which they were sent, until then
        self._hit = 0  # of these

    @property
    def value(self) -> float:
        """Requests a second."""
        if self._chance is not None:
            return self._chance.rate
        return self._hover + self._excess() + self._refund

    @property
    def lasting(self) -> float:
        """Requests a second that may be sent for longer than the moment: without what filled up in a silence."""
        return self.value if self._chance is not None else self._hover + self._excess()

    @property
    def noise(self) -> float:
        """Requests that are refused at any rate, as a share of all; 0.0 while none is known."""
        return self._chance.share if self._chance else 0.0

    @property
    def noise_since(self) -> float:
        """The instant since when noise is known, -inf if none is."""
        return self._chance.since if self._chance else -math.inf

    @property
    def probing(self) -> bool:
        """Whether the rate is clearly above its hover."""
        return self._excess() > PROBING * self._hover

    def begin(self, now: float, sent: int) -> None:
        """Sending begins, at first or behind a fence, when `sent` requests had been sent in all."""
        self._began = now
        self._known_since = min(self._known_since, now)
        self._log.begin(now, sent)

    def step(self, now: float, sent: int, seconds: float, latency: float = 0.0) -> None:
        """Time went on. `seconds` of it the rate was made full use of, and is raised for. An answer took `latency`, 0.0
        if there was none."""
        self._log.mark(now, sent)
        self._land()
        if self._chance is not None:
            if seconds > 0:
                self._chance.step(now, self._began, self._log.count(now, 0.0))
                self._heed(self._chance, now, 0.0)
            return
        self._lead -= seconds if self.limit < math.inf else seconds * _haste(latency)
        if now >= self._began + REFUNDING:
            self._refund = 0.0

    def refused(self, now: float, sent_at: float, wait: float, sent: int = 0) -> None:
        """The first refusal of an episode: of a request sent at `sent_at`, with `wait` seconds of silence to follow.
        By `now`, `sent` requests had been sent in all."""
        self._land()
        seconds = max(INSTANT, sent_at - self._began)
        if sent:
            self._log.mark(now, sent)
        requests = self._log.count(sent_at, self.value)
        self._last = episode = Episode(requests, seconds, self._silence)
        self._under_way, self._hit = (self._log.count(now, self.value) - requests, now - sent_at), 0
        self._silence = max(SHORTEST_WAIT, wait)
        if self._chance is not None:
            self._chance.refused(episode, wait)
            self._heed(self._chance, now, wait)
        elif self._is_by_chance(episode):
            self._chance = Steering(max(self._fastest / GROWTH, self.value), self._episodes, wait, now)
            self._episodes = []
            self._heed(self._chance, now, wait)
        elif not self._excused:
            self._blame_limit(now, sent_at, wait)

    def refused_too(self) -> None:
        """Another refusal of the same episode: of a request that was under way."""
        self._hit += 1

    def _land(self) -> None:
        """What was under way at the last refusal has ended."""
        flying, flight = self._under_way
        if flying < 1 or flight <= 0:
            return
        self._last.flying, self._last.flight, self._last.hit = flying, flight, self._hit
        self._under_way = (0.0, 0.0)
        if self._chance is not None:
            self._chance.landed()
            self._heed(self._chance, self._began, 0.0)

    def _is_by_chance(self, episode: Episode) -> bool:
        """Whether it is time to weigh chance as a cause. Notes an episode that a limit may not explain."""
        self._excused = self._stage >= SETTLED and not (self.probing or self._episodes or self._excused)
        if self._excused:
            return False
        if self._stage >= AGREED and self.probing:
            self._episodes = []
            return False
        if not self._episodes:
            self._fastest = self.value
        earlier = [one.requests for one in self._episodes if one.silence < math.inf]
        self._episodes.append(episode)
        return len(self._episodes) >= STRIKES and FEW < episode.requests <= max(earlier)

    def _heed(self, chance: Steering, now: float, wait: float) -> None:
        """Takes over what is believed while refusals come by chance, and goes on from there when they no longer do."""
        self._believe(chance.limit, now)
        if not chance.over:
            return
        self._chance = None
        self._fit.forget()
        self._stage = FRESH
        if self.limit < math.inf:
            self._aim(min(self.limit, (1 + STAGES[FRESH].margin) * chance.rate), 0.0, now, wait)
        else:
            self._hover, self._reach, self._lead, self._doubling = 0.0, chance.rate, 0.0, CLIMB

    def _blame_limit(self, now: float, sent_at: float, wait: float) -> None:
        """A refusal by a limit: it tells what that is."""
        probing, held = self.probing, sent_at - self._began
        floor = self._hover * (1 - PAID / held) if probing and held > 1 else 0.0
        rate, sure = self._measure(sent_at, probing=probing)
        rate = max(rate, floor, SLOWEST, min(self.limit, self.value) / 2)
        self._stage = self._next_stage(rate, probing=probing, sure=sure)
        self._note_move(now, rate)
        self._aim(rate, floor, now, wait)

    def fall(self, now: float, rate: float) -> None:
        """The service is known, without a refusal, to take no more than `rate` at this time."""
        rate = max(rate, SLOWEST, self.value / 2)
        self._chance = None
        self._fit.forget()
        self._stage = FRESH
        self._aim(rate, 0.0, now, 0.0)

    def _excess(self) -> float:
        return self._reach * 2 ** (-self._lead / self._doubling)

    def _measure(self, sent_at: float, *, probing: bool) -> tuple[float, bool]:
        """The limit that this refusal speaks for, and whether that is more than a guess."""
        spans = self._log.spans(sent_at, self.value)
        rate = self._fit.rate(spans)
        if self._fit.burst is not None and not self._near(rate):
            self._fit.forget()
            return rate, probing
        # A settled limit that is refused without a probe may have moved: nothing to learn the burst from.
        if (probing or self._stage < SETTLED) and self._fit.compare(spans):
            return self._fit.rate(spans), True
        return rate, False

    def _near(self, rate: float) -> bool:
        return self.limit < math.inf and abs(rate - self.limit) <= NEAR * self.limit

    def _next_stage(self, rate: float, *, probing: bool, sure: bool) -> int:
        if self._near(rate):
            return min(self._stage + 1, len(STAGES) - 1) if probing else AGREED
        return AGREED if sure else FRESH

    def _note_move(self, now: float, rate: float) -> None:
        """Learns from a limit that is no longer what it was known to be how long limits stand."""
        if self._known < math.inf and abs(rate - self._known) > NEAR * self._known:
            self._life, self._known_since = max(SHORTEST_LIFE, now - self._known_since), now
            self._known = math.inf
            self._fit.forget()
        if self._stage > FRESH:
            self._known = rate

    def _believe(self, limit: float, now: float) -> None:
        if limit == math.inf:
            self.limit_since = -math.inf
        elif not self._near(limit):
            self.limit_since = now
        self.limit = limit

    def _patience(self, now: float, wait: float) -> float:
        learned = max(self._life, now - self._known_since) / PROBES
        return min(LONGEST, max(1.0, wait) * min(STAGES[self._stage].patience, learned))

    def _aim(self, limit: float, floor: float, now: float, wait: float) -> None:
        stage = STAGES[self._stage]
        self._believe(limit, now)
        self._doubling = stage.doubling
        self._hover = max(floor, limit * (1 - stage.margin))
        self._reach, self._lead = limit * stage.margin, self._patience(now, wait)
        self._refund = REFUND * min(self._fit.burst or 0.0, self._hover * wait)


def _haste(latency: float) -> float:
    """How many times as fast as at the least the first climb is."""
    return CLIMB / max(STEEPEST, min(CLIMB, ANSWERS * latency)) if latency else 1.0
