"""Steers the rate while some refusals come by chance; is told what was sent and refused, and never waits.

It follows the rate that `noise` finds cheapest, up by a step at a time, because what was never tried is not known.
"""

from dataclasses import dataclass

from bulkmail.core.pace.noise import SHORTEST_WAIT, Odds

GROWTH = 1.3
"""Most that the rate grows by in one step."""

LOOK = 0.25
"""Seconds of sending until the belief is weighed again without a refusal; longer when sending goes on for longer."""

SURE = 0.9
"""How likely it must be that there is next to no noise for the search for a limit to go on without it."""

NOTHING, TIMES = 3, 5
"""After TIMES refusals in a row with fewer than NOTHING requests before each, it is an outage and not noise."""


@dataclass(frozen=True, slots=True)
class Episode:
    """`requests` were sent in `seconds`, behind a `silence`, until one was refused."""

    requests: float
    seconds: float
    silence: float


class Steering:
    """`rate` is in requests a second. `over` says that there is no noise to reckon with any more."""

    def __init__(self, rate: float, episodes: list[Episode], wait: float, since: float) -> None:
        self.rate = rate
        self.since = since
        self.over = False
        self._odds = Odds()  # as of the last refusal
        self._latest = self._odds  # with what was let through since
        self._wait = max(SHORTEST_WAIT, wait)
        self._look = since
        self._in_vain = 0
        for episode in episodes:
            self._odds.refused(episode.requests, episode.seconds, episode.silence)
        self._follow(self._odds)

    @property
    def limit(self) -> float:
        """Requests a second, inf if none is likely."""
        return self._latest.limit

    @property
    def share(self) -> float:
        """Requests that are refused at any rate, as a share of all."""
        return self._latest.share

    def refused(self, episode: Episode, wait: float) -> None:
        """An episode is over, and `wait` seconds of silence follow."""
        self._odds.refused(episode.requests, episode.seconds, episode.silence)
        self._wait = max(SHORTEST_WAIT, wait)
        self._in_vain = self._in_vain + 1 if episode.requests < NOTHING else 0
        self._follow(self._odds)
        self.over |= self._in_vain >= TIMES

    def step(self, now: float, began: float, requests: float) -> None:
        """`requests` were let through since `began`, and none was refused."""
        if now < self._look:
            return
        self._look = now + max(LOOK, (now - began) / 2)
        self._follow(self._odds.since(requests, now - began, self._wait))

    def _follow(self, odds: Odds) -> None:
        self._latest = odds
        self.rate = min(odds.best(self._wait), GROWTH * self.rate)
        self.over |= odds.quiet > SURE
