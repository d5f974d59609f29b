"""The tables of a job file as frozen objects: every key with its type, its bounds and what it means. Reads nothing."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from bulkmail.core.where import Where
from bulkmail.text import is_address, known_encoding, seconds


def _seconds(value: object) -> object:
    return seconds(value) if isinstance(value, str) else value


def _share(value: object) -> object:
    """`5%` is 0.05."""
    if isinstance(value, str) and (number := value.strip().removesuffix("%")) != value.strip():
        try:
            return float(number) / 100
        except ValueError:
            return value
    return value


def _unset(value: object) -> object:
    """An empty path means that there is no path, not the current directory."""
    return None if value == "" else value


Seconds: TypeAlias = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
Share: TypeAlias = Annotated[float, BeforeValidator(_share)]
File: TypeAlias = Annotated[Annotated[Path, Field(strict=False)] | None, BeforeValidator(_unset)]
Paths: TypeAlias = str | Annotated[tuple[str, ...], Field(strict=False)]
"""One path, or a list of them."""


class Table(BaseModel):
    """One table of the job file: frozen, no conversions of type, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class App(Table):
    """Who signs in, and where."""

    tenant_id: str = Field("", description="directory (tenant) id, or a verified domain of it")
    client_id: str = Field("", description="application (client) id of the app registration")
    certificate: File = Field(None, description="PFX or PEM with the private key")
    certificate_password_file: File = Field(None, description="file whose first line is the password")
    key: str = Field(
        "", description="key in a PKCS#11 token, by its URI; certificate is then public, and its password the PIN"
    )
    certificate_password: SecretStr | None = Field(None, description="environment only: BULKMAIL_CERTIFICATE_PASSWORD")
    client_secret_file: File = Field(None, description="file with a client secret, instead of a certificate")
    client_secret: SecretStr | None = Field(None, description="environment only: BULKMAIL_CLIENT_SECRET")
    assertion_file: File = Field(None, description="file with a federated token, instead of a certificate")
    managed_identity: Literal["", "system", "user", "workload"] = Field(
        "",
        description="in place of all these, the identity of the machine: its own (system), the one with client_id "
        "(user), or that of a Kubernetes workload",
    )
    assertion_algorithm: Literal["PS256", "RS256"] = Field(
        "PS256", description="RS256 signs as before, and names the certificate by its SHA-1 thumbprint: for old set-ups"
    )
    cloud: str = Field("global", description="global, usgov, usgov-dod, china, or custom with login and graph")
    login: str = Field("", description="sign-in endpoint of a custom cloud")
    graph: str = Field("", description="Graph endpoint of a custom cloud; plain http only to this machine")
    ca_file: File = Field(None, description="certificate authorities to trust, for tokens and Graph alike")


class Input(Table):
    """Where the mailboxes come from: exactly one of path, users and group."""

    path: Paths = Field("", description="CSV, NDJSON or text; - for standard input; several in a list, or lists/*.csv")
    column: str = Field("", description="the column with the address; found by itself among the usual names")
    users: str | None = Field(None, description='OData filter on /users; "" asks for all that have a mail address')
    group: str = Field("", description="object id of a group; its members, nested ones too")
    encoding: str = Field("", description="of the list, such as cp1252; UTF-8 and UTF-16 are found by themselves")
    limit: int = Field(0, ge=0, description="stop after so many mailboxes; 0 takes all")
    where: str = Field("", description="which rows, such as Department == 'Finance' and not Exempt")
    exclude: Paths = Field("", description="list of mailboxes to leave out, or several, as for path")
    skip: int = Field(0, ge=0, description="leave out so many mailboxes at first")
    sample: int = Field(0, ge=0, description="so many mailboxes, drawn at random; 0 takes all")
    seed: int = Field(0, description="of the sample: the same one draws the same mailboxes")
    order: Literal["listed", "stalest", "largest"] = Field(
        "listed",
        description="stalest: those that were done longest ago come first, by [state] path; largest: by size_column",
    )
    size_column: str = Field(
        "", description='a column with numbers, for order = "largest"; rows without a number come last'
    )

    @field_validator("where")
    @classmethod
    def _understood(cls, value: str) -> str:
        if value:
            Where(value)
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_encoding(value)

    @model_validator(mode="after")
    def _one_origin(self) -> "Input":
        if len(self.origins) > 1:
            raise ValueError(f"give only one of path, users and group, not {' and '.join(self.origins)}")
        return self

    @model_validator(mode="after")
    def _by_sizes(self) -> "Input":
        if (self.order == "largest") != bool(self.size_column):
            raise ValueError('order = "largest" and size_column go together')
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and patterns of the list."""
        return several(self.path)

    @property
    def origins(self) -> list[str]:
        """Which of the three are given; in a job that can be run, it is one."""
        given = {"path": bool(self.paths), "users": self.users is not None, "group": bool(self.group)}
        return [name for name, is_given in given.items() if is_given]


def several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """The paths of a setting that takes one or a list."""
    return tuple(filter(None, (value,) if isinstance(value, str) else value))


class TaskTable(BaseModel):
    """Which task; its own options stand beside its name and are checked by the task."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    name: str = Field("settings.report", description="see `bulkmail tasks`")
    apply: bool = Field(default=False, description="command line only, as --apply: a job file cannot write by itself")
    drift: bool = Field(
        default=False, description="plan, and exit with 8 if anything would be changed, or if there are findings"
    )

    @model_validator(mode="after")
    def _one_way(self) -> "TaskTable":
        if self.apply and self.drift:
            raise ValueError("apply and drift exclude each other: drift only looks")
        return self

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
    chain: int = Field(
        20, ge=1, le=20, description="writes of one mailbox that leave together where many wait, to be carried out one "
        "after another in a $batch; 1: none",
    )  # fmt: skip
    max_attempts: int = Field(
        6, ge=1, le=20, description="attempts of a request at least; throttled ones are not counted"
    )
    max_wait: Seconds = Field(
        3600.0,
        description="how long the service may hold up a mailbox, which then ends as failed; or all, and the run stops",
    )
    max_failures: Share = Field(
        0.2, ge=0, description="stop after so many mailboxes that are not ok, or at this share, such as 0.05 or 5%, "
        "once 200 have ended; 0: never"
    )  # fmt: skip
    stop_if_denied: int = Field(
        25, ge=0, description="stop when so many mailboxes, the first ones, are all denied; 0: never"
    )
    stop_if_absent: int = Field(
        25,
        ge=0,
        description="stop when so many mailboxes, the first ones, do not exist: it is the wrong list; 0: never",
    )
    max_rejected: float = Field(
        0.5, ge=0, le=1, description="warn when more than this share of the input's rows are blank or invalid; 1: never"
    )
    max_changes: int = Field(0, ge=0, description="stop an apply before it makes one change more; 0: never")
    settle: Seconds = Field(
        300.0, description="wait before looking for a write whose answer was lost: it may be carried out late"
    )
    max_duration: Seconds = Field(0.0, description="stop after this time, resumable; 0: never")
    wait: bool = Field(default=False, description="wait until other runs with this application on this host have ended")
    grace: Seconds = Field(30.0, description="time for what is in flight when the run is told to stop")

    @property
    def parts(self) -> int:
        """Parts of a batch; 0 sends plain requests."""
        return 20 if self.batch is True else int(self.batch)

    @field_validator("batch")
    @classmethod
    def _batch_in_range(cls, value: bool | int) -> bool | int:  # noqa: FBT001 - a setting may be both
        if not 0 <= value <= 20:
            raise ValueError("should be true, false or a number of parts from 1 to 20")
        return value


USERS = frozenset({"abfs", "abfss", "adl", "az", "sftp", "ssh"})
"""Schemes in which a name stands before the host, and it is not a secret."""


class Output(Table):
    """Where results go."""

    directory: str = Field("out/{task}-{date}", description="{task}, {job}, {date} and {time} are filled in")
    format: tuple[Literal["ndjson", "csv"], ...] = Field(
        ("ndjson", "csv"), min_length=1, strict=False, description="what to write"
    )
    raw: bool = Field(default=False, description="no protection against formulas in CSV cells")
    bom: bool = Field(default=False, description="byte-order mark in CSV files, for Excel")
    delimiter: Literal["", ",", ";", "\t"] = Field(
        "", description="between the cells of CSV files; a comma if not given"
    )
    excel: bool = Field(
        default=False,
        description="CSV files for an Excel that writes decimal commas: mark, semicolons, commas in figures",
    )
    order: Literal["done", "input"] = Field(
        "done", description="rows as mailboxes are done; with input also sorted.csv, in the order of the list"
    )
    mask: bool = Field(
        default=False, description="keyed digests in place of addresses, in all that is told and in all files but one"
    )
    mask_key: File = Field(None, description="file with the key of the digests, made once; built in: beside the job")
    blobs: str = Field(
        "", description="folder, or address for fsspec such as s3://bucket/exports, for what tasks leave beside their "
        "rows, in a folder for each run; built in: the run directory",
    )  # fmt: skip
    empty_is_ok: bool = Field(default=False, description="an input without one mailbox is not an error")
    report: bool = Field(default=False, description="write report.html, a page with charts, when the run ends")
    absent_is_failure: bool = Field(default=False, description="exit with 3 for mailboxes that do not exist, too")
    sign: bool = Field(default=False, description="sign run.json with the application's certificate: `bulkmail verify`")

    @field_validator("blobs")
    @classmethod
    def _without_credentials(cls, value: str) -> str:
        """fsspec would take a key from an address; there it would be in the job file, the log and the manifest."""
        scheme, _, rest = value.partition("://")
        user = rest.partition("/")[0].rpartition("@")[0]
        if is_address(value) and (":" in user or (user and scheme not in USERS) or "?" in rest or "::" in value):
            raise ValueError("should have no key, password or query: credentials are those of fsspec's own environment")
        return value

    @property
    def cell_delimiter(self) -> str:
        """The delimiter that was given, or the usual one."""
        return self.delimiter or (";" if self.excel else ",")


class State(Table):
    """What lasts between the runs of a job, and what runs on one host know of each other."""

    path: File = Field(None, description="SQLite file with what tasks leave for the next run; without it nothing lasts")
    registry: File = Field(
        None, description="folder in which runs with one application find each other; built in: one of the account"
    )


class Cluster(Table):
    """Several processes, on this machine or on many; needs the extra `cluster`. Built in: this process alone."""

    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="processes on this machine; with a scheduler, workers that are used at the most (0: those that are "
        "there when the run begins)",
    )
    scheduler: str = Field("", description="a Dask cluster: tcp://..., tls://... or the path of its scheduler file")
    minimum: int = Field(
        1, ge=1, le=256, description="workers that a run begins with at least; with a scheduler it waits for them"
    )
    maximum: int = Field(
        0,
        ge=0,
        le=256,
        description="workers at the most: one more is asked for while those that there are use their cores up; built "
        "in: no more than at the beginning",
    )
    shard: Seconds = Field(
        1.0, gt=0, description="how much work a worker is given at a time; what it has begun is done again if it dies"
    )
    listen: str = Field(
        "", description="host, or host:port, where workers reach this process; built in: as the scheduler does"
    )
    tls_ca: File = Field(None, description="PEM with the authority of the Dask cluster, for tls://")
    tls_certificate: File = Field(None, description="PEM with this process's certificate in that cluster")
    tls_key: File = Field(None, description="PEM with its private key")
    tokens: Literal["", "coordinator", "own"] = Field(
        "",
        description="where workers have their tokens from: this process, over TLS, or their own certificate, at the "
        "path of app.certificate; built in: this process where there is TLS",
    )
    dashboard: bool = Field(
        default=False, description="with workers on this machine, Dask's dashboard, for this machine alone; it has no "
        "sign-in, and needs bokeh",
    )  # fmt: skip
    lease: Seconds = Field(
        10.0, description="how long a worker that is not heard of may go on sending, and its mailboxes wait"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Cluster":
        if 0 < self.maximum < (least := max(self.minimum, self.workers)):
            raise ValueError(f"maximum is {self.maximum}, and the run begins with {least}")
        return self

    @property
    def wanted(self) -> bool:
        return self.workers > 0 or self.maximum > 0 or bool(self.scheduler)

    @property
    def begin(self) -> int:
        """Workers that are started on this machine at the beginning."""
        return self.workers or self.minimum

    @property
    def granted(self) -> float:
        """Seconds of the leases of a run's workers; 0.0 where it has none."""
        return self.lease if self.wanted else 0.0


class Job(Table):
    """All there is to know about a run, before its first request."""

    app: App = App()
    input: Input = Input()
    task: TaskTable = TaskTable()
    limits: Limits = Limits()
    output: Output = Output()
    state: State = State()
    cluster: Cluster = Cluster()
    path: Path = Field(Path(), exclude=True, description="the job file; not a key of it")
    notes: tuple[str, ...] = Field((), exclude=True)


TABLES: dict[str, type[BaseModel]] = {
    "app": App,
    "input": Input,
    "task": TaskTable,
    "limits": Limits,
    "output": Output,
    "state": State,
    "cluster": Cluster,
}
SECRETS = frozenset({"certificate_password", "client_secret"})
PATHS = (
    ("app", "certificate"),
    ("app", "certificate_password_file"),
    ("app", "client_secret_file"),
    ("app", "assertion_file"),
    ("app", "ca_file"),
    ("input", "path"),
    ("input", "exclude"),
    ("output", "directory"),
    ("output", "mask_key"),
    ("output", "blobs"),
    ("state", "path"),
    ("state", "registry"),
    ("cluster", "tls_ca"),
    ("cluster", "tls_certificate"),
    ("cluster", "tls_key"),
)
