"""Packs requests into the body of a `$batch` and takes its answer apart. Knows nothing of who waits for which part.

learn.microsoft.com/graph/json-batching: at most 20 parts, ids unique without regard to case, addresses relative to the
API version, answers in any order. A whole request may weigh 4 MB; a batch here stays below 3.5 MB.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from bulkmail.errors import BulkmailError
from bulkmail.model import Request, Response

PARTS = 20
BYTES = 3_500_000
_FRAME = len(b'{"requests":[]}')


class BatchRejected(BulkmailError):
    """The answer of a batch cannot be matched to its parts without doubt: what became of any of them is not known."""


class Recalled(Exception):
    """Not an error: a request that waited, after it was admitted, for its batch or for a token, may not leave now, and
    has to ask for admission again."""


def part(number: int, request: Request) -> bytes:
    """One entry of a batch, as JSON. Its id is its number: short, and unique whatever the case."""
    entry: dict[str, Any] = {"id": str(number), "method": request.method, "url": request.path}
    headers = dict(request.headers)
    if request.body is not None:
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        entry["body"] = request.body
    if headers:
        entry["headers"] = headers
    return orjson.dumps(entry)


def pack(requests: Sequence[Request]) -> tuple[bytes, int]:
    """The body of a batch of as many of `requests`, from the first, as fit, and how many those are: at least one."""
    parts: list[bytes] = []
    size = _FRAME
    for number, request in enumerate(requests[:PARTS]):
        entry = part(number, request)
        size += len(entry) + 1
        if parts and size > BYTES:
            break
        parts.append(entry)
    return b'{"requests":[' + b",".join(parts) + b"]}", len(parts)


def unpack(body: Any, count: int) -> list[Response | None]:
    """The answers of `count` parts in their order; None where one is missing or says no usable status.

    Raises BatchRejected if an id comes twice or was never sent: then no answer can be trusted to be whose it seems. An
    id may come as a number instead of a text, but is spelled as it was sent.
    """
    entries = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise BatchRejected("the answer of a batch has no list of responses")
    answers: list[Response | None] = [None] * count
    open_ids = {str(number): number for number in range(count)}
    for entry in entries:
        name = entry.get("id") if isinstance(entry, dict) else None
        number = open_ids.pop(str(name), None)
        if number is None:
            raise BatchRejected("the answer of a batch names a part twice, or one that was not sent")
        answers[number] = _answer(entry)
    return answers


def _answer(entry: dict[str, Any]) -> Response | None:
    status = entry.get("status")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        return None
    named, body = entry.get("headers"), entry.get("body")
    headers = {str(k).lower(): str(v) for k, v in named.items()} if isinstance(named, dict) else {}
    return Response(status, headers, _content(body, headers) if isinstance(body, str) else body)


def _content(body: str, headers: Mapping[str, str]) -> Any:
    """A body that is a text is something binary in base64; where it should be JSON, it may be JSON in base64."""
    is_json = "json" in headers.get("content-type", "").lower()
    try:
        content = b64decode(body, validate=True)
        found = orjson.loads(content) if is_json else content
    except ValueError:
        return body if is_json else body.encode()
    return body if isinstance(found, str | int | float | bool | None) else found


class Size:
    """How many parts a batch should have: falls by half when a part is refused for the mailbox's sake, climbs by
    one."""

    def __init__(self, most: int = PARTS) -> None:
        self.most = min(most, PARTS)
        self.now = float(self.most)

    def __repr__(self) -> str:
        return f"<Size {int(self.now)} of {self.most}>"

    def answered(self, refused: int) -> None:
        """A batch came back with `refused` parts throttled."""
        self.now = max(1.0, self.now / 2) if refused else min(float(self.most), self.now + 0.25)
