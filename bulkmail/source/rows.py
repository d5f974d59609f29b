"""A set of row numbers at a bit each: what is done of ten million rows takes little more than a megabyte."""

from collections.abc import Iterable


class Rows:
    """Add rows, ask for them. A row is a number from 0."""

    __slots__ = ("_bits", "_count")

    def __init__(self) -> None:
        self._bits = bytearray()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, row: int) -> bool:
        place = row >> 3
        return place < len(self._bits) and bool(self._bits[place] & 1 << (row & 7))

    def __repr__(self) -> str:
        return f"<Rows {self._count}>"

    def without(self, others: Iterable[int]) -> "Rows":
        """A copy in which `others` are not."""
        copy = Rows()
        copy._bits, copy._count = bytearray(self._bits), self._count
        for row in others:
            if row in copy:
                copy._bits[row >> 3] ^= 1 << (row & 7)
                copy._count -= 1
        return copy

    def add(self, row: int) -> bool:
        """Whether it is new."""
        if row in self:
            return False
        place = row >> 3
        if place >= len(self._bits):
            self._bits.extend(bytes(max(place + 1 - len(self._bits), len(self._bits))))
        self._bits[place] |= 1 << (row & 7)
        self._count += 1
        return True
