"""`samples.ndjson`: the figures of a run over time. A line a second at first; of a long run ever fewer, evenly.

It is there for curves, and nothing else depends on it: what is torn or strange in it is passed over. It names no
mailbox.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from bulkmail import atomic
from bulkmail.rundir.folder import SAMPLES
from bulkmail.rundir.manifest import Waited
from bulkmail.sink.appender import Appender, os_errors_as_output_error

MOST = 4000
"""Lines of the file: more than a screen has columns, and at most some megabytes."""

EARLY = 0.5
"""Seconds that a sample may come before it is due: a timer of the loop never keeps to the second."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment. The sums (`done` to `changes`) are of the whole run up to then, the others of this moment.

    `at` is in seconds since 1970. `seconds` is how long the process has worked on the run: where it falls, the run was
    resumed. `expected` mailboxes is 0 while their number is not known. `waited` are seconds that requests waited, added
    up; `limits` is how often each limit asked for a wait, and for how many seconds. `changes` are by how they ended.
    `waiting` mailboxes wait because of a limit, and all of them do for `all_wait` seconds more. `rate` is requests a
    second as the pace allows them, `limit` those that the service is believed to take (None while nothing bounds them),
    and `noise` the share that it is believed to refuse at any rate. `window` is how many requests may be in flight,
    `queue` are outcomes that wait for the disk, `memory` is in bytes, 0 where the system does not say.
    """

    at: float
    seconds: float
    expected: int = 0
    done: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    findings: int = 0
    requests: int = 0
    throttled: int = 0
    retried: int = 0
    waited: float = 0.0
    limits: Mapping[str, Waited] = field(default_factory=dict)
    changes: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    all_wait: float = 0.0
    in_flight: int = 0
    window: int = 0
    rate: float | None = None
    limit: float | None = None
    noise: float = 0.0
    mode: str = ""
    queue: int = 0
    memory: int = 0


_READER = TypeAdapter(Sample)


def read_samples(folder: Path) -> list[Sample]:
    """Those of a run, in the order in which they were taken; empty where there are none. Raises OutputError. Blocks."""
    found = []
    for line in _lines(folder / SAMPLES):
        with suppress(ValidationError):
            found.append(_READER.validate_json(line))
    return found


class Samples:
    """The file while it is written. It goes on behind the samples of the processes before. Blocks."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._path = folder / SAMPLES
        self._most = most
        self._every = 1.0  # seconds between two lines
        self._due = 0.0
        self._lines: list[bytes] = []
        self._file: Appender | None = None

    def __repr__(self) -> str:
        return f"<Samples {len(self._lines)}, one in {self._every:.0f} s>"

    def add(self, samples: Sequence[Sample], *, last: bool = False) -> None:
        """Writes those that are due, and the `last` one of all. Raises OutputError."""
        if self._file is None:
            self._file = self._opened()
        due = [sample for sample in samples if self._is_due(sample)]
        if last and due[-1:] != [*samples[-1:]]:
            due.append(samples[-1])
        lines = [orjson.dumps(sample, option=orjson.OPT_APPEND_NEWLINE) for sample in due]
        self._lines += lines
        if len(self._lines) > self._most:
            self._thin()
            self._rewrite()
        elif lines:
            self._file.append(b"".join(lines))

    def close(self) -> None:
        """Raises OutputError."""
        if self._file is not None:
            self._file.close()

    def _is_due(self, sample: Sample) -> bool:
        if sample.seconds < self._due - EARLY:
            return False
        self._due = sample.seconds + self._every
        return True

    def _opened(self) -> Appender:
        """The file, less half a line that a process may have left which was killed."""
        if not self._path.exists():
            return Appender(self._path)
        self._lines = [line for line in _lines(self._path) if line.endswith(b"\n")]
        return Appender.resume(self._path, sum(map(len, self._lines)))

    def _thin(self) -> None:
        """Every second line goes, but not the last, and from now on half as many come."""
        while len(self._lines) > self._most:
            self._lines = self._lines[:-1:2] + self._lines[-1:]
            self._every *= 2

    def _rewrite(self) -> None:
        self.close()
        atomic.replace(self._path, b"".join(self._lines))
        self._file = Appender.at_end(self._path)


def _lines(path: Path) -> list[bytes]:
    with os_errors_as_output_error(path):
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []
