"""`run.json`: what was run, on what, by which process, and what came of it. Written at the start and at the end, whole
each time; read back as the same nouns."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import orjson
from pydantic import TypeAdapter, ValidationError

from bulkmail import atomic
from bulkmail.errors import InputError
from bulkmail.model import Counts, Digest

MANIFEST = "run.json"
FORMAT = 3

ALWAYS = ("unique", "duplicates", "blank", "invalid")
"""Counts that are written though they are 0; those of what a job leaves out are there if it does."""

Mode: TypeAlias = Literal["read", "plan", "drift", "apply"]
State: TypeAlias = Literal["running", "finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class PinnedInput:
    """Where the mailboxes came from, as the job says it, and what that was found to be: `bytes`, `sha256` and
    `mailboxes` are known once it was read, and so is `excluded_sha256`, of the lists of what was to be left out."""

    path: str | tuple[str, ...] = ""
    column: str = ""
    users: str | None = None
    group: str = ""
    limit: int = 0
    bytes: int | None = None
    sha256: str | None = None
    mailboxes: int | None = None
    encoding: str = ""
    where: str = ""
    exclude: str | tuple[str, ...] = ""
    excluded_sha256: str = ""
    skip: int = 0
    sample: int = 0
    seed: int = 0
    order: Literal["listed", "stalest", "largest"] = "listed"
    size_column: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and patterns of the list."""
        return tuple(filter(None, (self.path,) if isinstance(self.path, str) else self.path))

    @property
    def measured(self) -> bool:
        """Whether the input was read to its end."""
        return None not in (self.bytes, self.sha256, self.mailboxes)


@dataclass(frozen=True, slots=True)
class PinnedApp:
    """The application that acts, and the tenant and cloud in which it does."""

    tenant_id: str = ""
    client_id: str = ""
    cloud: str = ""
    login: str = ""
    graph: str = ""


@dataclass(frozen=True, slots=True)
class PinnedOutput:
    """How rows are written; `raw` and what follows concern CSV. `decimal_comma`: figures have a comma for a point.
    `order` is that of the mailboxes as they were done, or with `input` also that of the list, in files of its own.
    `mask` is the file with the key by which mailboxes are masked, and empty where they are not. `blobs` is the place in
    which blobs lie, in a folder with the id of the run for a name; empty for the run directory."""

    format: tuple[str, ...] = ("ndjson", "csv")
    raw: bool = False
    bom: bool = False
    delimiter: str = ","
    decimal_comma: bool = False
    order: Literal["done", "input"] = "done"
    mask: str = ""
    blobs: str = ""


@dataclass(frozen=True, slots=True)
class JobFile:
    """The job file of a run, the flags that were laid over it, and the task as it was named: empty in a run directory
    of earlier versions, where only the name that the task gives itself is known."""

    path: str = ""
    flags: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a run came to; `waited` is in seconds, `findings` are mailboxes with a row that should be looked into."""

    mailboxes: int = 0
    rows: int = 0
    requests: int = 0
    throttled: int = 0
    retried: int = 0
    waited: float = 0.0
    findings: int = 0


@dataclass(frozen=True, slots=True)
class Waited:
    """How often a limit asked for a wait, and for how many seconds in all."""

    times: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """What is believed of the service: it takes `limit` requests a second (None where no limit was met), and refuses
    the share `noise` of all at any rate. Each with the seconds for which that has been believed."""

    limit: float | None = None
    limit_seconds: float = 0.0
    noise: float = 0.0
    noise_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Process:
    """Who worked on a run, when and by which version. The `client-request-id` of its n-th attempt at a request, counted
    from 0, is `requests` and n in twelve hexadecimal digits. One that died could not say when it `ended` and how many
    `attempts` it made."""

    version: str
    started: str
    requests: str
    ended: str = ""
    attempts: int | None = None
    pid: int = 0
    host: str = ""
    user: str = ""

    @classmethod
    def this(cls, version: str, requests: str) -> "Process":
        return cls(version, now(), requests, pid=os.getpid(), host=socket.gethostname(), user=user())


@dataclass(frozen=True, slots=True)
class Manifest:
    """One run. `counts` are of the input's rows.

    `code` tells one version of the task from another. `proxy` is what Graph was reached through, without user and
    password; empty where it was reached directly. `parent` is the run that this one repeats, takes back (`undo`) or,
    if that was a plan, carries out (`applies`). `columns` are those of the list that name its mailboxes, the one that
    was preferred first. `certificate_expires` is when that of the application does, as it was when the run began;
    `certificate_days_left` counted from then. `statuses` are mailboxes by how they ended, `changes` are changes by how
    they ended, `waits` are by the limit that was met, `service` is what the run
    believed of the service when it ended, `outputs` by the name of the file; `advice` is what to do about
    the code of a problem, `warnings` are what a person should look at.

    `key_columns` tell the rows of one mailbox apart; None where the task does not say.

    `undone` are the changes of an undo by what became of them. `drift` is whether there is any; None where it was not
    asked for. `sent_once` are mailboxes that did not end well, by status, in which something was or may have been sent
    that must not be sent again. `pid`, `host` and `user` are those of the process that wrote it last. `processes` are
    all that worked on it, the last one last. `id` is what the journals name the run by, 32 hexadecimal digits; empty in
    a run directory of earlier versions.
    """

    task: str
    code: str
    options: Mapping[str, Any]
    mode: Mode
    input: PinnedInput
    app: PinnedApp
    output: PinnedOutput
    limits: Mapping[str, Any]
    job: JobFile
    version: str
    started: str
    proxy: str = ""
    parent: str = ""
    undo: bool = False
    applies: bool = False
    columns: tuple[str, ...] = ()
    key_columns: tuple[str, ...] | None = None
    certificate_expires: str = ""
    certificate_days_left: int | None = None
    state: State = "running"
    ended: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    statuses: Mapping[str, int] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)
    changes: Mapping[str, int] = field(default_factory=dict)
    undone: Mapping[str, int] = field(default_factory=dict)
    drift: bool | None = None
    sent_once: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, Waited] = field(default_factory=dict)
    service: Service = field(default_factory=Service)
    problems: Mapping[str, int] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    outputs: Mapping[str, Digest] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()
    pid: int = 0
    host: str = ""
    user: str = ""
    id: str = ""

    def write(self, folder: Path) -> Self:
        """Puts it into `folder`, and returns it as written: by this process. Raises OutputError."""
        written = replace(self, pid=os.getpid(), host=socket.gethostname(), user=user())
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        atomic.replace(folder / MANIFEST, orjson.dumps(written.as_json(), option=option))
        return written

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a run. Raises InputError for a directory that holds no run, or one that cannot be read."""
        try:
            content = (folder / MANIFEST).read_bytes()
            found = orjson.loads(content)
        except (OSError, ValueError):
            raise InputError(f"{folder} is not a run directory", hint=f"A run directory has a {MANIFEST}.") from None
        written = found.get("format") if isinstance(found, dict) else None
        if written != FORMAT:
            raise InputError(
                f"{folder} was written by another version of bulkmail: {MANIFEST} has the format {written!r}, and this "
                f"version reads {FORMAT}",
                hint="Use the version that wrote it.",
            )
        try:
            read = _reader().validate_json(content, strict=True)
            _check(read)
        except ValueError as error:
            if not isinstance(error, ValidationError):
                raise InputError(f"{folder / MANIFEST}: {error}", hint="Put the file back from a backup.") from None
            wrong = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise InputError(
                f"{folder / MANIFEST}: {place}: {wrong['msg']}", hint="Put the file back from a backup."
            ) from None
        return read

    def as_json(self) -> dict[str, Any]:
        """As it stands in the file."""
        body = {"format": FORMAT, "pid": self.pid, "host": self.host, **asdict(self)}
        counts = body["counts"]
        body["counts"] = {name: number for name, number in counts.items() if number or name in ALWAYS}
        body["counts"]["rows"] = self.counts.rows
        if not self.output.mask:
            del body["output"]["mask"]
        for name in ("input", "app"):
            body[name] = _given(getattr(self, name))
        return body


def now() -> str:
    """This moment as a manifest has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check(manifest: Manifest) -> None:
    """Raises ValueError for a time that no calendar has, or none of this world."""
    for name in ("started", "ended", "certificate_expires"):
        text = getattr(manifest, name)
        if not _is_time(text) and (text or name == "started"):
            raise ValueError(f"{name} is not a time")


def _is_time(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return at.tzinfo is not None and 1971 <= at.year <= 9000


def _given(part: PinnedInput | PinnedApp) -> dict[str, Any]:
    """The members that say something."""
    defaults = {one.name: one.default for one in fields(part) if one.default is not MISSING}
    return {name: value for name, value in asdict(part).items() if value != defaults[name]}


@cache
def _reader() -> TypeAdapter[Manifest]:
    """Made once it is needed: most commands read no run directory."""
    return TypeAdapter(Manifest)


def user(asked: Callable[[], str] = getpass.getuser) -> str:
    """The account that the process runs as; empty for one without a name, as in many a container."""
    try:
        return asked()
    except (ImportError, KeyError, OSError):  # Windows has no list of accounts; the others: see getpass.getuser
        return ""
