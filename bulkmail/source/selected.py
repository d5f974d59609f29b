"""Leaves out of an input what the job does not want, and counts why: exceptions, `where`, `skip`, `sample`, `limit`.

In this order: each looks at what the ones before it have left. A sample is drawn by a keyed hash of the address, so the
same seed draws the same mailboxes however the list is sorted, and a larger sample holds the smaller one.
"""

import heapq
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from bulkmail.core.where import Look, Unclear, Where, cells, unknown
from bulkmail.errors import ConfigError, InputError
from bulkmail.model import NOTHING, Counts, Digest, Mailbox, Rejected, Source
from bulkmail.source.address import clean, is_address, is_id
from bulkmail.source.admission import SHOWN
from bulkmail.source.cells import TWICE, trusted
from bulkmail.source.columns import ADDRESS_NAMES, fold, is_usual
from bulkmail.source.rows import Rows
from bulkmail.source.seen import Seen
from bulkmail.text import likeliest

KNOWN = ("mailbox", "id")
"""Names that every row has, whatever its list calls them."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Selection:
    """What a job wants of its list; 0 and None want all. `excludes` are lists of what it does not want, with their
    columns and with all rows of a mailbox: it is left out by any of its addresses. `column` is the one that the job
    names its mailboxes by: where that is not a usual one, the other addresses of a row are those of another person."""

    where: Where | None = None
    skip: int = 0
    sample: int = 0
    seed: int = 0
    limit: int = 0
    excludes: Sequence[Source] = ()
    column: str = ""

    def __bool__(self) -> bool:
        """Whether it leaves anything out; a limit alone ends the reading of a list, and needs none of this."""
        return bool(self.where or self.skip or self.sample or self.excludes)


class Selected:
    """The mailboxes of `source`, which can be read again, that a selection wants; rejected rows stay. Is a
    `model.Source`.

    Mailboxes carry the cells of their row only if `keep_columns`. Raises InputError for a list of exceptions that is
    not one, and ConfigError for a column that no row has: the latter when all was read.
    """

    replayable = True

    def __init__(self, source: Source, selection: Selection, *, keep_columns: bool = False) -> None:
        self._source = source
        self._selection = selection
        self._keep_columns = keep_columns
        self._size: int | None = None
        self._exceptions = 0
        self.counts = Counts()

    def __repr__(self) -> str:
        return f"<Selected {self.counts} of {self._source!r}>"

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that mailboxes are found by, where the list has names."""
        return getattr(self._source, "columns", ())

    def digest(self) -> Digest | None:
        """Of all of the list, with what is left out of it."""
        return self._source.digest()

    @property
    def excluded_sha256(self) -> str:
        """The digest of the lists of exceptions; empty without any, and before they were read."""
        return ",".join(digest.sha256 for one in self._selection.excludes if (digest := one.digest()))

    def size(self) -> int | None:
        return self._size

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should look at, when all was read: an exception that meets no mailbox may be misspelled."""
        if self._exceptions <= self.counts.excluded:
            return ()
        told = f"input.exclude lists {self._exceptions:,} mailboxes"
        return (f"{told}, and {self.counts.excluded:,} of the input are among them",)

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        self.counts = Counts()
        excluded, self._exceptions = await _listed(self._selection.excludes)
        drawn = await self._drawn(excluded) if self._selection.sample else None
        reading = _Reading(self._selection, excluded, drawn)
        async for chunk in self._source:
            rows = [self._carried(row) for row in map(reading.judged, chunk) if row is not None]
            self.counts = reading.counted(self._source.counts)
            yield rows
        self._require_columns(reading)
        self._size = self.counts.unique

    def _carried(self, row: Mailbox | Rejected) -> Mailbox | Rejected:
        return row if self._keep_columns or isinstance(row, Rejected) else row._replace(columns=NOTHING)

    async def _drawn(self, excluded: Seen) -> Rows:
        """The rows of the sample: those with the smallest numbers among all that could be drawn."""
        most, key = self._selection.sample, _key(self._selection.seed)
        reading, heap = _Reading(self._selection, excluded, None), list[tuple[int, int]]()
        async for chunk in self._source:
            for found in map(reading.before_sample, chunk):
                if isinstance(found, Mailbox):
                    push = heapq.heappush if len(heap) < most else heapq.heappushpop
                    push(heap, (-_number(found, key), -found.row))
        drawn = Rows()
        for _, number in heap:
            drawn.add(-number)
        return drawn

    def _require_columns(self, reading: "_Reading") -> None:
        where = self._selection.where
        if where is None or not reading.mailboxes:
            return
        there = sorted(reading.names)
        if missing := unknown(where, [*KNOWN, *there]):
            near = likeliest(missing[0], there)
            listed = ", ".join([*KNOWN, *there][:_SHOWN])
            raise ConfigError(
                f"input.where names the column {missing[0]!r}; {self.name} has {listed}",
                hint=f"Did you mean {near!r}?" if near else "A text stands between quotes: Department == 'Finance'.",
            )


class _Reading:
    """One reading: judges row by row, and counts."""

    def __init__(self, selection: Selection, excluded: Seen, drawn: Rows | None) -> None:
        self._selection = selection
        self._excluded = excluded
        self._drawn = drawn
        self._is_usual = not selection.column or is_usual(selection.column)
        self._out: dict[str, int] = dict.fromkeys(("excluded", "unmatched", "skipped", "unsampled", "beyond"), 0)
        self._unclear = self._skipped = self._taken = 0
        self.mailboxes = 0
        self.names: set[str] = set()

    def counted(self, counts: Counts) -> Counts:
        """The counts of the list, with what was left out of its mailboxes."""
        return replace(counts, unique=self._taken, invalid=counts.invalid + self._unclear, **self._out)

    def judged(self, row: Mailbox | Rejected) -> Mailbox | Rejected | None:
        """The row, or None where it is left out."""
        found = self.before_sample(row)
        if isinstance(found, Mailbox):
            found = self._drawn_and_within(found)
        if isinstance(found, str):
            self._out[found] += 1
            return None
        self._taken += isinstance(found, Mailbox)
        return found

    def before_sample(self, row: Mailbox | Rejected) -> Mailbox | Rejected | str:
        """The row, or why it is left out."""
        if isinstance(row, Rejected):
            return row
        self.mailboxes += 1
        if self._selection.where is not None:
            self.names.update(row.columns)
        names = _names(row) if self._is_usual else filter(None, (row.address, row.id))
        if any(name in self._excluded for name in names):
            return "excluded"
        if self._selection.where is not None:
            try:
                if not self._selection.where(_look(row)):
                    return "unmatched"
            except (Unclear, InputError) as error:
                self._unclear += 1
                return Rejected(row.row, "invalid", row.address[:SHOWN], f"input.where cannot be asked: {error}")
        if self._skipped < self._selection.skip:
            self._skipped += 1
            return "skipped"
        return row

    def _drawn_and_within(self, row: Mailbox) -> Mailbox | str:
        if self._drawn is not None and row.row not in self._drawn:
            return "unsampled"
        return "beyond" if self._selection.limit and self._taken >= self._selection.limit else row


def _names(row: Mailbox) -> Iterator[str]:
    """All that a row calls its mailbox: the other list may know it by another address. What else stands in such a
    column, such as `none` or a street, may stand in the rows of many mailboxes."""
    yield row.address
    if row.id:
        yield row.id
    yield from (name for name in map(clean, _address_cells(row).values()) if is_address(name) or is_id(name))


def _address_cells(row: Mailbox) -> Mapping[str, str]:
    return {column: cell for column, cell in row.columns.items() if fold(column) in ADDRESS_NAMES}


def _look(row: Mailbox) -> Look:
    return cells(row.columns, {"mailbox": row.address, "id": row.id})


def _key(seed: int) -> bytes:
    """Of a seed that is longer than a key may be, such as a digest: its own digest."""
    digits = str(seed).encode()
    return digits if len(digits) <= blake2b.MAX_KEY_SIZE else blake2b(digits).digest()


def _number(mailbox: Mailbox, key: bytes) -> int:
    return int.from_bytes(blake2b(mailbox.key.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest(), "big")


async def _listed(sources: Sequence[Source]) -> tuple[Seen, int]:
    """All addresses and ids of the mailboxes in lists of exceptions, and how many mailboxes these are.

    Raises InputError for a row that is not a mailbox, or has an address that cannot be relied on: what it was meant to
    leave out is not known.
    """
    found, mailboxes = Seen(), 0
    for source in sources:
        async for chunk in source:
            for row in chunk:
                if isinstance(row, Mailbox):
                    _require_trusted(row, source.name)
                    names = [*_names(row)]
                    mailboxes += not any(name in found for name in names)
                    found.add_all(names)
                elif row.reason == "invalid":
                    raise InputError(
                        f"{source.name}: row {row.row} {row.why}",
                        hint="Correct it: what it was meant to leave out would be worked on.",
                    )
    return found, mailboxes


def _require_trusted(row: Mailbox, name: str) -> None:
    try:
        for column, cell in _address_cells(row).items():
            if "@" in cell or cell == TWICE:  # else it is a name or a street
                trusted(column, cell)
    except InputError as error:
        raise InputError(f"{name}: row {row.row}: {error}", hint=error.hint) from None
