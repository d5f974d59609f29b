"""`run.json`: what was run, on what, by whom, and what came of it. Written at the start and at the end, whole each
time."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from bulkmail.errors import InputError
from bulkmail.model import Counts
from bulkmail.run.folder import MANIFEST, whoami, write_private
from bulkmail.run.totals import Totals

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`state` is running, finished, stopped or failed. `counts` are of the input's rows."""

    task: str
    options: dict[str, Any]
    input: dict[str, Any]
    app: dict[str, str]
    limits: dict[str, Any]
    version: str
    started: str
    state: str = "running"
    ended: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    statuses: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Any] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Raises OutputError."""
        body = {"format": FORMAT, **whoami(), **asdict(self)}
        body["counts"]["rows"] = self.counts.rows
        write_private(folder / MANIFEST, orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def now() -> str:
    """This moment as a manifest writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def sums(totals: Totals) -> dict[str, Any]:
    return {
        "mailboxes": totals.done,
        "rows": totals.rows,
        "requests": totals.requests,
        "throttled": totals.throttled,
        "retried": totals.retried,
        "waited": round(totals.waited, 3),
    }


def digests(folder: Path, names: list[str]) -> dict[str, Any]:
    """Size and SHA-256 of the files of a run that exist. Blocks: call it in a thread."""
    found: dict[str, Any] = {}
    for file in (folder / one for one in names):
        if file.exists():
            with file.open("rb") as content:
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
