"""Tells which limit a refusal names, a mailbox's or the whole application's. Decides by status, then by code.

The service has two answers that look alike (learn.microsoft.com/graph/throttling and throttling-limits):
`ApplicationThrottled` names a limit that is kept per application and mailbox (`MailboxConcurrency`, `IncomingBytes`);
`TooManyRequests`, `activityLimitReached`, `UnknownError`, or an `x-ms-throttle-scope` header, concern all of the
application. The message is read for one thing only, the limit's name. A 503 concerns the mailbox, and so does any
other failure that names a time; many at once are the pace's business.
"""

import re
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from bulkmail.core.odata import error_of
from bulkmail.model import Response


class Scope(StrEnum):
    """Who has to wait."""

    MAILBOX = "mailbox"
    APP = "application"


MAILBOX_CODES = frozenset({"ApplicationThrottled", "ErrorTooManyObjectsOpened", "MailboxInfoStale"})
SHARE = "x-ms-throttle-limit-percentage"
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?")
_LIMIT = re.compile(r"\bits (\w+) limit\b")


@dataclass(frozen=True, slots=True)
class Refusal:
    """`limit` is the name that the service gave, or its code, or the status as text."""

    scope: Scope
    limit: str


def refusal(response: Response) -> Refusal | None:
    """What a 429, 503 or 509 says, and any failure of the service that names a time; None for other answers."""
    status = response.status
    if status not in (429, 503, 509) and (status < 500 or "retry-after" not in response.headers):
        return None
    code, message = error_of(response.body)
    named = _LIMIT.search(message)
    limit = named[1] if named else code or str(status)
    if "x-ms-throttle-scope" in response.headers:
        return Refusal(Scope.APP, limit)
    if status not in (429, 509) or code in MAILBOX_CODES:
        return Refusal(Scope.MAILBOX, limit)
    return Refusal(Scope.APP, limit)


def used_share(response: Response) -> float:
    """The share of the limit that is in use, as the header SHARE says from 0.8 on; 0.0 where nothing
    sensible is said."""
    said = response.headers.get(SHARE)
    return float(said) if said and _SHARE.fullmatch(said) else 0.0


class Spread:
    """Notices that refusals which name a mailbox's concurrency fall on many mailboxes at once.

    Each mailbox keeps its own limit here, so one of them may be refused because of another program's requests; many of
    them within seconds mean that the service counts per application today (its documentation said so from 2023 to
    2024).
    """

    WITHIN = 5.0  # seconds
    MAILBOXES = 4  # more than that within the time is not a coincidence

    def __init__(self) -> None:
        self._recent: deque[tuple[float, str]] = deque()

    def __repr__(self) -> str:
        return f"<Spread over {len({key for _, key in self._recent})} mailboxes>"

    def refused(self, key: str, now: float) -> bool:
        """Note a refusal by concurrency; True when it is one of many."""
        self._recent.append((now, key))
        while now - self._recent[0][0] > self.WITHIN or len(self._recent) > 256:
            self._recent.popleft()
        return len({key for _, key in self._recent}) > self.MAILBOXES
