"""Decides when a run goes so wrong that it should stop: nothing is there, nothing may be touched or can be written, or
too many mailboxes fail. Only counts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bulkmail.errors import InputError, PermissionMissing
from bulkmail.model import Ending, Outcome, Status
from bulkmail.run.stop import CANARY, STOPPED, Reason

SAMPLE = 200
"""Mailboxes that must have ended before a share of failures means anything."""

OK = Status.OK
"""By a name of its own, since it is asked for with every outcome: a member of an enum costs a call."""

NOT_OK = (Status.DENIED, Status.FAILED, Status.UNKNOWN)

REFUSALS = 25
"""Writes that are refused with the same code, before any was made, until the run stops."""


@dataclass(frozen=True, slots=True)
class AlarmSettings:
    """`max_failures` is a count from 1, or a share below 1; the others are counts of mailboxes; 0 switches each off.

    `permission` and `tenant` are for the messages.
    """

    max_failures: float = 0
    stop_if_denied: int = 25
    stop_if_absent: int = 25
    canary: int = 0
    permission: str = ""
    tenant: str = "this tenant"


class Alarm:
    """Hears each outcome as it is decided. `changes` are the changes of the run so far, by how they ended."""

    def __init__(self, settings: AlarmSettings, changes: Mapping[Ending, int] | None = None) -> None:
        self._settings = settings
        self._changes: Mapping[Ending, int] = {} if changes is None else changes
        self._heard = dict.fromkeys(Status, 0)
        self._codes: Counter[str] = Counter()  # of those that failed

    def __repr__(self) -> str:
        return f"<Alarm {self._not_ok} of {self._total} not ok>"

    @property
    def _total(self) -> int:
        return sum(self._heard.values())

    @property
    def _not_ok(self) -> int:
        return self._total - self._heard[Status.OK] - self._heard[Status.ABSENT]

    def hear(self, outcome: Outcome) -> Reason | None:
        """Why to stop, or None. Raises PermissionMissing when the first mailboxes were all denied, and InputError when
        all of them were absent."""
        status = outcome.status
        self._heard[status] += 1
        if status is not OK:
            if status is Status.FAILED and outcome.problem is not None:
                self._codes[outcome.problem.code] += 1
            if self._heard[Status.DENIED] >= self._settings.stop_if_denied:
                self.require_admission()
            if self._heard[Status.ABSENT] >= self._settings.stop_if_absent:
                self.require_presence()
            if reason := self._all_refused() or self._too_many():
                return reason
        return CANARY if 0 < self._settings.canary <= self._total else None

    def require_admission(self) -> None:
        """Raises PermissionMissing if there were mailboxes and all of them denied; for the end of a run, too."""
        denied, absent = self._heard[Status.DENIED], self._heard[Status.ABSENT]
        if not self._settings.stop_if_denied or not denied or denied < self._total - absent:
            return
        besides = f", and {absent:,} do not exist" if absent else ""
        raise PermissionMissing(
            f"no mailbox so far could be opened: {denied:,} denied access{besides}",
            hint=f"Give the application {self._settings.permission} (an application permission, with admin consent), "
            "or a role in Exchange that covers these mailboxes; either may take two hours to take effect. "
            "If the first mailboxes are meant to be out of reach, set limits.stop_if_denied = 0.",
        )

    def require_presence(self) -> None:
        """Raises InputError if there were mailboxes and none of them exists; for the end of a run, too."""
        absent = self._heard[Status.ABSENT]
        if not self._settings.stop_if_absent or not absent or absent < self._total:
            return
        raise InputError(
            f"none of the first {absent:,} mailboxes of the list exists in {self._settings.tenant}"
            if absent > 1
            else f"the one mailbox of the list does not exist in {self._settings.tenant}",
            hint="Is it the list of another tenant, or input.column the wrong column? "
            "If that is expected, set limits.stop_if_absent = 0.",
        )

    def _all_refused(self) -> Reason | None:
        """Nothing was written, and the service gave the same answer each time: it will go on so."""
        made = sum(self._changes.get(ending, 0) for ending in (Ending.DONE, Ending.UNKNOWN))
        if made or self._changes.get(Ending.REFUSED, 0) < REFUSALS or len(self._codes) != 1:
            return None
        ((code, number),) = self._codes.items()
        if number < REFUSALS:
            return None
        return Reason(STOPPED, f"the first {number:,} writes were all refused with {code}: correct the job")

    def _too_many(self) -> Reason | None:
        limit, failed, ended = self._settings.max_failures, self._not_ok, self._total
        if limit >= 1:
            reached, shown = failed >= limit, f"{limit:,.0f}"
        else:
            reached, shown = ended >= SAMPLE and 0 < limit < failed / ended, f"{limit:.1%}".replace(".0%", "%")
        if not reached:
            return None
        told = ", ".join(f"{self._heard[one]:,} {one}" for one in NOT_OK if self._heard[one])
        return Reason(STOPPED, f"{failed:,} of {ended:,} mailboxes are {told}: limits.max_failures is {shown}")
