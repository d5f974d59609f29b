"""How far another clock is behind ours, as far as words that came from there can tell: by no less than it is, and by as
much more as the quickest of them took on its way."""

import math

DRIFT = 2e-4
"""Seconds a second that two clocks may drift apart: 17 s a day."""


class Offset:
    """`ahead` is to be added to an instant there. That makes it one of ours, and never one that is too early; it is inf
    before the first word."""

    def __init__(self) -> None:
        self.ahead = math.inf
        self._heard = -math.inf

    def __repr__(self) -> str:
        return f"<Offset {self.ahead:.3f} s>"

    def hear(self, here: float, there: float) -> None:
        """A word came here that was sent there."""
        if self.ahead < math.inf:
            self.ahead += DRIFT * (here - self._heard)
        self.ahead, self._heard = min(self.ahead, here - there), here
