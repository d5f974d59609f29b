"""How Graph spells things: paths, query options, next links and error bodies. Sends nothing and decides nothing about
retries.

Sources: percent-encoding and doubled apostrophes, learn.microsoft.com/graph/query-parameters; keys that start with a
dollar sign, the page on `user-get`; paging, learn.microsoft.com/graph/paging; error bodies,
learn.microsoft.com/graph/errors.
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from bulkmail.errors import LinkRefused
from bulkmail.model import Response
from bulkmail.text import shown

PAGE = 10
"""Items of a page that was asked for without a size: messages, contacts, events and folders alike
(learn.microsoft.com/graph/api, `user-list-messages` and its kin)."""

DEPTH = 8
"""Times that a path can be encoded: no name needs more, and each costs a pass."""

_TOP = re.compile(r"([?&](?:\$|%24)top=)([0-9]{1,9})(?=&|$)", re.IGNORECASE)
_ADDRESS = re.compile(r"[!\"$-\[\]-~]+")  # printable ASCII but for # and \, which programs read differently
_STRANGE = re.compile(r"[^!$&-;=?-Z_a-z~%]|%(?![0-9A-Fa-f]{2})")  # what RFC 3986 lets stand in no path and no query
_SEPARATORS = re.compile(r"[/\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OWNER = re.compile(
    r"^/(?P<root>users|admin/exchange/mailboxes)"
    r"(?:/(?P<segment>[^/?(]+)|\((?:'|%27)(?P<key>.*?)(?:'|%27)\))(?=[/?]|$)",
    re.IGNORECASE,
)
_NO_NAMES = ("", ".", "..")
_PLAIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z@._~-]*")  # nearly every address: there is nothing to encode
_SENDS = re.compile(r"/(?:microsoft\.graph\.)?(?:send|sendMail|reply|replyAll|forward)(?:\(\))?/?$", re.IGNORECASE)
_REQUEST_ID = re.compile(r"(?!eyJ)[0-9A-Za-z][0-9A-Za-z._:-]{0,63}")  # a GUID, or what a gateway takes for one
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def segment(text: str) -> str:
    """`text` as one path segment: nothing in it can end the segment or start a query.

    Raises ValueError for a text that is not a name: an empty one, or one that means this folder or the one above.
    """
    if _PLAIN.fullmatch(text):
        return text
    if text in _NO_NAMES:
        raise ValueError("not a name that a path can hold")
    return quote(text, safe="@")


def user(key: str) -> str:
    """The path of a mailbox by address or object id; a key that starts with a dollar sign needs the other spelling.

    Raises ValueError for a key that is not a name.
    """
    if _PLAIN.fullmatch(key):
        return "/users/" + key
    if key.startswith("$"):
        return "/users('" + segment(key.replace("'", "''")) + "')"
    return "/users/" + segment(key)


def exchange(mailbox_id: str) -> str:
    """The path of a mailbox in the import and export API, by the id that its settings name.

    learn.microsoft.com/graph/api/resources/exchangesettings. Raises ValueError for an id that is not a name.
    """
    return "/admin/exchange/mailboxes/" + segment(mailbox_id)


def filled(template: str, values: Sequence[str]) -> str:
    """`template` with each `{}` replaced by a value as one segment: `("/messages/{}/send", ["a/b"])` is
    `/messages/a%2Fb/send`. Raises ValueError for a value that is not a name, and for too few or too many of them."""
    first, *rest = template.split("{}")
    if len(rest) != len(values):
        raise ValueError(f"the path has {len(rest)} {{}} and {len(values)} values for them")
    return first + "".join(segment(value) + part for value, part in zip(values, rest, strict=True))


def check_path(path: str) -> None:
    """Raises ValueError unless `path`, put behind a mailbox's own path, leads to a place below that mailbox and may
    stand in a request line as it is."""
    if path and path[0] not in "/?":
        raise ValueError("a path begins with a slash")
    if strange := _STRANGE.search(path):
        raise ValueError(f"a path cannot hold {strange[0]!r} as it is; put {{}} there and give the text after the path")
    if climbs(path):
        raise ValueError("a path cannot lead out of its mailbox, nor hold control characters")


def climbs(path: str) -> bool:
    """Whether a path has a segment that means this folder or the one above, however often it is encoded, or holds
    control characters or bytes that are not UTF-8, which programs read differently. Its query is not looked at."""
    path = path.partition("?")[0]
    if "%" not in path and "/." not in path:
        return False  # like nearly every path
    for _ in range(DEPTH):
        try:
            encoded, path = path, unquote(path, errors="strict")
        except UnicodeDecodeError:
            return True
        if path == encoded:
            break
    else:
        return True
    segments = (part.partition(";")[0] for part in _SEPARATORS.split(path))
    return _CONTROL.search(path) is not None or any(part in (".", "..") for part in segments)


def query(path: str, params: Mapping[str, Any]) -> str:
    """`path` with query options: `query("/users", {"$top": 999})` is `/users?$top=999`. Raises ValueError for a text
    that is not Unicode, and TypeError for a value that is neither a text nor a number."""
    if not params:
        return path
    for name, value in params.items():
        if not isinstance(value, str | int) or isinstance(value, bool):  # OData spells those otherwise
            raise TypeError(f"the value of {name} is neither a text nor a whole number")
    options = "&".join(
        f"{quote(name, safe='$')}={quote(str(value), safe=',()$:*/@')}" for name, value in params.items()
    )
    return f"{path}{'&' if '?' in path else '?'}{options}"


def literal(text: str) -> str:
    """`text` as a string in a filter or another query option: `O'Neil` is `'O''Neil'`."""
    return "'" + text.replace("'", "''") + "'"


def next_path(body: Any, base: str, asked: str) -> str | None:
    """The path below `base` of the next page, or None on the last one. `asked` is the path of the walk's first page.

    Refuses a link that leaves the configured endpoint or the mailbox of the walk: otherwise a token would go to, or
    rows would come from, somewhere else. A link that names the same mailbox by its object id is the service's own habit
    and is followed. Raises LinkRefused.
    """
    link = body.get("@odata.nextLink") if isinstance(body, dict) else None
    return None if link is None or link == "" else link_path(link, base, asked)


def delta_link(body: Any, base: str, asked: str) -> str:
    """The delta link of the last page of a walk, as the service writes it; empty where there is none. It is checked as
    next links are. Raises LinkRefused."""
    link = body.get("@odata.deltaLink") if isinstance(body, dict) else None
    if link is None or link == "":
        return ""
    link_path(link, base, asked)
    return str(link)


def link_path(link: Any, base: str, asked: str) -> str:
    """The path below `base` of a link of the service, which has to lead to the mailbox of `asked`. Raises
    LinkRefused."""
    home, there = urlsplit(base), _parts(link)
    prefix = home.path.rstrip("/") + "/"
    if (there.scheme, there.netloc.lower()) != (home.scheme, home.netloc.lower()) or not there.path.startswith(prefix):
        host = shown(there.netloc) or "no host"
        raise LinkRefused(f"the service named a next page on {host!r}; nothing was sent there")
    path: str = link[len(f"{there.scheme}://{there.netloc}{prefix}") - 1 :]
    if climbs(there.path) or not _same_owner(asked, path):
        raise LinkRefused("the service named a next page outside the mailbox that was asked for")
    return path


def _parts(link: Any) -> SplitResult:
    """`link` taken apart, if it is an address and each of its characters may stand in a request line."""
    if isinstance(link, str) and _ADDRESS.fullmatch(link):
        try:
            return urlsplit(link)
        except ValueError:
            pass  # such as a bracket that never closes
    raise LinkRefused("the next link is not an address")


def _same_owner(asked: str, path: str) -> bool:
    (root, mine), (other, theirs) = _owner(asked), _owner(path)
    if (root, mine) == (other, theirs):
        return True
    by_id = root == other == "users" and mine != ""
    return by_id and bool(_GUID.fullmatch(theirs)) and not _GUID.fullmatch(mine)


def _owner(path: str) -> tuple[str, str]:
    """The root of a path and the mailbox below it; two empty texts for a path of the directory."""
    match = _OWNER.match(path)
    if not match:
        return "", ""
    return match["root"].casefold(), unquote(match["segment"] or match["key"]).replace("''", "'").casefold()


def page_size(path: str) -> int | None:
    """The `$top` of a path; None where it has none, or one that is not a size."""
    match = _TOP.search(path)
    return int(match[2]) if match else None


def with_page_size(path: str, size: int) -> str:
    """`path` with another `$top`."""
    match = _TOP.search(path)
    if match:
        return path[: match.start(2)] + str(size) + path[match.end(2) :]
    return query(path, {"$top": size})


def sends_mail(method: str, path: str) -> bool:
    """Whether this call sends a message: a POST to one of the actions that do, with their namespace or without it."""
    return method == "POST" and _SENDS.search(path.partition("?")[0]) is not None


def error_of(body: Any) -> tuple[str, str]:
    """The most detailed code and the message of an error body; two empty texts where the body is not one."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    code, message = _text(error.get("code")), _text(error.get("message"))
    inner = error
    for _ in range(8):  # nested errors are a few deep; a cycle cannot come from JSON
        following = inner.get("innerError", inner.get("innererror"))
        if not isinstance(following, dict):
            break
        inner = following
        detail = _text(inner.get("code"))
        if detail and not detail.isdecimal():  # `"code": "429"` is no more detailed than the status
            code = detail
    return shown(code), shown(message)


def contradicts(response: Response) -> bool:
    """Whether a good status comes with an error in its body. A resource may have a property of that name as well; it
    has a context, which an error does not."""
    body = response.body
    return isinstance(body, dict) and "error" in body and response.status < 300 and "@odata.context" not in body


def ids_of(response: Response) -> dict[str, str]:
    """What Microsoft's support asks for, in the words of our errors."""
    headers = response.headers
    return {
        "request_id": _id(headers.get("request-id", "")),
        "client_request_id": _id(headers.get("client-request-id", "")),
    }


def _id(text: str) -> str:
    """`text` if it has the form of an id, which no token has; else an empty one."""
    return text if _REQUEST_ID.fullmatch(text) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def challenge(response: Response) -> str | None:
    """The claims that a 401 asks for (empty where it names none), of the answer or of any part of a batch; None without
    a 401."""
    if response.status == 401:
        return _claims(response.headers.get("www-authenticate", ""))
    parts = response.body.get("responses") if isinstance(response.body, dict) and response.status == 200 else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("status") == 401:
            headers = part.get("headers")
            named = {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}
            return _claims(named.get("www-authenticate", ""))
    return None


def _claims(header: str) -> str:
    match = re.search(r'claims="([^"]+)"', header)
    if not match:
        return ""
    plain = match[1].rstrip("=").replace("-", "+").replace("_", "/")  # either alphabet, padded or not
    try:
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except ValueError:  # not base64, or not text: a challenge that cannot be met counts as none
        return ""
