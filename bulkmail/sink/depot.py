"""Where the blobs of a run lie: in its run directory, or below a place that many machines see, a folder or a store.

Whoever sees the run, or is told of its place and its id, finds the same depot.
"""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from bulkmail.atomic import make_folder, sync
from bulkmail.errors import OutputError
from bulkmail.sink.appender import os_errors_as_output_error
from bulkmail.sink.below import Below
from bulkmail.sink.blobs import Blobs, at_once, recover_blobs
from bulkmail.sink.objects import GONE, Store
from bulkmail.text import is_address


class Depot(Protocol):
    """All but `blobs` blocks."""

    @property
    def name(self) -> str:
        """What it is called for people, and where it is looked for."""

    def prepare(self, *, again: bool = False) -> None:
        """Makes it, before a run begins. When one begins `again`, it has to be there. Raises OutputError."""

    def is_seen(self) -> bool:
        """Whether it is seen from here, once it was made."""

    def blobs(
        self, spool: Path, hide: Callable[[str], str] = str, allowed: Callable[[], Awaitable[None]] = at_once
    ) -> Blobs:
        """To write there, as `Blobs` does. What has to be whole before it can go there waits in `spool`, a folder that
        need not exist."""

    def recover(
        self, is_done: Callable[[int], bool], committed: Mapping[int, Mapping[str, int]], *, anew: bool = False
    ) -> None:
        """As `recover_blobs`."""

    def open(self, path: str) -> BinaryIO:
        """A file of blobs, by the path that rows have of it. Raises Damaged for one that leads elsewhere, and
        OSError."""


class Folder:
    """A depot that is a folder: `own` is the run directory's; another one has the id of its run for a name, and lies
    in a place that has to be there, since an empty mount point looks like it."""

    def __init__(self, path: Path, *, own: bool = True) -> None:
        self._path = path
        self._own = own
        self._below = Below(path, path.parent)

    def __repr__(self) -> str:
        return f"<Folder {self._path}>"

    @property
    def name(self) -> str:
        return str(self._path)

    def prepare(self, *, again: bool = False) -> None:
        if self._own:
            return
        place = self._path.parent
        with os_errors_as_output_error(self._path):
            if not place.is_dir():
                raise OutputError(f"output.blobs: there is no folder {place}", hint="Mount it, or make it.")
            if again and not self._path.is_dir():
                raise OutputError(f"output.blobs: the run left blobs in {self._path}, which is gone", hint=GONE)
            make_folder(self._path)
        sync(place)  # or a power cut would leave a run that cannot go on

    def is_seen(self) -> bool:
        try:
            return self._path.is_dir()
        except OSError:  # it may not be looked into
            return False

    def blobs(
        self, spool: Path, hide: Callable[[str], str] = str, allowed: Callable[[], Awaitable[None]] = at_once
    ) -> Blobs:
        del spool
        return Blobs(self._path, hide, allowed, self._path.name if self._own else self._path.as_posix())

    def recover(
        self, is_done: Callable[[int], bool], committed: Mapping[int, Mapping[str, int]], *, anew: bool = False
    ) -> None:
        recover_blobs(self._path, is_done, committed, anew=anew)

    def open(self, path: str) -> BinaryIO:
        return self._below.open(path)


def depot_of(own: Path, place: str, run: str) -> Depot:
    """The depot of the run with the id `run`: `own`, or that in the `place` that its job names."""
    if is_address(place):
        return Store(place, run)
    return Folder(Path(place) / run, own=False) if place else Folder(own)
