"""The run directory: private to its owner, held by one process, never written over. Knows no results.

`name` fills in the template of a job; `open_folder` creates and holds the directory. The hold is a kernel lock: it ends
with the process, however that ends, and no file has to be removed by hand.
"""

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout

from bulkmail.atomic import UNFINISHED, make_folder
from bulkmail.errors import InputError, OutputError, RunHeld, UsageError
from bulkmail.rundir.manifest import MANIFEST, Manifest
from bulkmail.text import nearest

log = logging.getLogger(__name__)

OUTCOMES = "outcomes.ndjson"
CHANGES = "changes.ndjson"
INPUT = "spooled.ndjson"
FAILED = "failed.csv"
VERDICTS = "outcomes.csv"
SORTED = "sorted"
REJECTED = "rejected.csv"
BLOBS = "blobs"
SAMPLES = "samples.ndjson"
ADDRESSES = "addresses.ndjson"
REPORT = "report.html"
DIFFERENCES = "diff.csv"
RECORDS = "records"
SHEETS = (f"{RECORDS}.ndjson", f"{RECORDS}.csv", f"{SORTED}.ndjson", f"{SORTED}.csv")
NAMES = (REPORT, *SHEETS, OUTCOMES, VERDICTS, CHANGES, FAILED, REJECTED, BLOBS, SAMPLES, ADDRESSES, DIFFERENCES)
"""What a run may write beside its manifest, and other programs might have written as well."""

_OF_PARTS = f"{RECORDS}.*.csv"

_WORD = re.compile(r"\{\w*\}")
"""A word in the name of a directory that is filled in."""

SIGNATURE = f"{MANIFEST}.jws"
LOCK = ".lock"
ALIVE = ".alive"
SPILLS = ".spilled"


def part_sheet(part: str) -> str:
    """The file with the rows of one part, of a task whose reports have parts."""
    return f"{RECORDS}.{part}.csv"


def part_sheets(folder: Path) -> list[str]:
    """The names of those that are there."""
    return sorted(path.name for path in folder.glob(_OF_PARTS))


def name(template: str, task: str, now: datetime, job: str = "") -> Path:
    """`out/{task}-{date}` with the task's name, the date (2026-11-23), the time (221503) and the name of the job filled
    in. Raises UsageError for another word in braces."""
    words = {"{task}": task, "{date}": now.strftime("%Y-%m-%d"), "{time}": now.strftime("%H%M%S"), "{job}": job}
    unknown = [word for word in _WORD.findall(template) if word not in words]
    if unknown:
        raise UsageError(f"{template}: {unknown[0]} is not filled in{nearest(unknown[0], words)}")
    for word, text in words.items():
        template = template.replace(word, text)
    return Path(template)


@contextmanager
def open_folder(wanted: Path) -> Iterator[Path]:
    """The directory of a new run: `wanted`, or `wanted-2` and so on if an earlier run lies there.

    Raises RunHeld if a living process works in the newest of them, OutputError if it cannot be made or written. An
    older one may be held by an undo or a resume, which a new run does not disturb.
    """
    number, folder = 1, wanted
    while True:
        number += 1
        newer = wanted.with_name(f"{wanted.name}-{number}")
        if not (_is_there(folder / MANIFEST) and _is_there(newer)):
            _make(folder)
            with hold(folder):
                if not (folder / MANIFEST).exists():
                    _refuse_foreign_files(folder)
                    yield folder
                    return
        folder = newer


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a folder that may not be looked into, or a name that is too long
        raise OutputError(f"cannot look for {path}: {error.strerror}", hint="Name another --output.") from None


def _refuse_foreign_files(folder: Path) -> None:
    """A directory that was there may hold what its owner needs, such as the very list that is to be worked on."""
    taken = [name for name in NAMES if (folder / name).exists()] + part_sheets(folder)
    if taken:
        raise OutputError(
            f"{folder} holds {', '.join(taken)} and is not a run", hint="Nothing is overwritten: name another --output."
        )


def existing(folder: Path) -> Path:
    """`folder`, if a run lies there. Raises InputError."""
    try:
        is_run = (folder / MANIFEST).is_file()
    except OSError as error:  # it may not be looked into, or is what no folder can be called
        raise InputError(
            f"cannot look into {folder}: {error.strerror}", hint="Give the account that bulkmail runs as the right to."
        ) from None
    if not is_run:
        raise InputError(f"{folder} is not a run directory", hint=f"A run directory has a {MANIFEST}.")
    return folder


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Holds a run directory that is there. Raises RunHeld if a living process works in it, and OutputError."""
    lock = FileLock(folder / LOCK, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise RunHeld(f"{folder} is held by {_holder(folder)}", hint="Wait for it, or name another --output.") from None
    except OSError as error:
        raise OutputError(f"cannot hold {folder}: {error.strerror}", hint="Name another --output.") from None
    try:
        _remove_unfinished(folder)
        yield
    finally:
        with suppress(OSError):  # all is done by then, and the lock ends with the process anyway
            lock.release()


Identity: TypeAlias = tuple[int, int]


def identity(folder: Path) -> Identity:
    """What tells a directory from another one that is put in its place. Raises OutputError where it is gone."""
    try:
        found = folder.stat()
    except OSError as error:
        raise OutputError(
            f"{folder} is gone: {error.strerror}", hint="Put it back: `bulkmail resume` goes on."
        ) from None
    return found.st_dev, found.st_ino


def require_itself(folder: Path, was: Identity) -> None:
    """Raises OutputError where another directory stands at the place of a run's: nothing is to be written there."""
    if identity(folder) != was:
        raise OutputError(
            f"{folder} is another directory than the run began in; nothing was written there",
            hint="Put the run's own directory back: `bulkmail resume` goes on with it.",
        )


def is_held(folder: Path) -> bool:
    """Whether a living process works in a run directory. Where that cannot be told, none does."""
    if not (folder / LOCK).exists():
        return False
    lock = FileLock(folder / LOCK, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    with suppress(OSError):
        lock.release()
    return False


def _remove_unfinished(folder: Path) -> None:
    """A process that was killed while it replaced a file left the new one beside it; none that lives writes here."""
    for left in folder.glob(UNFINISHED):
        with suppress(OSError):
            left.unlink()


def _make(folder: Path) -> None:
    try:
        if folder.is_dir():
            _warn_of_others(folder)
        make_folder(folder)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}", hint="Name another --output.") from None


def _warn_of_others(folder: Path) -> None:
    """A folder that was there stays as it is. Other users who may write to it can put any file in place of a run's."""
    if any(one.name not in (LOCK, ALIVE) for one in folder.iterdir()) and not (folder / MANIFEST).exists():
        log.warning("%s holds other files already; those of the run are put beside them", folder)
    mode = folder.stat().st_mode
    if os.name != "nt" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        log.warning("%s may be written to by other users (mode %o): chmod 700 keeps them out", folder, mode & 0o777)


def _holder(folder: Path) -> str:
    """Which process, for the message only: the lock is what counts."""
    try:
        manifest = Manifest.read(folder)
    except InputError:
        return "another process"
    return f"process {manifest.pid} on {manifest.host!r}"
