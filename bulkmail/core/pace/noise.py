"""Weighs two causes of refusals, a limit and chance; steers nothing, and knows time only as a number.

A limit refuses when it is exceeded and stops refusing when it is not. Noise (a gateway that sheds, another program with
the same application id) refuses the same share of the requests at any rate. For each limit that there may be and each
share of noise, Bayes' rule says how likely it made just these refusals:

* noise with share p lets n requests through and then refuses with likelihood p * exp(-p * n);
* a limit refuses when its burst is spent: when the requests that it did not refill, n - limit * seconds, have come to
  about the burst. It cannot have let through more than that.

The rate that follows is the one at which a request costs the least time. Sending takes 1 / rate; a refusal by the limit
costs a wait, and is the likelier the further the rate lies above each limit that is still possible. What noise costs
does not appear in it: it costs a request the same at any rate, so slowness is no cure for it.

Both may change: with each refusal a little of the belief spreads to neighbouring limits, to all limits, and to all
shares.
"""

import math

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

MOVES = 0.02
DRIFT = 0.05
CHANGES = 0.02
"""Belief that spreads with each refusal: to all limits, to each neighbouring one, and to all shares."""

SHORTEST_WAIT = 0.1
"""Seconds; a bucket is taken to have filled for at least as long."""

Table = list[list[float]]


class Odds:
    """How likely each share of noise (a row) is together with each limit (a column)."""

    def __init__(self) -> None:
        self._odds = _beforehand()

    def refused(self, requests: float, seconds: float, silence: float) -> None:
        """So many requests in so many seconds, behind a `silence` in which the bucket filled, ended with a refusal."""
        self._odds = _changed(self._weighed(requests, seconds, silence, refused=True))

    def since(self, requests: float, seconds: float, silence: float) -> "Odds":
        """What is to be believed when so much was let through and nothing is refused yet."""
        later = Odds()
        later._odds = self._weighed(requests, seconds, silence, refused=False)
        return later

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
        columns = self._columns()
        half, below = sum(columns) / 2, 0.0
        for limit, chance in zip(LIMITS[:-1], columns, strict=False):
            below += chance
            if below > half:
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
        return best

    def _columns(self) -> list[float]:
        return [sum(column) for column in zip(*self._odds, strict=True)]

    def _weighed(self, requests: float, seconds: float, silence: float, *, refused: bool) -> Table:
        """Bayes' rule, for an episode."""
        requests = max(1.0, requests)
        faced = [_emptied(requests, limit * seconds, _depth(limit, silence)) for limit in LIMITS]
        odds = []
        for share, row in zip(SHARES, self._odds, strict=True):
            alone = math.exp(-share * requests)
            if refused:
                odds.append([one * alone * (hit + share * full) for one, (hit, full) in zip(row, faced, strict=True)])
            else:
                odds.append([one * alone * full for one, (_, full) in zip(row, faced, strict=True)])
        total = sum(map(sum, odds))
        return [[one / total for one in row] for row in odds] if total else _beforehand()


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


def _changed(odds: Table) -> Table:
    """What is left of a belief when limits may have moved, and the noise may have changed."""
    rows = []
    for row in odds:
        fresh = MOVES * sum(row) / (1 + NO_LIMIT)
        left, right = [row[0], *row], [*row[1:], row[-1]]
        spread = [
            (1 - MOVES) * ((1 - 2 * DRIFT) * one + DRIFT * (below + above)) + fresh / CELLS
            for below, one, above in zip(left, row, right, strict=False)
        ]
        spread[-1] += fresh * NO_LIMIT
        rows.append(spread)
    means = [sum(column) / len(SHARES) for column in zip(*rows, strict=True)]
    return [[(1 - CHANGES) * one + CHANGES * mean for one, mean in zip(row, means, strict=True)] for row in rows]
