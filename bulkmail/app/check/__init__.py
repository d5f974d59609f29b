"""Checks of a job before it is run: what `bulkmail check` tells, a finding each. Nothing is ever written to the tenant.

A check that cannot be made because an earlier one failed is skipped. It fails where a run would end early, and warns
where a run would go on and a person should look.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bulkmail.app.check.access import look_at_directory, look_at_token
from bulkmail.app.check.estimate import look_at_estimate
from bulkmail.app.check.keys import look_at_authority, look_at_certificate
from bulkmail.app.check.local import look_at_input, look_at_job
from bulkmail.app.check.network import look_at_clock, look_at_graph, look_at_sign_in
from bulkmail.app.check.place import look_at_output, look_at_runs
from bulkmail.app.check.probe import look_at_mailboxes
from bulkmail.app.check.roles import look_at_roles
from bulkmail.app.check.seen import Seen
from bulkmail.app.finding import Finding, Level, exit_code, refused, skipped
from bulkmail.app.fingerprint import pinned
from bulkmail.app.prepare import Flags, chosen, require_writes
from bulkmail.config import load
from bulkmail.core.mask import Mask
from bulkmail.errors import BulkmailError, OutputError
from bulkmail.rundir.maskkey import known

__all__ = ["CHECKS", "Check", "Finding", "Level", "check", "exit_code", "looked"]


@dataclass(frozen=True, slots=True)
class Check:
    """`after` are checks that must have passed, or warned, for this one to be made."""

    name: str
    look: Callable[[Seen], Awaitable[Finding]]
    after: tuple[str, ...] = ()


JOB = Check("job", look_at_job)

CHECKS = (
    JOB,
    Check("input", look_at_input),
    Check("output", look_at_output),
    Check("runs", look_at_runs),
    Check("certificate", look_at_certificate),
    Check("authority", look_at_authority),
    Check("sign-in", look_at_sign_in, after=("authority",)),
    Check("graph", look_at_graph, after=("authority",)),
    Check("clock", look_at_clock),
    Check("token", look_at_token, after=("certificate", "sign-in")),
    Check("directory", look_at_directory, after=("token", "graph")),
    Check("mailboxes", look_at_mailboxes, after=("token", "graph", "input", "directory")),
    Check("roles", look_at_roles, after=("token",)),
    Check("estimate", look_at_estimate, after=("mailboxes",)),
)
"""All checks, in the order in which they are made."""

NOT_MADE = (Level.FAIL, Level.SKIP)


async def check(path: Path, flags: Flags) -> AsyncIterator[Finding]:
    """The findings on the job in a file, as they are made. `flags` are those of the command line. Whatever is wrong is
    a finding; a job that cannot be read ends the checks."""
    try:
        seen = _opened(path, flags)
    except BulkmailError as error:
        yield replace(refused(error), check=JOB.name)
        return
    async for finding in looked(seen, CHECKS):
        yield finding


async def looked(seen: Seen, checks: Iterable[Check]) -> AsyncIterator[Finding]:
    """The findings of these checks, as they are made; what a check comes `after` has to be among them."""
    levels = dict[str, Level]()
    for one in checks:
        finding = replace(_masked(await _made(one, seen, levels), seen.mask), check=one.name)
        levels[one.name] = finding.level
        yield finding


def _opened(path: Path, flags: Flags) -> Seen:
    """Raises ConfigError, UsageError and InputError."""
    job = load(path, flags=flags)
    task, options = chosen(job)
    require_writes(task, job, flags)
    return Seen(job, task, options, flags, known(pinned(job, task, options, flags).output.mask))


def _masked(finding: Finding, mask: Mask | None) -> Finding:
    if mask is None:
        return finding
    facts = {name: mask.value(value) for name, value in finding.facts.items()}
    return replace(finding, text=mask.text(finding.text), hint=mask.text(finding.hint), facts=facts)


async def _made(one: Check, seen: Seen, levels: dict[str, Level]) -> Finding:
    lacking = [name for name in one.after if levels[name] in NOT_MADE]
    if lacking:
        return skipped(f"not looked at: see {lacking[0]}")
    try:
        return await one.look(seen)
    except BulkmailError as error:
        return refused(error)
    except OSError as error:  # such as a folder that may not be looked into
        return refused(OutputError(f"{error.filename or one.name}: {error.strerror or error}"))
