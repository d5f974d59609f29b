"""A set of addresses without case that knows only their 64-bit hashes, so that ten million take some 100 MB.

Two different addresses that share a hash would be taken for one. The odds that this happens at all among n addresses
are n²/2⁶⁵: three in a million at ten million, three in a hundred million at a million. The hash is Python's own, keyed
anew in each process (unless PYTHONHASHSEED fixes it), so addresses that meet cannot be prepared; it costs a tenth of a
keyed BLAKE2, which stands in where Python's has only 32 bits.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from hashlib import blake2b
from itertools import repeat
from secrets import token_bytes

QUICK = 1 << 17
"""Addresses that are kept in a set: more than nearly all lists have, at 80 bytes each, and half of the time."""

_SHARDS = 4096
_LAST = (1 << 63) - 1
_KEY = token_bytes(16)


def _blake(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_KEY).digest()
    return int.from_bytes(digest, "little", signed=True)


_number = hash if sys.hash_info.width == 64 else _blake


class Sorted:
    """A set of signed 64-bit numbers at about nine bytes each, in arrays that are kept in order."""

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        # Inserting moves what lies behind: 20 kB at the most in ten million, where one array would move 80 MB. At the
        # end of each stands the last of all numbers, so that every search ends at one.
        self._shards = list(map(array, repeat("q", _SHARDS), repeat([_LAST])))

    def __len__(self) -> int:
        return sum(map(len, self._shards)) - _SHARDS

    def __contains__(self, number: int) -> bool:
        shard = self._shards[number % _SHARDS]
        return shard[bisect_left(shard, number)] == number

    def add(self, number: int) -> bool:
        """Whether it is new; from now on it is not."""
        shard = self._shards[number % _SHARDS]
        at = bisect_left(shard, number)
        if shard[at] == number:
            return False
        shard.insert(at, number)
        return True


class Seen:
    """The addresses met so far. The first so many are in a set, and those that come later `Sorted`."""

    __slots__ = ("_later", "_quick", "_room")

    def __init__(self, room: int = QUICK) -> None:
        self._quick = set[int]()
        self._room = room
        self._later: Sorted | None = None

    def __len__(self) -> int:
        return len(self._quick) + (len(self._later) if self._later else 0)

    def __contains__(self, text: str) -> bool:
        number = _number(text.casefold())
        return number in self._quick or (self._later is not None and number in self._later)

    def add(self, text: str) -> bool:
        """Whether a cleaned `text` is new; from now on it is not."""
        return self._add(_number(text.casefold()))

    def add_all(self, texts: Sequence[str]) -> list[int]:
        """Adds one after the other, as `add` does; gives the places of those that were not new."""
        text = "".join(texts)
        numbers = list(map(_number, texts if text == text.casefold() else map(str.casefold, texts)))
        new = set(numbers)
        if len(new) == len(numbers) and len(self._quick) + len(new) <= self._room and new.isdisjoint(self._quick):
            self._quick |= new  # while there is room in it, there are no others
            return []
        add = self._add if self._later is None else self._later.add
        return [place for place, number in enumerate(numbers) if number in self._quick or not add(number)]

    def _add(self, number: int) -> bool:
        if number in self._quick:
            return False
        if len(self._quick) < self._room:
            self._quick.add(number)
            return True
        if self._later is None:
            self._later = Sorted()
        return self._later.add(number)


class Forgotten(Seen):
    """For a list in which each row of a mailbox is wanted: none has been met before."""

    __slots__ = ()

    def add(self, text: str) -> bool:
        del text
        return True

    def add_all(self, texts: Sequence[str]) -> list[int]:
        del texts
        return []
