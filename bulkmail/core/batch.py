"""Packs requests into the body of a `$batch` and takes its answer apart. Knows nothing of who waits for which part.

learn.microsoft.com/graph/json-batching: at most 20 parts, ids unique without regard to case, addresses relative to the
API version, answers in any order. A whole request may weigh 4 MB; a batch here stays below 3.5 MB.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from bulkmail.core.retryafter import obey, parse
from bulkmail.errors import BulkmailError
from bulkmail.model import NOTHING, Request, Response

PARTS = 20
BYTES = 3_500_000
_OPENING, _CLOSING = b'{"requests":[', b"]}"

NUMBERS = tuple(map(str, range(PARTS)))
"""Ids of parts: short, and unique whatever the case."""

_body = attrgetter("body")
_response = partial(tuple.__new__, Response)  # of all its fields in C: calling the class costs twice that


class BatchRejected(BulkmailError):
    """The answer of a batch cannot be matched to its parts without doubt: what became of any of them is not known."""


class Readmit(Exception):
    """Not an error: a request that waited for its batch or for a token after it was admitted may not leave now, and has
    to ask for admission again."""


class Alone(Exception):
    """Not an error: the batch of a request failed as a whole, which says nothing about the request, and it goes alone
    now. `said` tells how the batch failed, for one of its parts only: it is one failure. `doubtful` means that the
    request may have been carried out."""

    def __init__(self, said: str, *, doubtful: bool) -> None:
        super().__init__(said)
        self.said = said
        self.doubtful = doubtful


def stayed(error: BaseException | None) -> bool:
    """Whether a part that was told this was certainly not carried out."""
    return isinstance(error, Readmit) or (isinstance(error, Alone) and not error.doubtful)


def pack(requests: Sequence[Request], *, chained: bool = False) -> tuple[bytes, int]:
    """The body of a batch of as many of `requests`, from the first, as fit, and how many those are: at least one.
    `chained` ones are carried out one after another, until one fails."""
    entries = list(map(_entry, NUMBERS, requests))
    if chained:
        for before, entry in zip(NUMBERS, entries[1:], strict=False):
            entry["dependsOn"] = [before]
    if not any(map(_body, requests)):  # twenty reads fit always
        return orjson.dumps({"requests": entries}), len(entries)
    encoded = list(map(orjson.dumps, entries))
    del encoded[_fitting(encoded) :]
    return _OPENING + b",".join(encoded) + _CLOSING, len(encoded)


def _entry(number: str, request: Request) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": number, "method": request.method, "url": request.path}
    if request.body is None and not request.headers:
        return entry  # nearly every read
    headers = dict(request.headers)
    if request.body is not None:
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        entry["body"] = request.body if request.content is None else orjson.Fragment(request.content)
    return entry | ({"headers": headers} if headers else {})


def _fitting(entries: Sequence[bytes]) -> int:
    """How many of the entries, from the first, stay within BYTES; one may be as large as it is."""
    room = BYTES - len(_OPENING + _CLOSING)
    for index, entry in enumerate(entries):
        room -= len(entry) + 1
        if room < 0:
            return max(1, index)
    return len(entries)


def unpack(body: Any, count: int) -> list[Response | None]:
    """The answers of `count` parts in their order; None where one is missing or says no usable status.

    Raises BatchRejected if an id comes twice or was never sent: it is not certain then which answer belongs to which
    part. An id may come as a number instead of a text, but is spelled as it was sent.
    """
    entries = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        raise BatchRejected("the answer of a batch has no list of responses")
    answers: list[Response | None] = [None] * count
    open_ids = dict(zip(NUMBERS, range(count), strict=False))
    named, headers = None, NOTHING
    for entry in entries:
        name = entry.get("id") if type(entry) is dict else None
        number = open_ids.pop(name if type(name) is str else str(name), None)
        if number is None:
            raise BatchRejected("the answer of a batch names a part twice, or one that was not sent")
        if (own := entry.get("headers")) != named:  # nearly always the same as those of the part before
            named, headers = own, _lowered(own)
        status, content = entry.get("status"), entry.get("body")
        if type(status) is int and 100 <= status <= 599:
            content = _content(content, headers) if type(content) is str else content
            answers[number] = _response((status, headers, content, False))
    return answers


def _lowered(named: Any) -> Mapping[str, str]:
    return {str(k).lower(): str(v) for k, v in named.items()} if isinstance(named, dict) else NOTHING


def _content(body: str, headers: Mapping[str, str]) -> Any:
    """A body that is a text is something binary in base64; where it should be JSON, it may be JSON in base64."""
    is_json = "json" in headers.get("content-type", "").lower()
    try:
        content = b64decode(body, validate=True)
        found = orjson.loads(content) if is_json else content
    except ValueError:
        return body if is_json else body.encode()
    return body if isinstance(found, str | int | float | bool | None) else found


class Pause:
    """The service has asked for a pause of its batches: no post leaves before it is over. Plain requests may. `dice`
    gives a number in [0, 1)."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice
        self.until = 0.0  # when the last one is over

    def asked(self, answer: Response, wall: float, now: float) -> None:
        """A post was answered so, at `wall` seconds since 1970. Only a Retry-After asks for a pause."""
        if said := parse(answer.headers, wall):
            self.until = max(self.until, now + obey(said, self._dice()))

    def holds(self, now: float) -> bool:
        return now < self.until


class Size:
    """How many parts a batch should have: falls by half when a part is refused for the mailbox's sake, climbs by
    one."""

    def __init__(self, most: int = PARTS) -> None:
        self.most = min(most, PARTS)
        self.now = float(self.most)
        self.parts = self.most  # of the next post

    def __repr__(self) -> str:
        return f"<Size {int(self.now)} of {self.most}>"

    def answered(self, refused: int) -> None:
        """A batch came back with `refused` parts throttled."""
        self.now = max(1.0, self.now / 2) if refused else min(float(self.most), self.now + 0.25)
        self.parts = int(self.now)
