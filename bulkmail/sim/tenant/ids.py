"""Names of things inside a mailbox: opaque to clients, readable here, so that no table of them is kept.

An ordinary id changes when the item moves; an immutable one, given on request, does not.
"""

import base64
import binascii
import struct
from typing import NamedTuple

_LAYOUT = struct.Struct(">BIIHBH")  # kind, mailbox, number, moves, immutable or not, check
_PREFIX = "AAMkAD"


class Ref(NamedTuple):
    """What an id says. `moves` is how often the item had moved when the id was given."""

    kind: int
    mailbox: int
    number: int
    moves: int
    immutable: bool


def item_id(mailbox: int, kind: int, number: int, moves: int = 0, *, immutable: bool = False) -> str:
    packed = _LAYOUT.pack(kind, mailbox, number, 0 if immutable else moves, immutable, _check(mailbox, number))
    return _PREFIX + base64.urlsafe_b64encode(packed).decode()


def read_id(text: str) -> Ref | None:
    """None for what was never an id of this tenant."""
    try:
        packed = base64.urlsafe_b64decode(text.removeprefix(_PREFIX).encode("ascii"))
        kind, mailbox, number, moves, immutable, check = _LAYOUT.unpack(packed)
    except (binascii.Error, struct.error, UnicodeEncodeError):
        return None
    ref = Ref(kind, mailbox, number, moves, bool(immutable))
    return ref if text.startswith(_PREFIX) and check == _check(mailbox, number) else None


def _check(mailbox: int, number: int) -> int:
    return (mailbox * 40503 ^ number * 30011 ^ 0xA5A5) & 0xFFFF
