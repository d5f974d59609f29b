"""Divides one rate among workers, by what each of them could use: what they may send together is at no instant more
than the rate, whatever words between them and the coordinator are lost, late or doubled.

A worker may still keep to a grant that was made for it until that has ended, or until the worker says that it keeps to
a later one, or to none of them. Until then no other worker is granted what is in it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bulkmail.core.pace.granted import Said

SECONDS = 3.0
"""How long a grant lasts: four words may be lost, or some be half a second late, before a worker has to wait."""

FLOOR = 0.05
"""Share of an equal part that a worker keeps though it has nothing to send: enough to show that it has again."""


@dataclass(slots=True)
class Share:
    """What a worker could use, in requests a second, and what it may still keep to: rate and end, by number."""

    demand: float = math.inf
    heard: float = -math.inf
    grants: dict[int, tuple[float, float]] = field(default_factory=dict)

    def hear(self, now: float, said: Said) -> None:
        self.demand, self.heard = said.demand, now
        self.grants = {
            number: grant for number, grant in self.grants.items() if number == said.held or number >= said.least
        }

    def taken(self, now: float) -> float:
        """The most that it may send a second."""
        self.grants = {number: grant for number, grant in self.grants.items() if now < grant[1]}
        return max((rate for rate, _ in self.grants.values()), default=0.0)


def granted(now: float, share: Share, others: Sequence[Share], rate: float) -> float:
    """What `share` may have of `rate` now. `others` are all that may still send."""
    live = [one for one in others if now - one.heard < SECONDS]
    floor = FLOOR * rate / (1 + len(live))
    fair, *_ = divided(rate, [max(floor, one.demand) for one in (share, *live)])
    kept = sum(max(one.taken(now), floor if now - one.heard < SECONDS else 0.0) for one in others)
    return max(0.0, min(fair, rate - kept))


def divided(rate: float, demands: Sequence[float]) -> list[float]:
    """A part for each: all that it could use or, where that is too much, as much as any other that wants more (max-min
    fair). What none of them could use is divided evenly."""
    parts, left = [0.0] * len(demands), rate
    order = sorted(range(len(demands)), key=demands.__getitem__)
    for done, which in enumerate(order):
        parts[which] = min(demands[which], left / (len(order) - done))
        left -= parts[which]
    return [part + left / len(parts) for part in parts]
