"""Whether a worker sees the place that a run would leave blobs in, looked at before there is a run. Writes nothing."""

import os
from pathlib import Path
from typing import NamedTuple

from bulkmail.app.finding import Finding, failed, passed, refused, skipped, warned
from bulkmail.app.prepare import chosen
from bulkmail.cluster.place import SHARED
from bulkmail.config import Job
from bulkmail.errors import ConfigError, OutputError
from bulkmail.sink.objects import Store
from bulkmail.text import is_address

WRITING = "Give the account that the worker runs as the right to."
UNNAMED = "check"
"""The name of a run that there is not."""


class Sought(NamedTuple):
    """A place: an address of a store, or the `path` of a folder and the `number` that its disk has for it, which is the
    same on all machines that have mounted it."""

    path: str
    number: int = 0


def sought(job: Job) -> Sought | None:
    """The place of the blobs of this job; None where its task leaves none. Raises ConfigError, also where this process
    does not see it. Blocks."""
    task, options = chosen(job)
    if not task.leaves_blobs(options):
        return None
    place = job.output.blobs
    if is_address(place):
        Store(place, UNNAMED).look()
        return Sought(place)
    folder = Path(place).resolve() if place else _above(job.output.directory)
    if not folder.is_dir():
        raise ConfigError(f"output.blobs: there is no folder {folder}", hint="Mount it, or make it.")
    return Sought(str(folder), folder.stat().st_ino)


def _above(template: str) -> Path:
    """The folder that is there, of those in which the run directory would be made: its name is not known yet."""
    whole = Path(template).resolve()
    above = [one for one in whole.parents if "{" not in str(one)]
    return next(one for one in above if one.is_dir())


def seen(place: Sought | None) -> Finding:
    """What a worker sees of it. Blocks."""
    if place is None:
        return skipped("the task leaves none")
    return _reached(place.path) if is_address(place.path) else _folder_seen(Path(place.path), place.number)


def _reached(address: str) -> Finding:
    try:
        Store(address, UNNAMED).look()
    except (OutputError, ConfigError) as error:
        return refused(error)
    return passed(f"reaches {address}")


def _folder_seen(folder: Path, number: int) -> Finding:
    if not folder.is_dir():
        return failed(f"there is no folder {folder}", SHARED, ConfigError.exit_code)
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed(f"{folder} cannot be written to", WRITING, OutputError.exit_code)
    if folder.stat().st_ino != number:
        return warned(f"{folder} seems to be another folder here", SHARED)
    return passed(f"sees {folder}")
