"""Why mailboxes did not end well: refusals that are alike counted together, each with a sentence that explains it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bulkmail.core.advice import ADVICE
from bulkmail.model import Outcome, Status

KINDS = 1000
"""Kinds of refusals that are kept apart; codes come from outside, and there could be as many as mailboxes."""

NAMED = 10
"""Mailboxes of a reason that are named."""

NO_SUCH_USER = frozenset({"ErrorInvalidUser", "Request_ResourceNotFound"})
"""Codes of an absent mailbox for which the directory has no user at all."""

SPLIT = {
    True: "no such user (mistyped, or deleted)",
    False: "no cloud mailbox (on premises, or without a licence)",
}
"""Absent mailboxes, by whether the user is missing as well: two very different messages to the keeper of the list."""


@dataclass(slots=True)
class Reason:
    """A refusal and how many mailboxes met it; `said` is what the service said of the first of them, `first`, and
    `others` are some more of them."""

    status: Status
    code: str
    said: str
    first: str
    mailboxes: int = 0
    others: list[str] = field(default_factory=list)

    @property
    def advice(self) -> str:
        """What to do about it, or an empty text."""
        return ADVICE.get(self.code, "")


class Reasons:
    """Counts outcomes by status and code."""

    def __init__(self) -> None:
        self._found: dict[tuple[Status, str], Reason] = {}

    def add(self, outcome: Outcome) -> None:
        """Passes over a mailbox that had no problem."""
        mailbox, status, problem = outcome.mailbox, outcome.status, outcome.problem
        if problem is None:
            return
        key = (status, problem.code)
        if key not in self._found and len(self._found) >= KINDS:
            key = (status, "other")
        reason = self._found.setdefault(key, Reason(status, key[1], problem.message, mailbox.address))
        reason.mailboxes += 1
        if 1 < reason.mailboxes <= NAMED:
            reason.others.append(mailbox.address)

    def of(self, status: Status) -> list[Reason]:
        """Those of a status, the most frequent first."""
        return sorted((one for one in self._found.values() if one.status is status), key=lambda one: -one.mailboxes)


def absent_split(reasons: Iterable[Reason]) -> Mapping[bool, int]:
    """How many absent mailboxes have no user, and how many have a user without a mailbox in the cloud."""
    split = {True: 0, False: 0}
    for reason in reasons:
        split[reason.code in NO_SUCH_USER] += reason.mailboxes
    return split
