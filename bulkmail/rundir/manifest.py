"""`run.json`: what was run, on what, by whom, and what came of it. Written at the start and at the end, whole each
time."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from bulkmail.errors import InputError
from bulkmail.model import Counts
from bulkmail.rundir.folder import MANIFEST, whoami, write_private
from bulkmail.rundir.totals import Totals
from bulkmail.sink.appender import telling

FORMAT = 3

PINNED = ("task", "code", "options", "mode", "input", "app", "output")
"""What a run is; a resumed one has to be the same. How hard it works may change."""

MEASURED = frozenset({"bytes", "sha256", "mailboxes"})
"""What is known of an input once it was read."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """`state` is running, finished, stopped or failed. `counts` are of the input's rows.

    `mode` is read, plan, drift or apply. `code` tells one version of the task from another. `job` is the job file, and
    the flags that were laid over it. `parent` is the run that this one repeats or takes back, and `undo` says which.
    """

    task: str
    code: str
    options: dict[str, Any]
    mode: str
    input: dict[str, Any]
    app: dict[str, str]
    output: dict[str, Any]
    limits: dict[str, Any]
    job: dict[str, Any]
    version: str
    started: str
    parent: str = ""
    undo: bool = False
    state: str = "running"
    ended: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    statuses: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    waits: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Raises OutputError."""
        _put(folder, self.as_json())

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        body = {"format": FORMAT, **whoami(), **asdict(self)}
        body["counts"]["rows"] = self.counts.rows
        return body


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What of PINNED is no longer as it was, a line each: `options.columns: "all" is now "seed"`."""
    if not before["input"].keys() >= MEASURED:  # it died before it had read its input, and had done nothing
        known = {name: value for name, value in after["input"].items() if name not in MEASURED}
        after = {**after, "input": known}
    return [
        f"{name}: {_shown(old)} is now {_shown(new)}"
        for pinned in PINNED
        for name, old, new in _compared(pinned, before.get(pinned), after.get(pinned))
    ]


def _compared(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _compared(f"{name}.{key}", before.get(key), after.get(key))
    elif before != after:
        yield name, before, after


def _shown(value: Any) -> str:
    return "nothing" if value is None else orjson.dumps(value).decode()


def now() -> str:
    """This moment as a manifest writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _put(folder: Path, body: Mapping[str, Any]) -> None:
    write_private(folder / MANIFEST, orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def claim(folder: Path, before: Mapping[str, Any]) -> None:
    """Puts this process into a run's manifest, for whoever finds the directory held. Raises OutputError."""
    _put(folder, {**before, **whoami()})


def sums(totals: Totals) -> dict[str, Any]:
    return {
        "mailboxes": totals.done,
        "rows": totals.rows,
        "requests": totals.requests,
        "throttled": totals.throttled,
        "retried": totals.retried,
        "waited": round(totals.waited, 3),
    }


def waits(totals: Totals) -> dict[str, dict[str, float]]:
    return {by: {"times": wait.times, "seconds": round(wait.seconds, 3)} for by, wait in totals.waits.items()}


def recall(totals: Totals, before: Mapping[str, Any]) -> None:
    """Adds to `totals` what the processes before told at their end, and no journal knows."""
    totals.retried += before["sums"].get("retried", 0)
    for by, wait in before["waits"].items():
        totals.waits[by].times += wait["times"]
        totals.waits[by].seconds += wait["seconds"]


def digests(folder: Path, names: list[str]) -> dict[str, Any]:
    """Size and SHA-256 of the files of a run that exist. Raises OutputError. Blocks: call it in a thread."""
    found: dict[str, Any] = {}
    for file in (folder / one for one in names):
        if file.exists():
            with telling(file), file.open("rb") as content:
                hashed = sha256()
                while block := content.read(1 << 20):
                    hashed.update(block)
            found[file.name] = {"bytes": file.stat().st_size, "sha256": hashed.hexdigest()}
    return found


def read(folder: Path) -> dict[str, Any]:
    """A run's manifest. Raises InputError for a directory that is no run."""
    try:
        found = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise InputError(f"{folder} is no run directory", hint=f"A run directory has a {MANIFEST}.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise InputError(f"{folder} was written by another version of bulkmail")
    return found
