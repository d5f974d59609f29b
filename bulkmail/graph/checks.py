"""Checks and encodes what a task asks for, once, before anything leaves. What cannot be sent is a TaskMistake.

Bodies, ids and headers often hold what a mailbox or a list contained, and that is hostile: none of it may change which
mailbox a request goes to, or what the request is.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from bulkmail.core.odata import check_path, filled, query
from bulkmail.errors import TaskMistake
from bulkmail.model import Change
from bulkmail.streams import Pieces

Params: TypeAlias = Mapping[str, str | int]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"(?:[!-~](?:[\t -~]*[!-~])?)?")  # RFC 9110, 5.5, without what is not ASCII

NOT_A_TASKS = frozenset({
    "authorization", "client-request-id", "connection", "content-length", "cookie", "expect", "host", "keep-alive",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-http-method",
    "x-http-method-override", "x-method-override",
})  # fmt: skip
"""Headers that say who asks, whom, what or how: those are not a task's to set."""


def path_of(template: str, values: Sequence[str], params: Params) -> str:
    """The path below the mailbox, with its query. Raises TaskMistake."""
    try:
        if not values and not params:
            return _checked(template)  # nearly always one of few
        path = filled(template, values) if values else template
        if params:
            path = query(path, params)
        check_path(path)
    except (TypeError, ValueError, AttributeError) as error:  # a UnicodeError is a ValueError
        raise TaskMistake(f"the path of the request cannot be sent: {_said(error)}") from None
    return path


@lru_cache(512)
def _checked(path: str) -> str:
    check_path(path)
    return path


def check_headers(headers: Mapping[Any, Any]) -> None:
    """Raises TaskMistake for a header that is not one, or not a task's to set."""
    for name, value in headers.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in NOT_A_TASKS:
            raise TaskMistake(f"a task cannot set the header {str(name)[:60]!r}")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise TaskMistake(f"the header {name} has a value that cannot be sent")


def content_of(body: Any) -> bytes | None:
    """The body as it leaves; bytes leave as they are. Raises TaskMistake for what is not JSON."""
    if body is None or isinstance(body, bytes):
        return body
    try:
        return orjson.dumps(body)
    except TypeError as error:  # of which orjson's own is one
        raise TaskMistake(f"the body of the request is not JSON: {_said(error)}") from None


def check_change(change: Any, body: Any) -> Change | None:
    """`change` for the ledger, which has to be able to write it down; of bytes it tells how many they are. Raises
    TaskMistake."""
    if change is None:
        return Change("content", after={"bytes": len(body)}) if isinstance(body, bytes | Pieces) else None
    if not isinstance(change, Change) or not isinstance(change.key, str):
        raise TaskMistake("the change of the request is not a Change with a key")
    try:
        orjson.dumps([change.key, change.before, change.after])
    except TypeError as error:
        raise TaskMistake(f"the change of the request is not JSON: {_said(error)}") from None
    return change


def _said(error: Exception) -> str:
    return str(error) if type(error) in (TypeError, ValueError, orjson.JSONEncodeError) else type(error).__name__
