"""What a route is asked and what it says: a call, an answer, a refusal. Knows no socket and no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

import orjson

from bulkmail.sim.witness.causality import Asked

Json: TypeAlias = dict[str, Any]
NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token stands for. `until` is in seconds of the loop's clock; `serial` orders tokens by issue."""

    app_id: str
    roles: frozenset[str]
    until: float
    serial: int
    capable: bool = False  # asked with client capability CP1: may be challenged with claims
    scoped_roles: frozenset[str] = frozenset()  # granted by Exchange, not shown in the token
    scope: str = ""  # the group whose mailboxes `scoped_roles` are good for


@dataclass(slots=True)
class Call:
    """One request to Graph, plain or part of a batch; `segments` are decoded and begin after the version.

    `headers` finds names in lower case. `base` is the absolute root for links, such as `https://host:port/v1.0`.
    """

    method: str
    segments: tuple[str, ...]
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    grant: Grant
    base: str
    asked: Asked = field(default_factory=Asked)  # its HTTP request
    now: float = 0.0  # seconds of the loop's clock
    pattern: str = ""  # the route's, once it was found
    keys: tuple[str, ...] = ()  # what the route's `{}` matched
    user: int = -1  # the number of the mailbox or user that was asked for
    notes: tuple[str, ...] = ()  # preferences that were honoured
    lag: float = 0.0  # seconds until what this call makes is found
    key: str = ""  # what the thing that was written is known by, if its writer gave it a key

    def json(self) -> Json:
        """The body as an object. Raises Refusal as Graph does for anything else."""
        try:
            found = orjson.loads(self.body or b"null")
        except orjson.JSONDecodeError:
            raise bad_request(
                "Unable to read JSON request payload. Please ensure Content-Type header is set."
            ) from None
        if not isinstance(found, dict):
            raise bad_request("Empty Payload. JSON content expected.")
        return found

    def parameters(self) -> Json:
        """The body of an action by names in lower case: the service takes the parameters of actions in any casing."""
        return {name.lower(): value for name, value in self.json().items()}

    def prefers(self, name: str) -> str:
        """The value of one preference of the Prefer header, unquoted; empty without it."""
        for preference in self.headers.get("prefer", "").split(","):
            key, _, value = preference.partition("=")
            if key.strip().lower() == name.lower():
                self.notes = (*self.notes, preference.strip())
                return value.strip().strip('"')
        return ""

    def link(self, options: Mapping[str, str]) -> str:
        """The absolute address of this very resource with other query options."""
        return f"{self.base}/{'/'.join(map(escape, self.segments))}?" + "&".join(
            f"{escape(name)}={escape(value)}" for name, value in options.items()
        )


class Answer(NamedTuple):
    """`body` is a JSON value, bytes as they are, an iterator of bytes to be streamed, or None for no body at all."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = NONE


class Refusal(Exception):
    """An answer in Graph's error form."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] = NONE) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def answer(self) -> Answer:
        return Answer(self.status, {"error": {"code": self.code, "message": self.message}}, self.headers)


def bad_request(message: str, code: str = "BadRequest") -> Refusal:
    return Refusal(400, code, message)


def item_not_found() -> Refusal:
    return Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def escape(text: str) -> str:
    """Percent-encodes what may not stand in a path segment or a query option; `$` becomes `%24`, as Outlook has it."""
    if text.isascii() and text.isalnum():
        return text
    return "".join(c if (c.isalnum() and c.isascii()) or c in _PLAIN else _hex(c) for c in text)


_PLAIN = "-._~@'(),:!=*"


def _hex(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def split_target(target: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The decoded path segments and the query options of a request target; option names in lower case with `$`."""
    path, _, query = target.partition("?")
    segments = path.strip("/").split("/")
    if "%" in path:
        segments = [_decoded(segment) if "%" in segment else segment for segment in segments]
    if "" in segments:
        segments = [segment for segment in segments if segment]
    return tuple(segments), split_query(query) if query else {}


def _decoded(segment: str) -> str:
    """Mostly it is only the @ of an address that is encoded: that case is made fast."""
    segment = segment.replace("%40", "@")
    return unquote(segment) if "%" in segment else segment


def split_query(query: str) -> dict[str, str]:
    found = {}
    for option in query.split("&"):
        name, _, value = option.partition("=")
        found[_option_name(unquote(name))] = unquote(value.replace("+", " "))
    found.pop("", None)
    return found


_SYSTEM = {"filter", "select", "top", "skip", "skiptoken", "deltatoken", "orderby", "expand", "count", "search"}


def _option_name(name: str) -> str:
    """System options are known with and without `$`, in any casing."""
    bare = name.lower().removeprefix("$")
    return f"${bare}" if bare in _SYSTEM else name
