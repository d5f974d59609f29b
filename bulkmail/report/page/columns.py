"""What stands in the columns of a report: the most frequent values of each, or how its numbers are spread.

Rows are seen once, in any number. Of a column at most KINDS different values are told apart, and of numbers a fair
sample is kept. A column of long texts is one of people's own words: of it only is told how often it is filled.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, NamedTuple, TypeAlias

from bulkmail.model import Row
from bulkmail.sink.plain import text

KINDS = 1000
"""Different values of a column that are told apart."""

TOP = 8
"""Values that are shown of them."""

LONG, WORDY = 60, 7
"""Characters and words beyond which a text is one of people's own, and not a value of a setting."""

SAMPLE = 10_000
"""Numbers kept of a column, each as likely as any other."""

GREATEST = 1e15
"""A greater number is a name for something, and no quantity."""

MOST = 60
"""Columns that are looked at; a task in a file of its own may have any number."""

Kind: TypeAlias = Literal["values", "numbers", "texts", "many", "same", "empty"]


class Value(NamedTuple):
    """A value, and in how many rows it stands."""

    shown: str
    rows: int


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report. `filled` are the rows in which it holds anything. Of `values` there are `others` besides,
    in so many rows. `distinct` is how many different ones there are, KINDS where there are more. `numbers` are those of
    a sample, in their order."""

    name: str
    meaning: str
    kind: Kind
    rows: int
    filled: int
    distinct: int
    values: tuple[Value, ...] = ()
    others: int = 0
    numbers: tuple[float, ...] = ()


class Columns:
    """Adds up rows; `meanings` are those of columns that are declared."""

    def __init__(self, meanings: Mapping[str, str] | None = None, leave_out: Sequence[str] = ()) -> None:
        self._meanings = meanings or {}
        self._left_out = frozenset(leave_out)
        self._found: dict[str, _Tally] = {}
        self.rows = 0

    def add(self, row: Row) -> None:
        self.rows += 1
        found = self._found
        for name, value in row.items():
            tally = found.get(name)
            if tally is None:
                if name in self._left_out or len(found) >= MOST:
                    continue
                tally = found[name] = _Tally()
            tally.add(value)

    def columns(self) -> Iterator[Column]:
        """In the order in which they are declared, then as they came."""
        names = dict.fromkeys(name for name in (*self._meanings, *self._found) if name in self._found)
        return (self._found[name].column(name, self._meanings.get(name, ""), self.rows) for name in names)


def _is_own_words(value: str) -> bool:
    return len(value) > LONG or value.count(" ") >= WORDY or "\n" in value


class _Tally:
    """One column while rows are added."""

    __slots__ = ("_filled", "_full", "_long", "_numbers", "_random", "_seen", "_values")

    def __init__(self) -> None:
        self._filled = 0
        self._values: dict[Any, int] = {}
        self._full = self._long = False
        self._numbers: list[float] = []
        self._seen = 0
        self._random = Random(0)  # noqa: S311 - the sample has to be fair, and no secret

    def add(self, value: Any) -> None:
        kind = type(value)
        if value in (None, "", []):
            return
        self._filled += 1
        if (kind is int or kind is float) and abs(value) <= GREATEST:
            self._sample(value)
        if kind is not str and kind is not int and kind is not bool and kind is not float:
            value = text(value)
        if value in self._values:
            self._values[value] += 1
        elif len(self._values) < KINDS:
            self._values[value] = 1
            self._long = self._long or (isinstance(value, str) and _is_own_words(value))
        else:
            self._full = True

    def _sample(self, number: float) -> None:
        self._seen += 1
        if len(self._numbers) < SAMPLE:
            self._numbers.append(number)
        elif (place := self._random.randrange(self._seen)) < SAMPLE:
            self._numbers[place] = number

    def column(self, name: str, meaning: str, rows: int) -> Column:
        kind, distinct = self._kind(), len(self._values)
        if kind == "numbers":
            return Column(name, meaning, kind, rows, self._filled, distinct, numbers=tuple(sorted(self._numbers)))
        if kind not in ("values", "same"):
            return Column(name, meaning, kind, rows, self._filled, distinct)
        top = [Value(text(value), number) for value, number in Counter(self._values).most_common(TOP)]
        others = self._filled - sum(value.rows for value in top)
        return Column(name, meaning, kind, rows, self._filled, distinct, tuple(top), others)

    def _kind(self) -> Kind:
        distinct = len(self._values)
        if not self._filled:
            return "empty"
        if self._long:
            return "texts"
        if self._seen == self._filled and distinct > TOP:
            return "numbers"
        if self._full or distinct > max(TOP, self._filled // 2):
            return "many"
        return "same" if distinct == 1 and self._filled > 1 else "values"
