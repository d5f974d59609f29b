"""One fence: no request leaves before its instant. Knows neither its mailbox nor where the time comes from."""


class Fence:
    """No request leaves before `until`, because `by` asks for it. `streak` counts refusals in a row, the first of which
    came at `began`; requests that were in flight together count as one."""

    __slots__ = ("began", "by", "streak", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.by = ""
        self.streak = 0
        self.began = 0.0

    def __repr__(self) -> str:
        return f"<Fence until {self.until:.1f} after {self.streak} refusals>"

    def met(self, sent: float, now: float) -> int:
        """A request that left at `sent` was refused. Returns how many refusals in a row that makes."""
        if not self.streak:
            self.began = now
        if sent >= self.until or not self.streak:
            self.streak += 1
        return self.streak

    def wait(self, now: float) -> float:
        """Seconds that it asks for: from now on, or from the first of the refusals in a row."""
        if self.until <= now:
            return 0.0
        return self.until - (self.began if self.streak else now)

    def rise(self, until: float, by: str = "") -> None:
        """Hold requests back until then; of several wishes the longest holds."""
        if until > self.until:
            self.until, self.by = until, by

    def passed(self, sent: float) -> None:
        """A request that left at `sent` was not refused: that ends the row, unless it left with those that were."""
        if sent >= self.until:
            self.streak = 0


class Unraised(Fence):
    """The fence of all lanes that have none of their own: shared, so it can never be raised."""

    __slots__ = ()

    def met(self, sent: float, now: float) -> int:  # noqa: ARG002
        raise TypeError("the fence that lanes share is not raised for one of them")

    def rise(self, until: float, by: str = "") -> None:  # noqa: ARG002
        raise TypeError("the fence that lanes share is not raised for one of them")


OPEN: Fence = Unraised()
"""Most lanes never need a fence of their own, and one each would cost as much as the rest of the lane."""
