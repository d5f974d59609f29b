"""Tells an outage from failures that concern one mailbox, or come by chance. Is told of answers and the time; never
waits.

A failure is an answer that is not a mailbox's own: a 5xx, no connection, a lost answer. While a share f of all requests
fails, n failures in a row have the chance f**n. Both limits follow from that: a request has failed for good after as
many failures in a row as are not to be expected (so that noise alone fails no mailbox), and so many in a row of all
requests are an outage. Then nothing leaves but one probe, after growing pauses, until an answer comes.

A mailbox that fails while others are served shows nothing about the others: its failures are not counted here.
"""

import math
from collections.abc import Callable

from bulkmail.errors import ServiceDown
from bulkmail.model import Event, Reporter, Wait
from bulkmail.text import duration

CHANCE = 1e-9
"""What is not to be expected: of a million requests a night, one fails by chance in three years."""

WEIGHT = 1 / 128
"""Of one answer in the share that fails: a change shows after about a hundred answers."""

LEAST, MOST = 0.05, 0.5
"""The share that is reckoned with at least, since a first failure has no history, and at most, since more than that is
an outage for nearly all: 7 failures in a row, and 30."""

MAILBOXES = 3
"""That have to fail in a row: what fails in one or two of them may be theirs."""

MOST_ATTEMPTS = 60
"""Attempts of one request at most, however large the share that fails."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a probe: doubled after each that fails."""

PATIENCE = 120.0
"""Seconds after which another probe may leave though the last one has no answer: it was given up, or hangs."""

NEGLIGIBLE = 0.001


class Outage:
    """Whether the service answers at all. Told of each failure, and while it is `watching` of each good answer; the
    caller counts the `good` ones in any case.

    `max_wait` is how many seconds an outage may last; past it every request ends with ServiceDown. `dice` gives a
    number in [0, 1): pauses are spread by a tenth.
    """

    def __init__(
        self, report: Reporter, *, max_wait: float = math.inf, dice: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._report = report
        self._max_wait = max_wait
        self._dice = dice
        self.down = False
        self.watching = False
        self.next_probe = 0.0  # while it is down: nothing leaves before, and one request then
        self.good = 0  # answers so far; for others to see whether there was one
        self._share = 0.0  # of requests that fail, as of the last good answer
        self._row = 0  # failures since then
        self._keys: set[str] = set()  # the mailboxes of these, as far as it matters
        self._began = 0.0  # when the row began
        self._probed = math.inf  # when the last probe left
        self._pause = FIRST_PAUSE
        self._over = ""  # why every request ends, once it has lasted too long
        self._said = ""  # how the service fails

    def __repr__(self) -> str:
        return f"<Outage {'down' if self.down else 'not down'}, {self._share:.1%} fail, {self._row} in a row>"

    def attempts(self, least: int) -> int:
        """Failures in a row after which a request has failed for good."""
        if self._share < NEGLIGIBLE:
            return least
        return max(least, min(MOST_ATTEMPTS, _unexpected(self._share)))

    def answered(self) -> None:
        """A good answer: there is no outage, or it is over."""
        if self._row:
            self._share = 1 - (1 - self._share) * (1 - WEIGHT) ** self._row if not self.down else self._share
            self._row = 0
            self._keys.clear()
        self.down, self._pause, self._probed = False, FIRST_PAUSE, math.inf
        self._share *= 1 - WEIGHT
        self.watching = self._share >= NEGLIGIBLE

    def failed(self, key: str, said: str, sent: float, now: float) -> None:
        """A request that left at `sent` failed, as `said` says in a few words."""
        self.watching = True
        self._said = said
        if self.down:
            if sent >= self._probed:  # all others left before it was down
                self._pause = min(LONGEST_PAUSE, 2 * self._pause)
                self._put_off(now)
            return
        if not self._row:
            self._began = now
        self._row += 1
        if len(self._keys) < MAILBOXES:
            self._keys.add(key)
        if len(self._keys) >= MAILBOXES and self._row >= _unexpected(min(MOST, max(LEAST, self._share))):
            self.down = True
            self._put_off(now)

    @property
    def over(self) -> ServiceDown | None:
        """The error with which every request ends once it has lasted too long; one of its own for each."""
        return ServiceDown(self._over) if self._over else None

    def put_off(self, until: float) -> None:
        """No probe can leave before."""
        self.next_probe = until

    def probe(self, now: float) -> None:
        """A request leaves though it is down."""
        self._probed = now
        self.next_probe = now + PATIENCE

    def waits(self, now: float) -> list[Wait]:
        """The wait of all mailboxes for the next probe."""
        if not self.down:
            return []
        return [Wait("", max(0.0, self.next_probe - now), self._lasted(now))]

    def _put_off(self, now: float) -> None:
        """The next probe, or the end."""
        left = self._began + self._max_wait - now
        if left <= 0:
            self._over = f"{self._lasted(now)}; the job allows {duration(self._max_wait)}"
            return
        pause = min(left, self._pause * (1 + self._dice() / 10))
        self.next_probe = now + pause
        self._report(Event("paused", self._cause(), "", pause, pause))

    def _lasted(self, now: float) -> str:
        return f"{self._cause()} for {duration(now - self._began)}"

    def _cause(self) -> str:
        return f"Graph does not answer ({self._said})"


def _unexpected(share: float) -> int:
    """How many in a row are not to be expected where a share of all fails."""
    return math.ceil(math.log(CHANCE) / math.log(min(share, 0.99)))
