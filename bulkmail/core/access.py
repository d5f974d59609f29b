"""Tells a token that is lost from a mailbox that refuses it. Is told of answers; knows no token, no clock and no way to
wait.

The service answers 401 for both (and for a mailbox that it cannot serve, such as `UnknownError` without a message). A
token is lost when it is a fresh one, several mailboxes are refused with it, and none is let in; what a mailbox refuses
with which others are let in is its own outcome. Asking for a new token for each refusal would not help such a mailbox,
and would cost all others their token.

Instants are numbers that count refusals and renewals: an attempt that began at a number was sent after what has that
number or a lower one. `now` is read before an attempt leaves, and given back with its answer.
"""

from enum import Enum, auto

SEVERAL = 3
"""Mailboxes that have to be refused with a fresh token, while none is let in, before it counts as lost."""

PAUSES = (1.0, 2.0)
"""Seconds that a refused request waits, the first and the second time, for others to show whether they are let in: a
few times what an answer takes."""

MOST = 8
"""Refusals of one request in a row, whatever else happens."""


class Ruling(Enum):
    """What becomes of a request that was refused."""

    AGAIN = auto()  # at once: with another token than the one that was refused
    LATER = auto()  # after a pause: others have not shown yet whether it is the token
    OWN = auto()  # not again: it is the mailbox that refuses
    LOST = auto()  # not again, and no other request either: it is the token


class Refusals:
    """The refusals of one request in a row: when the first attempt began, since when it is known to be refused, and how
    often it paused."""

    __slots__ = ("began", "pauses", "since", "times")

    def __init__(self) -> None:
        self.began = 0
        self.since = 0
        self.pauses = 0
        self.times = 0

    def pause(self) -> float:
        """The seconds that a request waits which comes LATER."""
        self.pauses += 1
        return PAUSES[self.pauses - 1]


class Access:
    """Whether the application is let in, as far as answers show.

    Told of all refusals, and while it is `watching` of all other answers too.
    """

    def __init__(self) -> None:
        self.now = 1
        self.watching = True  # until this token has been accepted once, and from the first refusal on
        self._doubted = False  # there was a refusal
        self.renewing = False  # a new token is to be asked for
        self._accepted = -1  # the latest beginning of an attempt that was let in
        self._asked = 0  # when another token was asked for
        self._renewed = 0  # since then there is the token that is used now
        self._fresh = False  # it was asked for because of a refusal
        self._refused: set[str] = set()  # mailboxes, with this token and since one was let in

    def __repr__(self) -> str:
        return f"<Access {self.now}: let in at {self._accepted}, {len(self._refused)} refused>"

    def renewed(self) -> None:
        """Another token is used from now on, and since it was asked for by every attempt that began after that."""
        if not self.renewing:
            self.now += 1
            self._asked = self.now
        self._renewed = self._asked
        self._fresh, self.renewing, self.watching = self.renewing, False, True
        self._refused.clear()

    def accepted(self, began: int) -> None:
        """An attempt was let in, whatever else its answer says."""
        self._accepted = max(self._accepted, began)
        self._refused.clear()
        self.watching = self._doubted

    def refused(self, key: str, began: int, row: Refusals) -> Ruling:
        """An attempt for the mailbox `key`, empty for the directory, was answered with 401."""
        self.now += 1
        self.watching = self._doubted = True
        row.times += 1
        if row.times == 1:
            row.began, row.since = began, self.now
        if row.times > MOST or self._accepted >= row.since:
            return Ruling.OWN
        if began < self._renewed:
            return Ruling.AGAIN
        self._refused.add(key)
        proven = self._accepted >= self._renewed
        if self._fresh and not proven:  # another one would fare no better
            if len(self._refused) >= SEVERAL or not key:
                return Ruling.LOST
        elif row.began >= self._renewed and (row.pauses or not proven):
            if not self.renewing:
                self.renewing, self._asked = True, self.now
            return Ruling.AGAIN
        return Ruling.LATER if row.pauses < len(PAUSES) else Ruling.OWN


def lets_in(status: int) -> bool:
    """Whether an answer shows that the token was looked at and is good. What is refused for being too much, or fails,
    may have been turned away before."""
    return status < 500 and status not in (401, 408, 429)
