"""What a job may say of a request: what is asked, what of the answer becomes rows, and how it is seen that a write is
not needed. Sends nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from bulkmail.config.words import in_words
from bulkmail.core.effect import READING_ACTIONS
from bulkmail.errors import TaskMistake
from bulkmail.graph.checks import check_headers
from bulkmail.model import Effect
from bulkmail.task.declare import Options
from bulkmail.tasks.kit.template import checked
from bulkmail.tasks.request import cells
from bulkmail.text import nearest

OWN_COLUMNS: Mapping[str, str] = {
    "before": "what stood there; empty where nothing did, or where it was not looked at",
    "after": "what stands there now, or would",
    "state": "planned or done",
}
"""Columns of a request that writes; those of the job follow."""

SAVED_COLUMNS: Mapping[str, str] = {
    "path": "the file in the run directory",
    "offset": "where the content begins in that file",
    "bytes": "bytes of the content",
    "sha256": "SHA-256 of the content, in hexadecimal digits",
}
"""Columns of a request whose answer is saved."""

EFFECTS: Mapping[str, Effect] = {
    "GET": Effect.READ,
    "POST": Effect.NONE,
    "PUT": Effect.IDEMPOTENT,
    "PATCH": Effect.IDEMPOTENT,
    "DELETE": Effect.IDEMPOTENT,
}
"""What repeating a request of a method does, unless the job knows better."""


def _query_value(value: Any) -> Any:
    return ("false", "true")[value] if isinstance(value, bool) else value


def _json(value: Any) -> Any:
    """A table or a list of the job, or a text that is JSON, in which `null` can be written."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _checked_path(value: Any) -> Any:
    if isinstance(value, str):
        value = value.rstrip("/")
        cells.check_path_template(value)
    return value


Path: TypeAlias = Annotated[str, BeforeValidator(_checked_path)]
Params: TypeAlias = Mapping[str, Annotated[str | int, BeforeValidator(_query_value)]]
Content: TypeAlias = Annotated[Any, BeforeValidator(_json)]


class Compare(BaseModel):
    """A read that shows whether a write is needed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    path: Path | None = Field(None, description="what is read; the path of the request without it")
    params: Params = Field({}, description="its query options")
    rows: str = Field("", description="place in its answer where the thing, or the list of things, stands")
    wanted: Content = Field(None, description="what stands there once it was written; the body without it")

    @field_validator("params")
    @classmethod
    def _params(cls, value: Params) -> Params:
        return checked_params(value)


class RequestOptions(Options):
    """One call for each mailbox. path, params, body and compare may hold {Column}, a column of its own row."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field("GET", description="method of the call")
    path: Path = Field(description="path below the mailbox, such as /people; empty for the user itself")
    params: Params = Field({}, description='query options, such as { "$select" = "displayName" }')
    headers: Mapping[str, str] = Field({}, description='headers, such as { Prefer = "outlook.timezone=\\"UTC\\"" }')
    body: Content = Field(None, description="body: a table, or JSON as a text")
    rows: str = Field("", description='place in the answer that becomes rows, such as "value"; without it, all of it '
                      "is one row")  # fmt: skip
    columns: Mapping[str, str] = Field({}, description="column to its place in a row, such as "
                                       '{ sender = "from/emailAddress/address" }; without it, the column answer has '
                                       "all of it")  # fmt: skip
    paging: bool = Field(default=True, description='false: only the first page of rows = "value"')
    save: str = Field("", description="file that the content of the answer goes to, such as photo.jpg: for what is not "
                      "JSON. A file a mailbox, in the run directory; the row says where")  # fmt: skip
    effect: Literal["read", "idempotent", "keyed", "none"] | None = Field(
        None, description="what a repetition does: read (nothing: for a POST that only reads), idempotent (the same "
        "again), keyed (a POST that compare finds again), none (twice is once too often). Without it, POST is none, "
        "and PUT, PATCH and DELETE are idempotent",
    )  # fmt: skip
    compare: Compare | None = Field(
        None, description="a read before a write, which is not sent where all is as wanted: true (of the path that is "
        "written), another path, or a table of path, params, rows and wanted",
    )  # fmt: skip
    ignore_errors: tuple[str, ...] = Field((), description='codes of refusals that mean "there is nothing", such as '
                                           "ImageNotFound: the mailbox is ok, without a row")  # fmt: skip
    permission: str = Field("", description="what it needs, where bulkmail does not know it, such as "
                            "User.ReadWrite.All")  # fmt: skip

    @field_validator("params")
    @classmethod
    def _params(cls, value: Params) -> Params:
        return checked_params(value)

    @field_validator("headers")
    @classmethod
    def _headers(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        try:
            check_headers(value)
        except TaskMistake as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("columns")
    @classmethod
    def _columns(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if taken := sorted({"mailbox", *OWN_COLUMNS} & {name.strip().casefold() for name in value}):
            raise ValueError(f"cannot have a column {taken[0]}, which bulkmail fills itself")
        if not all(name.strip() for name in value):
            raise ValueError("should not hold an empty name")
        return value

    @field_validator("compare", mode="before")
    @classmethod
    def _compare(cls, value: Any) -> Any:
        """A path alone is a short form, and so is `true`, which says to read what the request writes."""
        given = {"path": value} if isinstance(value, str) else {} if value is True else value
        if not isinstance(given, dict):
            return None if value is False else given
        if strange := sorted(given.keys() - Compare.model_fields.keys()):
            raise ValueError(f"has no key {strange[0]!r}{nearest(strange[0], Compare.model_fields)}")
        try:
            return Compare.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise ValueError(f"{first['loc'][0]}: {in_words([first])}") from None

    @model_validator(mode="after")
    def _makes_sense(self) -> "RequestOptions":
        if fault := next((told for holds, told in _FAULTS if holds(self)), ""):
            raise ValueError(fault)
        for name, text in self.templates().items():
            try:
                checked(text)
            except ValueError as error:
                raise ValueError(f"{name} {error}; write {{{{Name}}}} where braces are meant") from None
        return self

    def templates(self) -> Mapping[str, str]:
        """All texts that may hold a column, those of an option as one."""
        compare = self.compare or Compare()
        return {
            "path": self.path,
            "params": _joined(self.params),
            "body": _joined(self.body),
            "compare": _joined([compare.path or "", compare.params, compare.wanted]),
        }

    def warnings(self) -> tuple[str, ...]:
        """A write that cannot see whether it is needed."""
        if self.reads or self.compare is not None:
            return ()
        call = f"{self.method} {self.path}"
        return (f"{call} has no compare: each run sends it to every mailbox again, and it cannot be taken back",)

    @property
    def reads(self) -> bool:
        return self.repeating is Effect.READ

    @property
    def repeating(self) -> Effect:
        """What repeating it does."""
        return EFFECTS[self.method] if self.effect is None else Effect(self.effect)

    @property
    def shown(self) -> Mapping[str, str]:
        """Columns to places: those of the job, or one for all of an answer that was read."""
        if self.save:
            return {}
        return self.columns or ({"answer": ""} if self.reads else {})


def checked_params(params: Params) -> Params:
    """Raises ValueError for a value that has a mark without its partner."""
    for name, value in params.items():
        try:
            cells.check_option_template(str(value))
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    return params


def _action(options: RequestOptions) -> str:
    return options.path.rpartition("/")[2].rpartition(".")[2].casefold()


def _compares_with(options: RequestOptions, wanted: Any) -> bool:
    return options.compare is not None and options.compare.wanted is wanted


_FAULTS: Sequence[tuple[Callable[[RequestOptions], bool], str]] = (
    (
        lambda one: one.method == "GET" and not one.reads,
        'effect: a GET only reads, so effect = "read" or none at all goes with it',
    ),
    (
        lambda one: one.method != "GET" and one.reads and (one.method != "POST" or _action(one) not in READING_ACTIONS),
        f'effect = "read" goes with GET, and with a POST to one of {", ".join(sorted(READING_ACTIONS))}',
    ),
    (
        lambda one: one.effect == "keyed" and (one.method != "POST" or one.compare is None),
        'effect = "keyed" goes with a POST that has compare: it is how the thing is found again',
    ),
    (lambda one: one.method == "DELETE" and not one.path, "path: DELETE without a path would delete the user"),
    (lambda one: one.method in ("GET", "DELETE") and one.body is not None, "body does not go with GET and DELETE"),
    (lambda one: one.method in ("PUT", "PATCH") and one.body is None, "body is missing: PUT and PATCH need one"),
    (lambda one: one.reads and one.compare is not None, "compare goes with a request that writes"),
    (
        lambda one: one.method == "DELETE" and one.compare is not None and not _compares_with(one, None),
        "compare: wanted does not go with DELETE, after which there is nothing",
    ),
    (
        lambda one: one.method == "POST" and one.body is None and _compares_with(one, None),
        "compare: wanted is missing: a POST without a body does not say what it makes",
    ),
    (
        lambda one: bool(one.save) and (one.method != "GET" or bool(one.rows or one.columns)),
        "save goes with GET, and without rows and columns: the row says where the content lies",
    ),
    (lambda one: bool(one.rows) and not one.reads, "rows goes with a request that reads; a write has one row"),
)
"""What does not go together, with what is told of it."""


def _joined(value: Any) -> str:
    return "\n".join(cells.texts(value))
