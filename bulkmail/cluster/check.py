"""What a run would need of each worker, tried there: versions, the task, files, clock, and the way to each host.

A worker is told as one finding, as grave as the gravest that was made at it. Nothing is written anywhere.
"""

import asyncio
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from distributed import get_worker
from distributed.security import Security

from bulkmail import __version__
from bulkmail.app.check import CHECKS, Finding, Level, exit_code, looked
from bulkmail.app.check.seen import Seen
from bulkmail.app.finding import failed, passed, refused, warned
from bulkmail.app.loop import run
from bulkmail.app.prepare import chosen
from bulkmail.cluster.calls import Key, Line
from bulkmail.cluster.hosts import DaskHosts, local, reached
from bulkmail.cluster.messages import Gone
from bulkmail.cluster.place import with_own_secrets, without_secrets
from bulkmail.cluster.sight import Sought, seen, sought
from bulkmail.cluster.sweeping import gathered, own_tokens
from bulkmail.config import Job
from bulkmail.errors import BulkmailError, ConfigError, TransportError
from bulkmail.text import counted

PATIENCE = 60.0
"""Seconds for one worker to try everything."""

NEEDED = frozenset({"authority", "graph", "clock"})
"""Checks of a job that are made at each worker."""

SIGNING_IN = frozenset({"certificate", "sign-in", "token"})
"""And those where workers have tokens of their own."""

SAME = "Install the same on all of them, as from one image or one lock file."


class Versions(NamedTuple):
    """What has to be the same everywhere."""

    bulkmail: str
    python: str

    def __str__(self) -> str:
        return f"bulkmail {self.bulkmail}, Python {self.python}"


def versions() -> Versions:
    return Versions(__version__, platform.python_version())


class Looked(NamedTuple):
    """The finding that stands for a worker, and all that were made at it."""

    worker: Finding
    made: Sequence[Finding]


async def check(job: Job, tell: Callable[[Finding], None]) -> Sequence[Looked]:
    """Each worker that a run of this job would have, by its address; `tell` hears of it once it is looked at. Raises
    ConfigError where there are none."""
    wanted = job.cluster
    if not wanted.wanted:
        raise ConfigError("the job has no workers", hint="Say --workers 2, or --scheduler ADDRESS, or set [cluster].")
    own, place = own_tokens(wanted), await asyncio.to_thread(sought, job)
    async with reached(wanted) if wanted.scheduler else local(wanted.begin) as hosts:
        await gathered(hosts, wanted.minimum if wanted.scheduler else wanted.begin)
        return await looked_at(hosts, Asking(Key(uuid4().hex), job, own=own, place=place), tell)


class Asking(NamedTuple):
    """What each worker is asked with."""

    key: Key
    job: Job
    own: bool
    place: Sought | None


async def looked_at(hosts: DaskHosts, asking: Asking, tell: Callable[[Finding], None]) -> Sequence[Looked]:
    """Each worker that there is now. Raises ConfigError where there is none any more."""
    await hosts.listen({"hello": _hello}, {str(asking.key): True}.get)
    try:
        names = sorted(await hosts.names())
        if not names:
            raise ConfigError(
                "no worker is left, or the scheduler does not answer", hint="See the log of the scheduler."
            )
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_looked(hosts, name, asking, tell)) for name in names]
    finally:
        await hosts.close()
    return [one.result() for one in asked]


async def _looked(hosts: DaskHosts, name: str, asking: Asking, tell: Callable[[Finding], None]) -> Looked:
    made = await _asked(hosts, name, asking)
    found = Looked(told(name, made), made)
    tell(found.worker)
    return found


async def _hello(_session: object) -> str:
    return __version__


async def _asked(hosts: DaskHosts, name: str, asking: Asking) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            key, job, own, place = asking
            return await hosts.ask(name, look, key, versions(), without_secrets(job), own, place)
    except TimeoutError:
        return [
            failed(f"no answer in {PATIENCE:.0f} s", "Is it up, and not at work for others?", TransportError.exit_code)
        ]
    except BulkmailError as error:
        return [refused(error)]
    except Exception as error:  # noqa: BLE001 - whatever fails at one worker is told of that worker
        text = f"it cannot be looked at: {type(error).__name__}: {error}"
        return [refused(ConfigError(text, hint="See the log of that worker."))]


def told(worker: str, made: Sequence[Finding]) -> Finding:
    """The finding that stands for a worker."""
    grave = [one for one in made if one.level in (Level.WARN, Level.FAIL)]
    if not grave:
        text = f"{made[0].text}; {counted(len(made), 'check')} passed"
        return Finding(Level.PASS, text, facts=_levels(made), check=worker)
    first = next((one for one in grave if one.level is Level.FAIL), grave[0])
    text = "; ".join(f"{one.check}: {one.text}" if one.check else one.text for one in grave)
    return Finding(first.level, text, first.hint, exit_code(made), _levels(made), worker)


def _levels(made: Sequence[Finding]) -> Mapping[str, str]:
    return {one.check: str(one.level) for one in made}


def look(address: str, key: Key, wanted: Versions, job: Job, own: bool, place: Sought | None) -> list[Finding]:  # noqa: FBT001 - as Dask calls it
    """All findings at this worker, in the process that Dask has for it."""
    return run(examine(address, key, wanted, job, own=own, place=place, security=get_worker().security))


async def examine(
    address: str, key: Key, wanted: Versions, job: Job, *, own: bool, place: Sought | None, security: Security
) -> list[Finding]:  # fmt: skip
    found = [
        named("versions", compared(wanted, versions())),
        named("coordinator", await _called(address, key, security)),
    ]
    try:
        job = with_own_secrets(job) if own else job
        task, options = chosen(job)
    except BulkmailError as error:
        return [*found, named("task", refused(error))]
    found.append(named("task", passed(task.name)))
    found.append(named("blobs", await asyncio.to_thread(seen, place)))
    names = NEEDED | SIGNING_IN if own else NEEDED
    of_job = Seen(job, task, options, {})
    return found + [one async for one in looked(of_job, [one for one in CHECKS if one.name in names])]


def named(check: str, finding: Finding) -> Finding:
    return Finding(finding.level, finding.text, finding.hint, finding.code, finding.facts, check)


def compared(wanted: Versions, here: Versions) -> Finding:
    """bulkmail has to be the same to the last digit, and Python in its first two numbers is better so."""
    if here.bulkmail != wanted.bulkmail:
        return failed(f"{here}, and here it is {wanted.bulkmail}", SAME, ConfigError.exit_code)
    if here.python.split(".")[:2] != wanted.python.split(".")[:2]:
        return warned(f"{here}, and here it is {wanted.python}", SAME)
    return passed(str(here))


async def _called(address: str, key: Key, security: Security) -> Finding:
    """Whether this worker reaches the coordinator."""
    line = Line(address, key, security)
    try:
        await line.call("hello")
    except Gone as error:
        return failed(f"{address}: {error}", "Open that port, or set cluster.listen.", ConfigError.exit_code)
    finally:
        await line.close()
    return passed(f"reaches {address}")
