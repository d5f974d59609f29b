"""Mailboxes that are admitted together, each made when it is asked for: a survey counts a million and wants none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import overload

from bulkmail.model import NOTHING, Mailbox

# Makes a mailbox of a tuple of all its fields: in C, which Mailbox and its _make are not.
_new: Callable[[type[Mailbox], tuple[str, int, str, Mapping[str, str]]], Mailbox] = tuple.__new__


class Admitted(Sequence[Mailbox]):
    """The mailboxes of rows that follow each other, the first of which is `row`. Of ids and columns there are as many
    as of addresses, or none. To be gone through; for a single one, all are made."""

    __slots__ = ("_addresses", "_columns", "_ids", "_row")

    def __init__(
        self, row: int, addresses: Sequence[str], ids: Sequence[str] = (), columns: Sequence[Mapping[str, str]] = ()
    ) -> None:
        self._row = row
        self._addresses = addresses
        self._ids = ids
        self._columns = columns

    def __repr__(self) -> str:
        return f"<Admitted {len(self)} from row {self._row}>"

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[Mailbox]:
        ids, columns = self._ids or repeat(""), self._columns or repeat(NOTHING)
        return map(_new, repeat(Mailbox), zip(self._addresses, count(self._row), ids, columns, strict=False))

    @overload
    def __getitem__(self, place: int) -> Mailbox: ...
    @overload
    def __getitem__(self, place: slice) -> list[Mailbox]: ...
    def __getitem__(self, place: int | slice) -> Mailbox | list[Mailbox]:
        return list(self)[place]
