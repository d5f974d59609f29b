"""Counts the attempts of one request that is repeated, and says whether another one follows. Is told the time; never
waits."""

import math

from bulkmail.core.access import Refusals
from bulkmail.core.outage import Outage
from bulkmail.core.retry import RetryRules
from bulkmail.errors import TransportError, Unreachable
from bulkmail.model import Response

SUSPECT = 2
"""Failures of a request, each while others were served, after which they say nothing about the service. One may be the
first sign of an outage."""


class Attempts:
    """Those of one request, from its first that was not simply good. `doubtful` means that one of them may have been
    carried out."""

    __slots__ = ("_alone", "_since", "doubtful", "refusals", "tried")

    def __init__(self) -> None:
        self.doubtful = False
        self.tried = 0  # failures that count
        self.refusals: Refusals | None = None
        self._alone = 0  # failures while others were served
        self._since = math.inf  # the first failure of those in a row

    @property
    def suspect(self) -> bool:
        return self._alone >= SUSPECT

    def throttled(self) -> None:
        """A wait that was asked for: time and refusals count anew after it."""
        self._since = math.inf
        self.refusals = None

    def failed(self, answer: Response | TransportError, *, served: bool, down: bool) -> None:
        """An attempt failed; `served` says whether others had good answers since it began, and `down` whether it
        belongs to an outage, in which attempts cost nothing."""
        self.refusals = None
        self.doubtful = self.doubtful or not isinstance(answer, Unreachable)
        self._alone += served
        if down:
            self._since = math.inf
        else:
            self.tried += 1

    def last(self, rules: RetryRules, outage: Outage, wait: float, now: float) -> bool:
        """Whether none follows that would begin after `wait` seconds."""
        if outage.down:
            return False
        self._since = min(self._since, now)
        return self.tried >= outage.attempts(rules.attempts) or now + wait - self._since > rules.seconds
