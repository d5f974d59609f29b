"""How fresh a tenant is, by what the runs of a job have remembered. Reads the state file; asks nothing of Graph."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from bulkmail.app.fingerprint import mask_key, mode_of
from bulkmail.app.state import freshness_scope
from bulkmail.config import Job
from bulkmail.errors import InputError, UsageError
from bulkmail.model import Status
from bulkmail.rundir.freshness import NEVER, Entry, Freshness, wall
from bulkmail.rundir.maskkey import known as known_mask
from bulkmail.tasks import find

DAY = 86_400.0
AGES: Mapping[str, float] = {"1 day": DAY, "2 days": 2 * DAY, "7 days": 7 * DAY, "30 days": 30 * DAY}
"""Ages that are told, each with its seconds; what is older, and what never went well, is told apart."""

OLDER, NEVER_WELL = "older", "never"


@dataclass(slots=True)
class Fresh:
    """A tenant as the task of a job knows it. `started` is when the run of this list began, and `at` when this was
    asked, both in seconds since 1970. `ages` are mailboxes by how long ago they last went well; those that are
    `denied` are in none of them. `stalest` are the stalest of them, `old` how many are older than was asked."""

    task: str
    started: float
    at: float
    mailboxes: int = 0
    denied: int = 0
    old: int = 0
    ages: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*AGES, OLDER, NEVER_WELL), 0))
    stalest: Sequence[Entry] = ()


def status_of(job: Job, *, max_age: float = float("inf"), few: int = 10, now: float | None = None) -> Fresh:
    """Raises UsageError for a job that remembers nothing, and InputError where no run has done so yet. Blocks."""
    path, task = job.state.path, find(job.task.name, job.path.parent)
    if path is None:
        raise UsageError("the job remembers nothing", hint='Set path = "state.sqlite" in [state], and run it.')
    if not path.exists():
        raise InputError(f"{path}: no run of this job has remembered anything yet", hint="Run the job first.")
    scope = freshness_scope(task.name, mode_of(job, task), job.app.tenant_id)
    with closing(Freshness.open(path, scope)) as freshness:
        known = freshness.known()
        if known is None:
            raise InputError(
                f"{path}: no run of {task.name} has gone through all of its list yet",
                hint="A run that is stopped by its time box has; one of --limit or of a sample has not.",
            )
        found = _counted(task.name, known.started, known.entries, max_age, few, wall() if now is None else now)
    if mask := known_mask(mask_key(job)):
        found.stalest = [one._replace(mailbox=mask(one.mailbox)) for one in found.stalest]
    return found


def _counted(task: str, started: float, entries: Iterable[Entry], max_age: float, few: int, now: float) -> Fresh:
    found, first = Fresh(task, started, now), list[Entry]()
    for entry in entries:
        found.mailboxes += 1
        if entry.status == Status.DENIED:
            found.denied += 1
            continue
        age = now - entry.well
        found.old += age > max_age
        found.ages[_bucket(age)] += 1
        if len(first) < few:
            first.append(entry)
    found.stalest = first
    return found


def _bucket(age: float) -> str:
    if age == -NEVER:
        return NEVER_WELL
    return next((name for name, most in AGES.items() if age <= most), OLDER)
