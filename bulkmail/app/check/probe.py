"""Runs the job's own task on the sample, for a short time, into a folder that is thrown away. Nothing is written to the
tenant: a task that writes only plans. So what the sample shows is what the run would find, scopes of RBAC included.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bulkmail.app.check.seen import Probe, Seen
from bulkmail.app.ending import Ended
from bulkmail.app.finding import WARNED, Finding, Level, failed, refused, skipped
from bulkmail.app.fingerprint import pinned
from bulkmail.app.prepare import Prepared
from bulkmail.app.runner import Runner
from bulkmail.config import Job
from bulkmail.core.advice import ADVICE
from bulkmail.errors import BulkmailError, InputError, PermissionMissing, SignInError
from bulkmail.model import Outcome, Status
from bulkmail.run.stop import INTERRUPTED
from bulkmail.rundir.manifest import MANIFEST
from bulkmail.rundir.reader import RunDir
from bulkmail.text import counted, few, one_line

BOX = 30.0
"""Seconds for the sample. Long mailboxes of a task that copies much are cut off, and say so."""

FEW = 3
"""Mailboxes that a hint names."""

SCOPE = (
    "RBAC for Applications or an access policy in Exchange leaves them out: {named}. If they are meant to be in reach, "
    "widen the scope; a change takes up to two hours to be felt."
)
REFUSED = (
    "Give the application {needs} (an application permission, with admin consent), or a role in Exchange that covers "
    "these mailboxes: {named}. Either may take two hours to take effect."
)


async def look_at_mailboxes(seen: Seen) -> Finding:
    if not seen.sample.mailboxes:
        return skipped("none is known")
    if seen.credential is None:
        raise SignInError("there is no key to sign in with", hint="See certificate.")
    prepared = _prepared(seen)
    with tempfile.TemporaryDirectory(prefix="bulkmail-check-") as folder:
        ended = await Runner(prepared, note=_ignore).run(Path(folder))
        seen.probe = await asyncio.to_thread(_read, Path(folder), ended)
    return _stopped(ended) or judged(seen, seen.probe.outcomes)


def _prepared(seen: Seen) -> Prepared:
    """A run of the sample that can neither write, nor last, nor stop because of what it finds."""
    job = seen.job.model_copy(update=_short(seen.job))
    manifest = pinned(job, seen.task, seen.options, seen.flags)
    assert seen.credential is not None  # noqa: S101 - for the type checker; the caller has looked
    return Prepared(
        job, seen.task, seen.options, seen.credential, manifest, seen.sample,
        expected=frozenset(Status), mask=seen.mask,
    )  # fmt: skip


def _short(job: Job) -> dict[str, object]:
    """The sample is what it is: nothing is left out of it once more."""
    whole = {"where": "", "exclude": "", "skip": 0, "sample": 0, "limit": 0, "order": "listed"}
    return {
        "input": job.input.model_copy(update=whole),
        "task": job.task.model_copy(update={"apply": False, "drift": False}),
        "limits": job.limits.model_copy(
            update={"max_failures": 0.0, "max_duration": BOX, "max_wait": BOX, "grace": 1.0, "max_attempts": 3}
        ),
        "output": job.output.model_copy(update={"format": ("ndjson",), "order": "done", "sign": False, "mask": False}),
        "state": job.state.model_copy(update={"path": None}),
    }


def _read(folder: Path, ended: Ended) -> Probe:
    files = (one for one in folder.rglob("*") if one.is_file() and one.name != MANIFEST)
    size = sum(one.stat().st_size for one in files)
    return Probe(tuple(RunDir(folder).outcomes()), size, ended.manifest.seconds)


def _stopped(ended: Ended) -> Finding | None:
    """What ended the sample before its end, other than its time."""
    if isinstance(ended.failure, BulkmailError):
        return refused(ended.failure)
    if ended.failure is not None:
        raise ended.failure
    code = ended.manifest.exit_code or 0
    if code in {reason.code for reason in INTERRUPTED.values()}:
        return failed(ended.manifest.reason, "Begin the check again.", code)
    return None


def judged(seen: Seen, outcomes: Iterable[Outcome]) -> Finding:
    """All denied or all absent fails, as it would end a run; some of them are for a person to look at."""
    found = list(outcomes)
    by = Counter(one.status for one in found)
    counts = {str(one): by[one] for one in Status if by[one]}
    told = ", ".join(f"{number:,} {status}" for status, number in counts.items())
    text = f"{counted(len(found), 'mailbox', 'mailboxes')} asked, the first, the last and some at random: {told}"
    level, hint, code = next(_troubles(seen, found, by), (Level.PASS, "", 0))
    out_of_reach = [one.mailbox.address for one in found if one.status is Status.DENIED]
    return Finding(level, text, hint, code, {"asked": len(found), **counts, "denied_mailboxes": out_of_reach})


def _troubles(seen: Seen, found: list[Outcome], by: Counter[Status]) -> Iterator[tuple[Level, str, int]]:
    """Level, what to do and exit code, the gravest first."""
    there = len(found) - by[Status.ABSENT] - by[Status.NOT_RUN]
    denied, failing = _named(found, Status.DENIED), [one for one in found if one.status in _FAILING]
    if by[Status.ABSENT] == len(found):
        hint = f"Is it the list of another tenant, or input.column the wrong column? {_advice(found)}"
        yield Level.FAIL, hint, InputError.exit_code
    if by[Status.DENIED] and by[Status.DENIED] == there:
        hint = REFUSED.format(needs=seen.task.needs(seen.options).text, named=denied)
        yield Level.FAIL, hint, PermissionMissing.exit_code
    if failing:
        yield Level.FAIL if len(failing) == there else Level.WARN, _advice(failing), WARNED
    if by[Status.DENIED]:
        yield Level.WARN, SCOPE.format(named=denied), WARNED
    if by[Status.NOT_RUN]:
        yield Level.WARN, f"The sample was cut off after {BOX:.0f} s: the task takes long for a mailbox.", WARNED


_FAILING = (Status.FAILED, Status.UNKNOWN)


def _named(outcomes: Iterable[Outcome], status: Status) -> str:
    """The first of the mailboxes that ended so."""
    return few([one_line(one.mailbox.address) for one in outcomes if one.status is status], FEW)


def _advice(outcomes: Iterable[Outcome]) -> str:
    """What the most frequent trouble was, and what to do about it."""
    codes = Counter(one.problem.code for one in outcomes if one.problem)
    if not codes:
        return ""
    code = codes.most_common(1)[0][0]
    return f"{one_line(code)}: {ADVICE.get(code, 'see failed.csv of a run with --limit.')}"


def _ignore(_text: str) -> None:
    """What a run tells on its way is not told of a sample."""
