"""Decides what a row of the input becomes: a mailbox, or a rejected row with its reason. Knows no file and no network.

Every source puts its rows through one `Admission`, so that all of them clean, check, fold and count alike.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from hashlib import blake2b
from secrets import token_bytes
from typing import Literal

from bulkmail.model import NOTHING, Counts, Mailbox, Rejected
from bulkmail.run.source.address import clean, fault, is_address, is_id

SHOWN = 200
"""Characters of a rejected value that are kept; enough to find it again."""

_SHARDS = 4096
_MASK = (1 << 64) - 1
_KEY = token_bytes(16)


def _blake(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY).digest()
    return int.from_bytes(digest, "little")


_number = hash if sys.hash_info.width == 64 else _blake


class Seen:
    """The addresses met so far, caselessly, at about nine bytes each: not the texts, only their 64-bit hashes, sorted.

    Two different addresses that share a hash would be taken for one. The odds that this happens at all among n
    addresses are n²/2⁶⁵: three in a million at ten million, three in a hundred million at a million. The hash is
    Python's own, keyed anew in each process (unless PYTHONHASHSEED fixes it), so nobody can prepare addresses that
    meet; it costs a tenth of a keyed BLAKE2, which stands in where Python's has only 32 bits.
    """

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        # Inserting moves what lies behind: 20 kB at the most in ten million, where one array would move 80 MB.
        self._shards = [array("Q") for _ in range(_SHARDS)]

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def add(self, text: str) -> bool:
        """Whether a cleaned `text` is new; from now on it is not."""
        number = _number(text.casefold()) & _MASK
        shard = self._shards[number % _SHARDS]
        place = bisect_left(shard, number)
        if place < len(shard) and shard[place] == number:
            return False
        shard.insert(place, number)
        return True


class Admission:
    """Admits each mailbox once and counts every row. With a `limit`, it is `full` after that many mailboxes."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._seen = Seen()
        self._unique = self._duplicates = self._blank = self._invalid = 0

    def __repr__(self) -> str:
        return f"<Admission {self.counts}>"

    @property
    def counts(self) -> Counts:
        return Counts(self._unique, self._duplicates, self._blank, self._invalid)

    @property
    def full(self) -> bool:
        return self._limit is not None and self._unique >= self._limit

    def admit(
        self,
        row: int,
        value: str,
        *,
        id: str = "",  # noqa: A002 - the name of Mailbox.id
        columns: Mapping[str, str] = NOTHING,
    ) -> Mailbox | Rejected:
        """The mailbox that `value` names, or why it names none. An `id` that is no GUID is not one, and is dropped.

        A mailbox is a duplicate if its address or its id was met before: two aliases of one id are one mailbox.
        """
        if is_address(value):
            return self._once(row, value, id, columns)
        text = clean(value)
        if not text:
            return self.reject(row, "blank", value)
        if why := fault(text):
            return self.reject(row, "invalid", value, why)
        return self._once(row, text, text if is_id(text) else id, columns)

    def reject(self, row: int, reason: Literal["blank", "invalid"], value: str, why: str = "") -> Rejected:
        """Counts a row that names no mailbox."""
        if reason == "blank":
            self._blank += 1
        else:
            self._invalid += 1
        return Rejected(row, reason, value[:SHOWN], why)

    def _once(self, row: int, address: str, id_: str, columns: Mapping[str, str]) -> Mailbox | Rejected:
        new = self._seen.add(address)
        if id_ and id_ != address:
            id_ = id_.strip() if is_id(id_.strip()) else ""
            new = (not id_ or self._seen.add(id_)) and new
        if new:
            self._unique += 1
            return Mailbox(address, row, id_, columns)
        self._duplicates += 1
        return Rejected(row, "duplicate", address, "names a mailbox of an earlier row again")
