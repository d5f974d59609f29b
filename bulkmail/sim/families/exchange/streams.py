"""The opaque stream that an exported item is: its properties, then filler up to its size. Nothing of it is kept.

The filler is computed, in blocks that each say which one they are and of which item: a stream in which one bit has
changed, or a block has changed its place, is not an exported item any more.
"""

import base64
import random
import zlib
from collections.abc import Iterator
from hashlib import sha256
from itertools import count

import orjson

from bulkmail.sim.graph.call import Json

MARK = b"FTS1"  # what an exported stream begins with
BLOCK = 48 * 1024  # bytes; base64 takes three at a time, so whole blocks can be put together
_LABEL = 9
_FILLER = random.Random(7).randbytes(BLOCK - _LABEL)  # noqa: S311 - fills, and guards nothing
_CODED = base64.b64encode(_FILLER)


def size_of(props: Json) -> int:
    """Bytes of the stream."""
    return max(len(_head(props)), int(props.get("bytes", 0)))


def pieces(props: Json) -> Iterator[bytes]:
    """The stream, a block at a time."""
    head = _head(props)
    yield head
    left, seed = size_of(props) - len(head), zlib.crc32(head)
    for number in count():
        if left <= 0:
            return
        yield (_label(seed, number) + _FILLER)[:left]
        left -= BLOCK


def coded(props: Json) -> Iterator[bytes]:
    """The same as base64."""
    head = _head(props)
    yield base64.b64encode(head)
    left, seed = size_of(props) - len(head), zlib.crc32(head)
    for number in count():
        if left < BLOCK:
            break
        yield base64.b64encode(_label(seed, number)) + _CODED
        left -= BLOCK
    if left > 0:
        yield base64.b64encode((_label(seed, number) + _FILLER)[:left])


def digest(props: Json) -> str:
    """SHA-256 of the stream."""
    found = sha256()
    for piece in pieces(props):
        found.update(piece)
    return found.hexdigest()


def unpacked(text: str) -> Json:
    """The properties in a stream as base64. Raises ValueError for anything else."""
    stream = base64.b64decode(text, validate=True)
    if not stream.startswith(MARK) or b"\n" not in stream:
        raise ValueError("this is not an exported item")
    props: Json = orjson.loads(stream[len(MARK) : stream.index(b"\n")])
    place = 0
    for piece in pieces(props):
        if stream[place : place + len(piece)] != piece:
            raise ValueError("this is not what was exported")
        place += len(piece)
    if place != len(stream):
        raise ValueError("this is longer than what was exported")
    return props


def _head(props: Json) -> bytes:
    head = MARK + orjson.dumps(props) + b"\n"
    return head + b" " * (-len(head) % 3)


def _label(seed: int, number: int) -> bytes:
    return seed.to_bytes(4, "big") + number.to_bytes(_LABEL - 4, "big")
