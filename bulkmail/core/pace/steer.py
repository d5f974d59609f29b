"""Steers the rate while some refusals come by chance; is told what was sent and refused, and never waits.

It follows the rate that `noise` finds cheapest, up by a step at a time, because what was never tried is not known.
"""

from bulkmail.core.pace.noise import SHORTEST_WAIT, Episode, Odds

GROWTH = 1.3
"""Most that the rate grows by in one step."""

LOOK = 0.25
"""Seconds of sending until the belief is weighed again without a refusal; longer when sending goes on for longer."""

SURE = 0.9
"""How likely it must be that there is next to no noise for the search for a limit to go on without it."""

NOTHING, TIMES = 3, 5
"""After TIMES refusals in a row with fewer than NOTHING requests before each, it is an outage and not noise."""


class Steering:
    """`rate` is in requests a second. `over` says that there is no noise to reckon with any more."""

    def __init__(self, rate: float, episodes: list[Episode], wait: float, since: float) -> None:
        self.rate = self._tried = rate
        self.since = since
        self.over = False
        self._before = Odds()  # the last refusal, of which it is not known yet what became of those under way
        self._last = episodes[-1]
        for episode in episodes[:-1]:
            self._before = self._before.after(episode)
        self._odds = self._latest = self._before.after(self._last)  # as of it, and with what was let through since
        self._wait = max(SHORTEST_WAIT, wait)
        self._look = since
        self._in_vain = 0
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
        self._before, self._last, self._tried = self._odds, episode, self.rate
        self._odds = self._before.after(episode)
        self._wait = max(SHORTEST_WAIT, wait)
        self._in_vain = self._in_vain + 1 if episode.requests < NOTHING else 0
        self._follow(self._odds)
        self.over |= self._in_vain >= TIMES

    def landed(self) -> None:
        """All that was under way at the last refusal has ended: how, the episode says by now."""
        self._odds = self._before.after(self._last)
        self._follow(self._odds)

    def step(self, now: float, began: float, requests: float) -> None:
        """`requests` were let through since `began`, and none was refused."""
        if now < self._look:
            return
        self._look, self._tried = now + max(LOOK, (now - began) / 2), self.rate
        self._follow(self._odds.since(Episode(requests, now - began, self._wait)))

    def _follow(self, odds: Odds) -> None:
        self._latest = odds
        self.rate = min(odds.best(self._wait), GROWTH * self._tried)
        self.over |= odds.quiet > SURE
