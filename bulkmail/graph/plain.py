"""The two things that are made for nearly every call: a plain GET, and the error of an answer. Sends nothing."""

from collections.abc import Mapping
from functools import partial

from bulkmail.core.odata import error_of, ids_of
from bulkmail.errors import GraphError
from bulkmail.model import Request, Response

# A request of all its fields in C: calling the class costs twice that, and there is one for each mailbox.
_request = partial(tuple.__new__, Request)
_BLANK, _ROW = Request("GET", "/"), Request._fields.index("row")
_TO_ROW, _TO_KEY = _BLANK[Request._fields.index("body") : _ROW], _BLANK[_ROW + 1 : Request._fields.index("key")]


def plain_get(path: str, mailbox: str, headers: Mapping[str, str], row: int, key: str) -> Request:
    """A GET with nothing special about it."""
    return _request(("GET", path, mailbox, headers, *_TO_ROW, row, *_TO_KEY, key))


def error_from(response: Response) -> GraphError:
    """What an answer that is not a good one says."""
    code, message = error_of(response.body)
    if 300 <= response.status < 400:
        code, message = code or "RedirectRefused", "the service answered with a redirect, which is not followed"
    return GraphError(response.status, code, message or "no reason given", **ids_of(response))
