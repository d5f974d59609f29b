"""Decides what a row of the input becomes: a mailbox, or a rejected row with its reason. Knows no file and no network.

Every source puts its rows through one `Admission`, so that all of them clean, check, fold and count alike.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from itertools import count, repeat
from secrets import token_bytes
from typing import Literal

from bulkmail.model import NOTHING, Counts, Mailbox, Rejected
from bulkmail.source.address import are_addresses, clean, fault, id_in, is_address, is_id
from bulkmail.source.chunks import CHUNK, HALF

SHOWN = 200
"""Characters of a rejected value that are kept; enough to find it again."""

FEW = 32
"""Rows that are no longer judged together when one of them is not as most are."""

_SHARDS = 4096
_LAST = (1 << 63) - 1
_KEY = token_bytes(16)


def _blake(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY).digest()
    return int.from_bytes(digest, "little", signed=True)


_number = hash if sys.hash_info.width == 64 else _blake
_mailbox = partial(tuple.__new__, Mailbox)  # of a tuple of all its fields: in C, which Mailbox and its _make are not


class Unread(str):
    """What stands in the place of a row that cannot be read: why not, to be read behind the words "this row"."""

    __slots__ = ()


class Seen:
    """The addresses met so far, caselessly, at about nine bytes each: not the texts, only their 64-bit hashes, sorted.

    Two different addresses that share a hash would be taken for one. The odds that this happens at all among n
    addresses are n²/2⁶⁵: three in a million at ten million, three in a hundred million at a million. The hash is
    Python's own, keyed anew in each process (unless PYTHONHASHSEED fixes it), so nobody can prepare addresses that
    meet; it costs a tenth of a keyed BLAKE2, which stands in where Python's has only 32 bits.
    """

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        # Inserting moves what lies behind: 20 kB at the most in ten million, where one array would move 80 MB. At the
        # end of each stands the last of all numbers, so that every search ends at one.
        self._shards = list(map(array, repeat("q", _SHARDS), repeat([_LAST])))

    def __len__(self) -> int:
        return sum(map(len, self._shards)) - _SHARDS

    def add(self, text: str) -> bool:
        """Whether a cleaned `text` is new; from now on it is not."""
        number = _number(text.casefold())
        shard = self._shards[number % _SHARDS]
        at = bisect_left(shard, number)
        if shard[at] == number:
            return False
        shard.insert(at, number)
        return True

    def add_all(self, texts: Iterable[str]) -> list[int]:
        """Adds one after the other, as `add` does; gives the places of those that were not new."""
        shards = self._shards
        known = []
        for place, number in enumerate(map(_number, map(str.casefold, texts))):
            shard = shards[number % _SHARDS]
            at = bisect_left(shard, number)
            if shard[at] == number:
                known.append(place)
            else:
                shard.insert(at, number)
        return known


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

    def sizes(self) -> Iterator[int]:
        """How many rows to take next, until it is full: never one that is not wanted."""
        while not self.full:
            yield CHUNK if self._limit is None else min(HALF, self._limit - self._unique)

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
            return self._once(row, value, id_in(id), columns)
        if isinstance(value, Unread):
            return self.reject(row, "invalid", "", str(value))
        text = clean(value)
        if not text:
            return self.reject(row, "blank", value)
        if why := fault(text):
            return self.reject(row, "invalid", value, why)
        return self._once(row, text, text if is_id(text) else id_in(id), columns)

    def admit_all(
        self, row: int, values: Sequence[str], ids: Sequence[str] = (), columns: Sequence[Mapping[str, str]] = ()
    ) -> list[Mailbox | Rejected]:
        """What `admit` makes of each value, the first of which is that of `row`; of ids and columns there are as many
        or none. Values that are addresses as they stand, as nearly all are, are admitted together."""
        if are_addresses(values):
            return self._all_once(row, values, list(map(id_in, ids)), columns)
        if len(values) <= FEW:
            rows = zip(count(row), values, ids or repeat(""), columns or repeat(NOTHING), strict=False)
            return [self.admit(number, value, id=id_, columns=cells) for number, value, id_, cells in rows]
        half = len(values) // 2
        below = self.admit_all(row, values[:half], ids[:half], columns[:half])
        return below + self.admit_all(row + half, values[half:], ids[half:], columns[half:])

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
            new = self._seen.add(id_) and new
        if new:
            self._unique += 1
            return Mailbox(address, row, id_, columns)
        return self._again(row, address)

    def _all_once(
        self, row: int, addresses: Sequence[str], ids: Sequence[str], columns: Sequence[Mapping[str, str]]
    ) -> list[Mailbox | Rejected]:
        known = self._seen.add_all(addresses)
        if any(ids):  # no address is an id, so it makes no difference which of them are added first
            there = [place for place, id_ in enumerate(ids) if id_]
            known += map(there.__getitem__, self._seen.add_all(filter(None, ids)))
        rows = zip(addresses, count(row), ids or repeat(""), columns or repeat(NOTHING), strict=False)
        verdicts: list[Mailbox | Rejected] = list(map(_mailbox, rows))
        again = set(known)
        for place in again:
            verdicts[place] = self._again(row + place, addresses[place])
        self._unique += len(verdicts) - len(again)
        return verdicts

    def _again(self, row: int, address: str) -> Rejected:
        self._duplicates += 1
        return Rejected(row, "duplicate", address, "names a mailbox of an earlier row again")
