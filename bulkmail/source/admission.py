"""Decides what a row of the input becomes: a mailbox, or a rejected row with its reason. Knows no file and no network.

Every source puts its rows through one `Admission`, so that all of them clean, check, fold and count alike.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from typing import Literal

from bulkmail.model import NOTHING, Counts, Mailbox, Rejected
from bulkmail.source.address import are_addresses, clean, fault, id_in, is_address, is_concealed, is_id
from bulkmail.source.admitted import Admitted
from bulkmail.source.chunks import CHUNK, HALF
from bulkmail.source.seen import Seen
from bulkmail.text import one_line

SHOWN = 200
"""Characters of a rejected value that are kept; enough to find it again."""

SEEN = 60
"""Characters that are shown of the other cells of a rejected row."""

FEW = 32
"""Rows that are no longer judged together when one of them is not as most are."""


class Unread(str):
    """What stands in the place of a row that cannot be read: why not, to be read behind the words "this row"."""

    __slots__ = ()


class Comment(str):
    """A line of a text file that starts with `#`."""

    __slots__ = ()


def _nothing_else(_: int) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look in a row beside its first cell: `also` gives the other cells that can name the mailbox, by the
    number of the row. `names` are the columns that are looked at: the first, these, and that of the id. With
    `concealable`, 32 hex digits are a concealed name and not an id, but in the id's own column."""

    names: tuple[str, ...] = ()
    also: Callable[[int], Sequence[str]] = _nothing_else
    concealable: bool = False


PLAIN = Look()


class Admission:
    """Admits each mailbox once and counts every row. With a `limit`, it is `full` after that many mailboxes. `seen` are
    those that were admitted elsewhere."""

    def __init__(self, limit: int | None = None, seen: Seen | None = None) -> None:
        self._limit = limit
        self._seen = Seen() if seen is None else seen
        self._unique = self._duplicates = self._blank = self._invalid = 0
        self.columns: tuple[str, ...] = ()
        """The names of the columns that mailboxes are found by, where the list has names."""

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

    def wanted(self, count: int) -> int:
        """How many of `count` rows to take before asking again: all, unless a limit is near."""
        return count if self._limit is None else min(count, self._limit - self._unique)

    def admit(
        self,
        row: int,
        value: str,
        *,
        id: str = "",  # noqa: A002 - the name of Mailbox.id
        columns: Mapping[str, str] = NOTHING,
        look: Look = PLAIN,
    ) -> Mailbox | Rejected:
        """The mailbox that `value` names, or else another cell of the row, or else its id; or why none does.

        An `id` that is not a GUID is dropped. A mailbox is a duplicate if its address or its id was met before: two
        aliases of one id are one mailbox.
        """
        if isinstance(value, Unread):
            return self.reject(row, "invalid", "", str(value))
        if isinstance(value, Comment):
            return self.reject(row, "blank", value, "is a comment")
        if is_address(value):
            return self._once(row, value, id_in(id), columns)
        also = look.also(row)
        for cell in (value, *also):
            if name := _named(cell, concealable=look.concealable):
                return self._once(row, name, name if is_id(name) else id_in(id), columns)
        if found := id_in(id):
            return self._once(row, found, found, columns)
        return self._nameless(row, (value, *also, id), look.names)

    def admit_all(
        self,
        row: int,
        values: Sequence[str],
        ids: Sequence[str] = (),
        columns: Sequence[Mapping[str, str]] = (),
        look: Look = PLAIN,
    ) -> Sequence[Mailbox | Rejected]:
        """What `admit` makes of each value, the first of which is that of `row`; of ids and columns there are as many
        or none. Values that are addresses as they stand, which nearly all are, are admitted together."""
        if are_addresses(values):
            return self._all_once(row, values, list(map(id_in, ids)), columns)
        if len(values) <= FEW:
            rows = zip(count(row), values, ids or repeat(""), columns or repeat(NOTHING), strict=False)
            return [self.admit(number, value, id=id_, columns=cells, look=look) for number, value, id_, cells in rows]
        half = len(values) // 2
        below = self.admit_all(row, values[:half], ids[:half], columns[:half], look)
        return [*below, *self.admit_all(row + half, values[half:], ids[half:], columns[half:], look)]

    def reject(self, row: int, reason: Literal["blank", "invalid"], value: str, why: str = "") -> Rejected:
        """Counts a row that names no mailbox."""
        if reason == "blank":
            self._blank += 1
        else:
            self._invalid += 1
        return Rejected(row, reason, value[:SHOWN], why)

    def _nameless(self, row: int, cells: Sequence[str], names: Sequence[str]) -> Rejected:
        """Says what was there, and which columns were looked at."""
        filled = [place for place, cell in enumerate(cells) if clean(cell)]
        if not filled:
            return self.reject(row, "blank", cells[0], f"is blank in {_listed(names)}" if names else "is blank")
        place = filled[0]
        why = fault(clean(cells[place]))
        if names:
            looked = [_seen(name, cell) for name, cell in zip(names, cells, strict=False)]
            why += f"; looked at {_listed([names[place], *looked[:place], *looked[place + 1 :]])}"
        return self.reject(row, "invalid", cells[place], why)

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
    ) -> Sequence[Mailbox | Rejected]:
        known = self._seen.add_all(addresses)
        if any(ids):  # no address is an id, so it makes no difference which of them are added first
            there = [place for place, id_ in enumerate(ids) if id_]
            known += map(there.__getitem__, self._seen.add_all(list(filter(None, ids))))
        self._unique += len(addresses) - len(set(known))
        admitted = Admitted(row, addresses, ids, columns)
        if not known:
            return admitted
        verdicts: list[Mailbox | Rejected] = list(admitted)
        for place in set(known):
            verdicts[place] = self._again(row + place, addresses[place])
        return verdicts

    def _again(self, row: int, address: str) -> Rejected:
        self._duplicates += 1
        return Rejected(row, "duplicate", address, "names a mailbox of an earlier row again")


def _named(cell: str, *, concealable: bool) -> str:
    """The address or the id that a cell holds; empty if it is neither."""
    text = clean(cell)
    if is_address(text):
        return text
    return "" if concealable and is_concealed(text) else id_in(text)


def _seen(name: str, cell: str) -> str:
    text = one_line(cell)[:SEEN]
    return f"{name} ({text!r})" if text else f"{name} (blank)"


def _listed(names: Sequence[str]) -> str:
    return one_line(", ".join(names))
