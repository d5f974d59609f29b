"""The job: file, environment and flags merged into one frozen object, and every mistake named with its key and place.

Later wins: the built-in value, the job file, the environment, the flags. A key of `[app]` is `BULKMAIL_TENANT_ID` in
the environment, a key of another table `BULKMAIL_LIMITS_BATCH`. Secrets come by environment or from a file, never as a
flag. Paths in a job file are relative to it. Reads the job file and nothing else.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from bulkmail.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: object) -> object:
    """`90`, `"150ms"`, `"90s"`, `"30m"`, `"2h"` or `"1h30m"` in seconds."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?", value)
    if not parts or "".join(number + unit for number, unit in parts) != value.replace(" ", ""):
        raise ValueError("a time looks like 150ms, 90s, 30m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


Seconds: TypeAlias = Annotated[float, BeforeValidator(seconds), Field(ge=0, allow_inf_nan=False)]


class Table(BaseModel):
    """One table of the job file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class App(Table):
    """Who signs in, and where."""

    tenant_id: str = Field("", description="directory (tenant) id, or a verified domain of it")
    client_id: str = Field("", description="application (client) id of the app registration")
    certificate: Path | None = Field(None, description="PFX or PEM with the private key")
    certificate_password_file: Path | None = Field(None, description="file whose first line is the password")
    certificate_password: SecretStr | None = Field(None, description="environment only: BULKMAIL_CERTIFICATE_PASSWORD")
    client_secret_file: Path | None = Field(None, description="file with a client secret, instead of a certificate")
    client_secret: SecretStr | None = Field(None, description="environment only: BULKMAIL_CLIENT_SECRET")
    assertion_file: Path | None = Field(None, description="file with a federated token, instead of a certificate")
    cloud: str = Field("global", description="global, usgov, usgov-dod, china, or custom with login and graph")
    login: str = Field("", description="sign-in endpoint of a custom cloud")
    graph: str = Field("", description="Graph endpoint of a custom cloud; plain http only to this machine")
    ca_file: Path | None = Field(None, description="certificate authorities to trust, for tokens and Graph alike")


class Input(Table):
    """Where the mailboxes come from: exactly one of path, users and group."""

    path: str = Field("", description="CSV, NDJSON or text; - for standard input")
    column: str = Field("", description="the column with the address; found by itself among the usual names")
    users: str | None = Field(None, description='OData filter on /users; "" asks for all that have a mail address')
    group: str = Field("", description="object id of a group; its members, nested ones too")
    limit: int = Field(0, ge=0, description="stop after so many mailboxes; 0 takes all")

    @model_validator(mode="after")
    def _one_origin(self) -> "Input":
        given = [bool(self.path), self.users is not None, bool(self.group)]
        if sum(given) > 1:
            raise ValueError("give only one of path, users and group")
        return self


class TaskTable(BaseModel):
    """Which task; its own options stand beside its name and are checked by the task."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: str = Field("settings.report", description="see `bulkmail tasks`")

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Limits(Table):
    """How hard to work. What is not given is learned from the service while running."""

    mailbox_concurrency: int = Field(
        4, ge=1, le=4, description="requests in flight for one mailbox; the service allows 4"
    )
    requests_in_flight: int | None = Field(None, ge=1, le=10_000, description="fixed number in flight overall")
    requests_per_second: float | None = Field(None, gt=0, le=100_000, description="fixed rate overall")
    mailboxes_in_flight: int = Field(
        4096, ge=1, le=20_000, description="mailboxes worked on at a time, waiting included"
    )
    batch: bool | int = Field(
        default=False, description="true or a number of parts up to 20: pack requests into $batch"
    )
    max_attempts: int = Field(6, ge=1, le=20, description="tries of a request; throttled ones are not counted")
    max_wait: Seconds = Field(3600.0, description="longest Retry-After that is waited for")
    max_failures: int | float = Field(
        0, ge=0, description="stop after so many failed mailboxes, or this share; 0: never"
    )
    stop_if_denied: int = Field(
        25, ge=0, description="stop when so many mailboxes, the first ones, are all denied; 0: never"
    )
    max_duration: Seconds = Field(0.0, description="stop after this time, resumable; 0: never")
    grace: Seconds = Field(30.0, description="time for what is in flight when the run is told to stop")

    @property
    def parts(self) -> int:
        """Parts of a batch; 0 sends plain requests."""
        return 20 if self.batch is True else int(self.batch)

    @model_validator(mode="after")
    def _batch_in_range(self) -> "Limits":
        if not 0 <= self.parts <= 20:
            raise ValueError("batch is true, false or a number of parts from 1 to 20")
        return self


class Output(Table):
    """Where results go."""

    directory: str = Field("out/{task}-{date}", description="{task}, {date} and {time} are filled in")
    format: tuple[Literal["ndjson", "csv"], ...] = Field(("ndjson", "csv"), min_length=1, description="what to write")
    raw: bool = Field(default=False, description="no protection against formulas in CSV cells")
    bom: bool = Field(default=False, description="byte-order mark in CSV files, for Excel")
    absent_is_failure: bool = Field(default=False, description="exit with 3 for mailboxes that do not exist, too")


class Job(Table):
    """All there is to know about a run, before its first request."""

    app: App = App()
    input: Input = Input()
    task: TaskTable = TaskTable()
    limits: Limits = Limits()
    output: Output = Output()
    path: Path = Field(Path(), exclude=True, description="the job file; not a key of it")
    notes: tuple[str, ...] = Field((), exclude=True)


TABLES: dict[str, type[BaseModel]] = {
    "app": App,
    "input": Input,
    "task": TaskTable,
    "limits": Limits,
    "output": Output,
}
SECRETS = frozenset({"certificate_password", "client_secret"})
PATHS = (
    ("app", "certificate"),
    ("app", "certificate_password_file"),
    ("app", "client_secret_file"),
    ("app", "assertion_file"),
    ("app", "ca_file"),
    ("input", "path"),
    ("output", "directory"),
)


def load(path: Path, *, environment: Mapping[str, str] = os.environ, flags: Mapping[str, Any] | None = None) -> Job:
    """The job of a file. `flags` are dotted keys, such as `{"limits.batch": True}`, with paths relative to where we
    are.

    Raises ConfigError that names the key, its line and the nearest right name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="Save the job file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="configs/ has one to start from.") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None
    _refuse_secrets(tables, path, text)
    _anchor(tables, path.parent)
    notes = _overlay(tables, environment, flags or {})
    return _build(tables, path, text, notes)


def _refuse_secrets(tables: Mapping[str, Any], path: Path, text: str) -> None:
    for key in SECRETS & set(_table(tables, "app")):
        line = _line(text, ("app", key))
        raise ConfigError(
            f"{path}:{line}: app.{key} must not stand in a job file",
            hint=f"Use app.{key}_file, or the environment variable BULKMAIL_{key.upper()}.",
        )


def _anchor(tables: Mapping[str, Any], folder: Path) -> None:
    """Paths of the file are relative to the file."""
    for table, key in PATHS:
        value = _table(tables, table).get(key)
        if isinstance(value, str) and value not in ("", "-"):
            tables[table][key] = str(folder / value)


def _overlay(tables: dict[str, Any], environment: Mapping[str, str], flags: Mapping[str, Any]) -> tuple[str, ...]:
    """Lay environment and flags over the file; says which variables look like ours and are not."""
    known = {f"BULKMAIL_{key}".upper(): ("app", key) for key in App.model_fields}
    for table in ("input", "limits", "output"):
        known |= {f"BULKMAIL_{table}_{key}".upper(): (table, key) for key in TABLES[table].model_fields}
    notes = []
    for name, value in environment.items():
        if name in known:
            table, key = known[name]
            tables.setdefault(table, {})[key] = _value(value) if table != "app" else value
        elif name.startswith("BULKMAIL_"):
            notes.append(f"{name} is no setting of bulkmail{_nearest(name, known)}")
    for dotted, value in flags.items():
        table, _, key = dotted.partition(".")
        if table not in TABLES or not key:
            raise ConfigError(f"{dotted} is no setting{_nearest(table, TABLES)}", hint="Write TABLE.KEY=VALUE.")
        if key in SECRETS:
            raise ConfigError(f"{dotted} cannot be a flag: other users of this machine would see it")
        tables.setdefault(table, {})[key] = value
    return tuple(notes)


def flag(text: str) -> tuple[str, Any]:
    """`limits.batch=true` as a dotted key and a value; what is no TOML value is a text."""
    dotted, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text}: there is no value", hint="Write --set TABLE.KEY=VALUE.")
    return dotted.strip(), _value(value.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _build(tables: Mapping[str, Any], path: Path, text: str, notes: Sequence[str]) -> Job:
    for name in tables:
        if name not in TABLES:
            place = f"{path}:{_line(text, (name,))}"
            raise ConfigError(f"{place}: [{name}] is no table of a job{_nearest(name, TABLES)}")
    try:
        return Job(**tables, path=path, notes=tuple(notes))
    except ValidationError as error:
        raise ConfigError("\n".join(_told(one, path, text) for one in error.errors(include_url=False))) from None


def _told(error: ErrorDetails, path: Path, text: str) -> str:
    place = [str(part) for part in error["loc"]]
    table, dotted = place[0] if place else "", ".".join(place[:2])
    where = f"{path}:{_line(text, place)}" if _line(text, place) else f"{path}, environment or flags"
    if error["type"] == "extra_forbidden":
        return f"{where}: {dotted} is no setting{_nearest(place[-1], TABLES[table].model_fields)}"
    reason = error["msg"].removeprefix("Value error, ")
    return f"{where}: {dotted}: {reason[:1].lower()}{reason[1:]}"


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name)
    return table if isinstance(table, dict) else {}


def _line(text: str, place: Sequence[str]) -> int:
    """The line of a table or of a key in it, counted from 1; 0 when the file does not have it."""
    table = ""
    header = 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[\s*([\w.\-\"']+)\s*\]", line):
            table = match[1].strip("\"'")
            header = number if place and table == place[0] else header
        elif len(place) > 1 and table == place[0] and re.match(rf"\s*[\"']?{re.escape(place[1])}[\"']?\s*=", line):
            return number
    return header if len(place) < 2 else 0
