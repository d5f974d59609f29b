"""Decides when a run goes so wrong that it should stop: every mailbox is denied, or too many fail. Only counts."""

from collections import Counter
from dataclasses import dataclass

from bulkmail.errors import PermissionMissing
from bulkmail.model import Status
from bulkmail.run.stop import FAILURES, Reason

SAMPLE = 100
"""Mailboxes that must have ended before a share of failures means anything."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """`max_failures` is a count from 1, or a share below 1; `stop_if_denied` a count; 0 switches either off."""

    max_failures: float = 0
    stop_if_denied: int = 25


class Alarm:
    """Hears each status as it is decided."""

    def __init__(self, settings: AlarmSettings, permission: str) -> None:
        self._settings = settings
        self._permission = permission
        self._heard: Counter[Status] = Counter()

    def __repr__(self) -> str:
        return f"<Alarm {self._not_ok} of {self._heard.total()} not ok>"

    @property
    def _not_ok(self) -> int:
        return self._heard.total() - self._heard[Status.OK] - self._heard[Status.ABSENT]

    def hear(self, status: Status) -> Reason | None:
        """Why to stop, or None. Raises PermissionMissing when the first mailboxes were all denied."""
        self._heard[status] += 1
        if status is Status.OK:
            return None
        if self._heard[Status.DENIED] >= self._settings.stop_if_denied:
            self.require_admission()
        limit, failed = self._settings.max_failures, self._not_ok
        if limit >= 1:
            return FAILURES if failed >= limit else None
        return FAILURES if 0 < limit < failed / max(self._heard.total(), SAMPLE) else None

    def require_admission(self) -> None:
        """Raises PermissionMissing if there were mailboxes and all of them denied; for the end of a run, too."""
        denied = self._heard[Status.DENIED]
        if not self._settings.stop_if_denied or not denied or denied < self._heard.total() - self._heard[Status.ABSENT]:
            return
        raise PermissionMissing(
            f"every mailbox so far was denied ({denied})",
            hint=f"Give the application {self._permission} (an application permission, with admin consent), or a role "
            "in Exchange that covers these mailboxes; either may take two hours to be felt. "
            "If the first mailboxes are meant to be out of reach, set limits.stop_if_denied = 0.",
        )
