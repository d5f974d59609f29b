"""The place that results go to, and who else works there or with the same application. Needs no network."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bulkmail.app.check.seen import Seen
from bulkmail.app.finding import Finding, failed, passed, refused, warned
from bulkmail.app.fingerprint import application_of
from bulkmail.app.sharing import registry
from bulkmail.errors import InputError, OutputError, RunHeld
from bulkmail.rundir.folder import is_held, name
from bulkmail.rundir.manifest import Manifest, PinnedApp
from bulkmail.rundir.registry import Entry, living
from bulkmail.text import one_line

ROW = 1_300
"""Bytes of results for a mailbox, until a sample was taken: 76 MB were measured for 60,000 rows of settings.report."""

TIGHT = 4
"""How many times the room that is needed should be free."""

MEGABYTE = 1_000_000


async def look_at_output(seen: Seen) -> Finding:
    """Makes a file where the results go and removes it again: modes and quotas tell less than an attempt."""
    folder = wanted(seen)
    there = standing(folder)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"bulkmail check")
            file.flush()
    except OSError as error:
        return refused(
            OutputError(
                f"cannot write in {there}: {error.strerror}", hint="Name another output.directory, or --output."
            )
        )
    return judged_room(folder, shutil.disk_usage(there).free, (seen.mailboxes or 0) * ROW)


def judged_room(folder: Path, free: int, needed: int) -> Finding:
    """Whether `free` bytes are enough for results of about `needed` bytes."""
    told = f"{free / MEGABYTE:,.0f} MB free, about {max(needed / MEGABYTE, 1):,.0f} MB needed"
    text, facts = f"{one_line(str(folder))}: writable, {told}", {"free": free, "needed": needed}
    if free < needed:
        return failed(text, "Make room, or name another output.directory.", OutputError.exit_code, **facts)
    if free < TIGHT * needed:
        return warned(text, "Make room: a run that fills the disk stops; `bulkmail prune` deletes old runs.", **facts)
    return passed(text, **facts)


async def look_at_runs(seen: Seen) -> Finding:
    """Runs that are going on beside this one: the service's limits count by application, so they share them."""
    folder, ours = wanted(seen), application_of(seen.job)
    if (held := _newest(folder)) is not None and is_held(held):
        told = _manifest(held)
        by = f" by process {told.pid} on {one_line(told.host)}" if told else ""
        text = f"{one_line(str(held))} is in use{by}"
        return failed(text, "Wait for it, or name another --output.", RunHeld.exit_code)
    beside = [(one, told) for one in _beside(folder) if is_held(one) and (told := _manifest(one)) and told.app == ours]
    others = {str(one): f"{told.task} in {one_line(str(one))} (process {told.pid})" for one, told in beside}
    others |= {one.folder: one_line(str(one)) for one in _registered(seen, ours)}
    if not others:
        return passed("no other run with this application on this host", others=[])
    listed = "; ".join(others.values())
    hint = "They share the limits of the service, so each is slower: begin when that one has ended, as with --wait."
    return warned(f"this application is at work already: {listed}", hint, others=list(others))


def _registered(seen: Seen, app: PinnedApp) -> list[Entry]:
    """The runs of the application on this host, as far as the account knows of them."""
    try:
        return living(registry(app, seen.job.state.registry))
    except (OutputError, RuntimeError):
        return []


def standing(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there; a file in its place, too."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def wanted(seen: Seen) -> Path:
    """The run directory that a run would have now. Raises UsageError."""
    job = seen.job
    at = datetime.now().astimezone()
    return name(job.output.directory, seen.task.name, at, job.path.stem).absolute()


def _newest(folder: Path) -> Path | None:
    """The last of `folder`, `folder-2` and so on that is there."""
    number, last = 1, None
    while folder.is_dir():
        number, last = number + 1, folder
        folder = folder.with_name(f"{folder.name.removesuffix(f'-{number - 1}')}-{number}")
    return last


def _beside(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(one for one in folder.parent.iterdir() if one.is_dir() and one != folder)
    except OSError:
        return


def _manifest(folder: Path) -> Manifest | None:
    """None for a run that has not written one yet, or a directory of another kind."""
    try:
        return Manifest.read(folder)
    except InputError:
        return None
