"""Weighs two causes of refusals, a limit and chance; steers nothing, and knows time only as a number.

A limit refuses when it is exceeded and stops refusing when it is not. Noise (a gateway that sheds, another program with
the same application id) refuses the same share of the requests at any rate. For each limit that there may be and each
share of noise, Bayes' rule says how likely it made just these refusals:

* noise with share p lets n requests through and then refuses with likelihood p * exp(-p * n);
* a limit refuses when its burst is spent: when the requests that it did not refill, n - limit * seconds, have come to
  about the burst. It cannot have let through more than that;
* what was under way meanwhile is refused by noise in the share p, but by a limit in the share that exceeds it, or all.

The rate that follows is the one at which a request costs the least time. Sending takes 1 / rate; a refusal by the limit
costs a wait, and is the likelier the further the rate lies above each limit that is still possible. What noise costs
does not appear in it: it costs a request the same at any rate, and to go slower does not cure it.

Both may change: with the time belief spreads to neighbouring limits and to all limits, and with each refusal a little
to all shares.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

LOWEST, CELL, CELLS = 0.5, 1.04, 275
LIMITS = [LOWEST * CELL**place for place in range(CELLS)]
"""Requests a second, 4 % apart, which is what one refusal can tell; the last, 23,000, stands for no limit at all."""

SHARES = [1e-6, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
"""Refused by chance, of all requests; the first two are next to nothing."""

QUIET = 2
"""How many of SHARES are next to nothing."""

NO_LIMIT = 0.3
"""How likely it is beforehand that there is no limit, beside all limits together."""

DEPTH, SPREAD = 0.2, 0.5
"""Seconds of its rate that a limit's burst holds, and how far off (as a logarithm) that may be: a guess, which matters
little because the rate comes close to the limit in the end, where the burst hardly shifts it."""

CAUTION = 0.3
"""Seconds that a refusal by the limit is charged with, for a wait of a second; it grows with the fourth root of the
wait only. A refusal is paid for once, and what it teaches lasts."""

LIFE = 120.0
"""Seconds in which a limit moves, more or less: till then, belief spreads from each limit to all others."""

DRIFT = 2.5
"""Times as much spreads to each neighbouring limit: small moves are the likelier ones."""

OLDEST = 0.2
"""Most belief that spreads at once: with this much to spread to neighbours, none would be left."""

UNSEEN = 1.0
"""Seconds of a silence that count: what is not looked at for long moves no more than once."""

CHANGES = 0.02
"""Belief that spreads with each refusal from each share to all."""

BELIEVED = 0.9
"""How likely a limit must be for the rate to be kept below it, whatever a refusal costs."""

ENOUGH = 100
"""Seconds of silence for each second of sending: to go faster still would earn no more than 1 %."""

SHORTEST_WAIT = 0.1
"""Seconds; a bucket is taken to have filled for at least as long."""

ALIKE = 30
"""Requests under way that count as evidence at most: what happens to more of them at once is not independent."""

SURPRISE = 1e-4
"""Least likelihood of what was refused under way: models of limits are not exact."""

STRICT = 0.98
"""Share that is refused by a limit that takes nothing at all until its Retry-After has passed."""

Table = list[list[float]]


class Overrun(NamedTuple):
    """The share of those under way that a limit refuses, and how likely it makes what was met: if the limit refused
    before them, and if chance did (`late`)."""

    over: float
    plain: float
    late: float
    chance: float


@dataclass(slots=True)
class Episode:
    """`requests` were let through in `seconds`, behind a `silence`, until one was refused.

    When that was known, `flying` more had been sent in `flight` seconds, of which `hit` were refused, too; all of it is
    0 while it is not known.
    """

    requests: float
    seconds: float
    silence: float
    flying: float = 0.0
    flight: float = 0.0
    hit: int = 0


class Odds:
    """How likely each share of noise (a row) is together with each limit (a column)."""

    def __init__(self, odds: Table | None = None) -> None:
        self._odds = odds or _beforehand()

    def after(self, episode: Episode) -> "Odds":
        """What is to be believed behind a refusal."""
        return Odds(_changed(_moved(self._weighed(episode, refused=True), _age(episode))))

    def since(self, episode: Episode) -> "Odds":
        """What is to be believed when so much was let through and nothing is refused yet."""
        return Odds(_moved(self._weighed(episode, refused=False), _age(episode)))

    @property
    def quiet(self) -> float:
        """How likely it is that there is next to no noise."""
        return sum(map(sum, self._odds[:QUIET])) / sum(map(sum, self._odds))

    @property
    def share(self) -> float:
        """Requests that are refused at any rate, as a share of all: the mean of what is possible."""
        return sum(share * sum(row) for share, row in zip(SHARES, self._odds, strict=True)) / sum(map(sum, self._odds))

    @property
    def limit(self) -> float:
        """The limit that is as likely too high as too low, in requests a second; inf for none."""
        return self._limit_below(0.5)

    def _limit_below(self, chance: float) -> float:
        """The limit that is exceeded by the true one with a chance of 1 - `chance`; inf for none."""
        columns = self._columns()
        left = chance * sum(columns)
        for limit, each in zip(LIMITS[:-1], columns, strict=False):
            left -= each
            if left < 0:
                return limit
        return math.inf

    def best(self, wait: float) -> float:
        """The rate at which a request costs the least time, when a refusal costs `wait` seconds."""
        columns = self._columns()
        total, caution = sum(columns), CAUTION * wait**0.25
        best, cheapest = LIMITS[0], math.inf
        risk = spared = 0.0  # above a limit, 1 - limit / rate of what is sent empties the burst
        for limit, chance in zip(LIMITS, columns, strict=True):
            rate = 0.99 * limit
            cost = 1 / rate + caution * (risk - spared / rate)
            if cost < cheapest:
                best, cheapest = rate, cost
            each = chance / total / _depth(limit, wait)
            risk += each
            spared += each * limit
        return max(LOWEST, min(best, 0.99 * self._limit_below(BELIEVED), ENOUGH / self.share / wait))

    def _columns(self) -> list[float]:
        return [sum(column) for column in zip(*self._odds, strict=True)]

    def _weighed(self, episode: Episode, *, refused: bool) -> Table:
        """Bayes' rule, for an episode."""
        requests = max(1.0, episode.requests)
        faced = [_emptied(requests, limit * episode.seconds, _depth(limit, episode.silence)) for limit in LIMITS]
        overrun = _overrun(episode) if episode.flying and refused else []
        odds = []
        for share, row in zip(SHARES, self._odds, strict=True):
            alone = math.exp(-share * requests)
            if refused:
                under_way = _under_way(episode, overrun, share)
                odds.append(
                    [
                        one * alone * (hit * if_hit + share * full * if_chance)
                        for one, (hit, full), (if_hit, if_chance) in zip(row, faced, under_way, strict=True)
                    ]
                )
            else:
                odds.append([one * alone * full for one, (_, full) in zip(row, faced, strict=True)])
        total = sum(map(sum, odds))
        return [[one / total for one in row] for row in odds] if total else _beforehand()


def _overrun(episode: Episode) -> list[Overrun]:
    """What each limit that was exceeded refuses of those under way."""
    sent, seconds = episode.requests + episode.flying, episode.seconds + episode.flight
    shares = []
    for limit in LIMITS:
        over = 1 - limit * episode.flight / episode.flying
        if over <= 0:
            break
        # If chance refused first, the limit does from when its burst is spent.
        late = min(over, (sent - limit * seconds - _depth(limit, episode.silence)) / episode.flying)
        shares.append(Overrun(over, _likely(episode, over), late, _likely(episode, late) if late > 0 else 0.0))
    return shares


def _under_way(episode: Episode, overrun: list[Overrun], share: float) -> list[tuple[float, float]]:
    """For each limit: how likely this many of those under way were refused if the limit refused, and if chance did."""
    if not episode.flying:
        return [(1.0, 1.0)] * CELLS
    strict, none = _likely(episode, STRICT), _likely(episode, share)
    rows = [
        (((plain if over > share else none) + strict) / 2, chance if late > share else none)
        for over, plain, late, chance in overrun
    ]
    return rows + [((none + strict) / 2, none)] * (CELLS - len(rows))


def _likely(episode: Episode, share: float) -> float:
    """How likely it is that so many of those under way were refused where a share of all is: beside the likeliest."""
    met = min(1.0, episode.hit / episode.flying)
    share = min(share, STRICT)
    off = met * math.log(met / share) if met else 0.0
    off += (1 - met) * math.log((1 - met) / (1 - share)) if met < 1 else 0.0
    return max(SURPRISE, math.exp(-min(ALIKE, episode.flying) * off))


def _beforehand() -> Table:
    """What is believed before anything was refused: no limit is likelier than another, and no share either."""
    return [[1 / CELLS] * (CELLS - 1) + [NO_LIMIT] for _ in SHARES]


def _depth(limit: float, silence: float) -> float:
    """The burst of a limit, as far as it filled in a silence."""
    return max(1.0, limit * min(DEPTH, max(silence, SHORTEST_WAIT)))


def _emptied(requests: float, refilled: float, depth: float) -> tuple[float, float]:
    """How likely these requests emptied a burst of about `depth` just now, per request; and that some of it is left."""
    spent = requests - refilled
    if spent <= 0:
        return 0.0, 1.0
    off = math.log(spent / depth) / SPREAD
    hit = math.exp(-off * off / 2) / (SPREAD * math.sqrt(2 * math.pi)) / requests
    return hit, math.erfc(off / math.sqrt(2)) / 2


def _age(episode: Episode) -> float:
    """What part of a limit's life has passed, at most so much that belief still means something."""
    return min(OLDEST, (episode.seconds + min(UNSEEN, episode.silence)) / LIFE)


def _moved(odds: Table, moves: float) -> Table:
    """What is left of a belief when limits may have moved."""
    rows, drift = [], DRIFT * moves
    for row in odds:
        fresh = moves * sum(row) / (1 + NO_LIMIT)
        left, right = [row[0], *row], [*row[1:], row[-1]]
        spread = [
            (1 - moves) * ((1 - 2 * drift) * one + drift * (below + above)) + fresh / CELLS
            for below, one, above in zip(left, row, right, strict=False)
        ]
        spread[-1] += fresh * NO_LIMIT
        rows.append(spread)
    return rows


def _changed(odds: Table) -> Table:
    """What is left of a belief when the noise may have changed."""
    means = [sum(column) / len(SHARES) for column in zip(*odds, strict=True)]
    return [[(1 - CHANGES) * one + CHANGES * mean for one, mean in zip(row, means, strict=True)] for row in odds]
