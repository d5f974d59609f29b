"""Takes an answer of exportItems apart while it comes, so that memory holds a chunk of it, however large an item is;
or all at once, where it is small.

The streams of the items are decoded on the way and leave; what is left of the JSON is small, and is parsed as JSON. An
answer that is cut off, or is not what it should be, raises OutcomeUnknown: it is asked for again.
"""

import re
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple, TypeAlias

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError

from bulkmail.errors import OutcomeUnknown
from bulkmail.text import one_line

LARGEST = 1 << 20
"""Bytes of an answer beside its streams: twenty ids, and errors."""

_OUTSIDE = re.compile(rb'["{}\[\],:]')
_WHOLE = re.compile(rb',?"([^"\\]*)":?|["{}\[\],:]')  # with a text that is plain and whole, and what is around it
_INSIDE = re.compile(rb'["\\]')
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9A-Fa-f])|/)")  # what may stand for a letter
_BEGUN = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_DATA = b'"data":"'
_OPEN, _CLOSE = b"{[", b"}]"
_IN_ITEM = [b"{", b"[", b"{"]


class Answered(NamedTuple):
    """What an answer says of one item, behind its stream. `whole`: there was a stream; else `error` says why not."""

    id: str
    change_key: str
    whole: bool
    code: str = ""
    error: str = ""


Event: TypeAlias = bytes | Answered
"""A piece of the stream of an item, or what is said of the item whose pieces came before."""

Reading: TypeAlias = Generator[Event, None, int]
"""Reads a chunk from a place on, and returns the place at which to go on."""


class Unpacking:
    """One answer. `feed` it with chunks, and `close` it at its end."""

    def __init__(self) -> None:
        self._stack: list[bytes] = []
        self._rest = bytearray()  # the JSON without its items
        self._item = bytearray()  # the item that is coming, without its stream
        self._kept = self._rest  # the one of both that what comes belongs to
        self._word = b""  # the last text, which is a name if a colon follows
        self._name = self._top = b""  # of the value that comes, and of the list that holds it
        self._read = self._plain  # how the next bytes are read
        self._escaped = False
        self._tail = b""  # of a stream: less than four letters, or the beginning of an escape
        self._whole = False

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Raises OutcomeUnknown."""
        place = 0
        while place < len(chunk):
            place = yield from self._read(chunk, place)

    def close(self) -> None:
        """Raises OutcomeUnknown for an answer that is not whole."""
        try:
            answer = orjson.loads(self._rest)
        except orjson.JSONDecodeError:
            raise OutcomeUnknown("an answer with exported items was cut off") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("value"), list):
            raise OutcomeUnknown("the answer holds no exported items")

    def _plain(self, chunk: bytes, place: int) -> Reading:
        """Between texts, and through those that are short."""
        in_stream = self._name == b"data" and self._in_item and len(self._stack) == len(_IN_ITEM)
        found = (_OUTSIDE if in_stream else _WHOLE).search(chunk, place)
        if found is None:
            self._keep(chunk[place:])
            return len(chunk)
        mark, end = found[0], found.end()
        if mark in _OPEN:
            self._open(mark)
        self._keep(chunk[place:end])
        if len(mark) > 1:
            self._passed(mark, found[1])
        elif mark == b'"':
            self._read, self._word = (self._stream if in_stream else self._text), b""
        elif mark == b":":
            self._named()
        else:
            self._name = b""
            if mark in _CLOSE:
                yield from self._ended()
        return end

    def _passed(self, mark: bytes, text: bytes) -> None:
        """A whole text, perhaps behind a comma, and before a colon if it is a name."""
        if mark.startswith(b","):
            self._name = b""
        self._word = text
        if mark.endswith(b":"):
            self._named()

    def _named(self) -> None:
        self._name = self._word
        if len(self._stack) == 1:
            self._top = self._word

    @property
    def _in_item(self) -> bool:
        return self._top == b"value" and self._stack[:3] == _IN_ITEM

    def _open(self, mark: bytes) -> None:
        self._stack.append(mark)
        if len(self._stack) == len(_IN_ITEM) and self._in_item:
            self._kept = self._item

    def _ended(self) -> Iterator[Event]:
        if not self._stack:
            raise OutcomeUnknown("the answer is not the JSON that it claims to be")
        ends_item = len(self._stack) == len(_IN_ITEM) and self._in_item
        self._stack.pop()
        if ends_item:
            said, self._item = bytes(self._item), bytearray()
            self._kept = self._rest
            self._rest += b"{}"
            whole, self._whole = self._whole, False
            yield _answered(_parsed(said), whole=whole)

    def _text(self, chunk: bytes, place: int) -> Reading:
        """Within a text that is kept."""
        yield from ()
        if self._escaped:
            self._escaped = False
            self._keep(chunk[place : place + 1])
            return place + 1
        found = _INSIDE.search(chunk, place)
        end = found.end() if found else len(chunk)
        self._keep(chunk[place:end])
        self._word += chunk[place : end - 1 if found else end][-64:]
        if found and found[0] == b"\\":
            self._escaped = True
        elif found:
            self._read = self._plain
        return end

    def _stream(self, chunk: bytes, place: int) -> Reading:
        """Within the stream of an item."""
        end = chunk.find(b'"', place)
        letters = chunk[place : end if end >= 0 else len(chunk)]
        if self._tail:
            letters = self._tail + letters
        begun = b""
        if b"\\" in letters:
            if (cut := _BEGUN.search(letters)) is not None:
                letters, begun = letters[: cut.start()], cut[0]
            letters = _without_escapes(letters)
        if end >= 0:
            self._keep(b'"')
            self._read, self._whole, self._tail = self._plain, True, b""
            yield decoded(letters + begun)
            return end + 1
        fours = len(letters) & ~3
        self._tail = letters[fours:] + begun
        yield decoded(letters[:fours])
        return len(chunk)

    def _keep(self, part: bytes) -> None:
        self._kept += part
        if len(self._kept) > LARGEST:
            raise OutcomeUnknown("an answer with exported items is larger than its items")


def at_once(answer: bytes) -> list[tuple[Answered, bytes]] | None:
    """What a whole answer says of its items, with their streams: in a third of the time, and only of an answer that is
    written as the service writes it; None stands for another one, which `Unpacking` reads. Raises OutcomeUnknown."""
    streams, rest, place = list[bytes](), list[bytes](), 0
    while (found := answer.find(_DATA, place)) >= 0:
        begin = found + len(_DATA)
        end = answer.find(b'"', begin)
        if end < 0:
            return None
        rest.append(b"%b%d" % (answer[place:begin], len(streams)))  # a number in place of the stream
        streams.append(answer[begin - 1 : end + 1])
        place = end
    items = _items(b"".join((*rest, answer[place:])))
    if items is None or [one["data"] for one in items if _has_stream(one)] != list(map(str, range(len(streams)))):
        return None
    said = [_answered(one, whole=_has_stream(one)) for one in items]
    coming = iter(streams)
    texts = [next(coming) if _has_stream(one) else b"" for one in items]
    return [(a, _decoded(_without_escapes(b)) if a.whole else b"") for a, b in zip(said, texts, strict=True)]


def _has_stream(item: dict[str, Any]) -> bool:
    return item.get("data") is not None


def _items(text: bytes) -> list[dict[str, Any]] | None:
    """The members of an answer's list; None if it is not JSON, or another JSON."""
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    items = answer.get("value") if isinstance(answer, dict) else None
    return items if isinstance(items, list) and all(isinstance(one, dict) for one in items) else None


def _without_escapes(letters: bytes) -> bytes:
    return _ESCAPE.sub(_letter, letters) if b"\\" in letters else letters


def _letter(escape: re.Match[bytes]) -> bytes:
    return bytes([int(escape[1], 16)]) if escape[1] else b"/"


def decoded(letters: bytes) -> bytes:
    """Raises OutcomeUnknown for anything but base64 as encoders write it."""
    return _decoded(b'"%b"' % letters)


def _decoded(text: bytes) -> bytes:
    """A text of JSON, with its quotes: so it is decoded in a quarter of the time that `binascii` takes, by the library
    that checks the options. That would also take escapes, the letters that stand in addresses, and padding that is left
    out."""
    try:
        stream = _BASE64.validate_json(text)
    except ValidationError:
        raise OutcomeUnknown(_DAMAGED) from None
    if len(text) % 4 != len(b'""') or any(letter in text for letter in (b"-", b"_", b"\\")):
        raise OutcomeUnknown(_DAMAGED)
    return stream


_BASE64 = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64"))
_DAMAGED = "the stream of an exported item is damaged"


def _parsed(said: bytes) -> dict[str, Any]:
    try:
        item: dict[str, Any] = orjson.loads(said)
    except orjson.JSONDecodeError:
        raise OutcomeUnknown("the answer is not the JSON that it claims to be") from None
    return item


def _answered(item: dict[str, Any], *, whole: bool) -> Answered:
    error = item.get("error")
    name, key = item.get("itemId"), item.get("changeKey")
    code, text = _why(error if isinstance(error, dict) else {})
    return Answered(
        name if isinstance(name, str) else "", key if isinstance(key, str) else "", whole and not code, code, text
    )


def _why(error: dict[str, Any]) -> tuple[str, str]:
    code, message = error.get("code"), error.get("message")
    name = code if isinstance(code, str) and code else "UnknownError" if error else ""
    return name, one_line(message) if isinstance(message, str) else ""
