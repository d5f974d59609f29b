"""What of a row is compared, and how: its key, a digest of its cells, and the cells in which two rows differ. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from bulkmail.model import Mailbox, Row
from bulkmail.sink.plain import text

MAILBOX = "mailbox"
"""The column that nearly every report has and that tells nothing here: rows are compared by mailbox."""


class Cell(NamedTuple):
    """A column with its values before and after; None where there was none."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Form:
    """`keys` tell the rows of a mailbox apart; without them a row is only the same as another or not. `ignored` columns
    are not compared. `as_texts` compares values as a CSV shows them, where one of the runs wrote nothing else."""

    keys: tuple[str, ...] | None
    ignored: frozenset[str]
    as_texts: bool = False

    def key_and_digest(self, row: Row, mailbox: Mailbox) -> tuple[bytes, bytes]:
        """Of a row of this mailbox; alike for rows that are the same."""
        cells = {**row}
        for name in self._left_out:
            cells.pop(name, None)
        if self.as_texts:
            cells = {name: cell for name, value in cells.items() if (cell := text(value))}
        digest = blake2b(_packed(cells, mailbox), digest_size=16).digest()
        if self.keys is None:
            return digest, digest
        shown: Callable[[Any], Any] = text if self.as_texts else _itself
        return _packed([shown(row.get(name)) for name in self.keys], mailbox) if self.keys else b"", digest

    def key(self, row: Row) -> Row:
        """The key columns that a row has, with their values."""
        return {name: row[name] for name in self.keys or () if name in row}

    def differing(self, before: Row, after: Row, mailbox: str) -> tuple[Cell, ...]:
        """In the order of their columns. `mailbox` is the key of theirs."""
        shown: Callable[[Any], Any] = text if self.as_texts else _itself
        cells = (Cell(at, before.get(at), after.get(at)) for at in {**before, **after} if at not in self._left_out)
        return tuple(one for one in cells if not _alike(shown(one.before), shown(one.after), mailbox))

    def filled(self, row: Row) -> list[str]:
        """The columns of a row that hold anything, and are neither keys nor left out."""
        left_out = {*self._left_out, *(self.keys or ())}
        return [name for name, value in row.items() if name not in left_out and value not in (None, "", [], {})]

    @property
    def _left_out(self) -> frozenset[str]:
        return self.ignored | {MAILBOX}


def _packed(value: Any, mailbox: Mailbox) -> bytes:
    """Its JSON; a list may spell the address of a mailbox in another way, which makes no difference."""
    packed = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if mailbox.address == mailbox.key:
        return packed
    return packed.replace(orjson.dumps(mailbox.address), orjson.dumps(mailbox.key))


def _alike(one: Any, other: Any, mailbox: str) -> bool:
    return one == other or (str(one).casefold() == str(other).casefold() == mailbox)


def _itself(value: Any) -> Any:
    return value
