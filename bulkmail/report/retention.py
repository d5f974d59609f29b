"""Which run directories may be deleted, and why the others may not. Nothing is guessed: what cannot be read is kept."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bulkmail.errors import BulkmailError, InputError, OutputError
from bulkmail.rundir.folder import ALIVE, INPUT, LOCK, NAMES, SPILLS, hold, part_sheets
from bulkmail.rundir.manifest import MANIFEST, Manifest

_NAMED = "another run goes on from it"

OURS = frozenset({*NAMES, MANIFEST, INPUT, LOCK, ALIVE, SPILLS})
"""What bulkmail writes into a run directory."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run directory that is beyond those to be kept, and its size in bytes. `why` says what keeps it all the same; it
    is empty for one to be deleted."""

    folder: Path
    bytes: int
    why: str = ""


def candidates(folder: Path, *, keep: int, plans: bool = False) -> list[Candidate]:
    """Of each job, the runs in `folder` that are older than the newest `keep` that are finished; the oldest first.

    Raises InputError where `folder` is not a folder. Blocks.
    """
    try:
        is_folder = folder.is_dir()
    except OSError as error:
        raise InputError(f"cannot look for {folder}: {error.strerror}", hint="Name another folder.") from None
    if not is_folder:
        raise InputError(f"{folder} is not a folder", hint="Name the one that run directories lie in.")
    if (folder / MANIFEST).exists():
        raise InputError(f"{folder} is a run directory itself", hint="Name the folder that it lies in.")
    by_job: defaultdict[tuple[str, ...], list[tuple[Path, Manifest]]] = defaultdict(list)
    named = set[str]()
    for path, manifest in _runs(folder):
        by_job[_job(manifest)].append((path, manifest))
        named.add(manifest.parent)
    found = [one for runs in by_job.values() for one in _beyond(runs, keep, plans=plans)]
    found = [replace(one, why=one.why or _NAMED * (str(one.folder.resolve()) in named)) for one in found]
    return sorted(found, key=lambda one: one.folder.name)


def delete(one: Candidate) -> bool:
    """Whether it is gone: it stays if meanwhile a process works in it. Raises OutputError. Blocks.

    The manifest goes first: what a kill leaves behind is not a run any more, and nothing takes half of one for whole.
    """
    try:
        with hold(one.folder):
            (one.folder / MANIFEST).unlink()
    except OutputError:
        raise
    except BulkmailError:
        return False
    except OSError as error:
        raise OutputError(f"cannot delete {one.folder}: {error.strerror}") from None
    try:
        shutil.rmtree(one.folder)
    except OSError as error:
        raise OutputError(f"cannot delete all of {one.folder}: {error.strerror}", hint="Delete the rest.") from None
    return True


def _runs(folder: Path) -> Iterator[tuple[Path, Manifest]]:
    """Those that lie in it; not those that a link leads to."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            with suppress(InputError):
                yield path, Manifest.read(path)


def _job(manifest: Manifest) -> tuple[str, ...]:
    """What makes runs nights of one job."""
    return (manifest.task, manifest.mode, manifest.job.path, manifest.app.tenant_id, manifest.app.client_id)


def _beyond(runs: Sequence[tuple[Path, Manifest]], keep: int, *, plans: bool) -> Iterator[Candidate]:
    finished = sorted((one for one in runs if one[1].state == "finished"), key=lambda one: one[1].started)
    oldest_kept = finished[-keep][1].started if len(finished) > keep else ""
    for path, manifest in runs:
        if manifest.started < oldest_kept:
            yield Candidate(path, _size(path), _kept_because(path, manifest, plans=plans))


def _kept_because(path: Path, manifest: Manifest, *, plans: bool) -> str:
    """What speaks against deleting a run; an empty text where nothing does."""
    if manifest.state != "finished":
        return "not finished: it can be resumed"
    if manifest.mode == "apply" and not manifest.undo and manifest.changes.get("done"):
        return "it changed mailboxes: bulkmail undo needs it"
    if manifest.mode == "plan" and not plans:
        return "a plan: give --plans as well"
    foreign = sorted(entry.name for entry in path.iterdir() if entry.name not in OURS.union(part_sheets(path)))
    return f"{foreign[0]} in it is not bulkmail's" if foreign else ""


def _size(path: Path) -> int:
    return sum(entry.lstat().st_size for entry in path.rglob("*") if not entry.is_dir())
