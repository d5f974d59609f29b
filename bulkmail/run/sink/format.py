"""Turns rows into the bytes of whole lines: NDJSON for machines, CSV for people. Pure; knows no file.

No value ends a run. NDJSON keeps all there is. CSV keeps what a cell can show: control characters except TAB, LF and CR
become U+FFFD, since a terminal or a spreadsheet would act on them.
"""

import csv
import math
import re
import string
from collections.abc import Callable, Sequence
from itertools import compress, count, repeat
from operator import is_not, itemgetter
from typing import Any, Protocol

import orjson

from bulkmail.model import Row
from bulkmail.run.sink.formula import escape
from bulkmail.run.sink.plain import plain, text

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HARMLESS = frozenset(string.ascii_letters + string.digits) | {""}
_first = itemgetter(slice(0, 1))
_BOOLEANS = ("false", "true")


class Format(Protocol):
    """How rows are written. `header` comes once, at the start of the file; `encode` gives whole lines."""

    @property
    def suffix(self) -> str: ...

    @property
    def header(self) -> bytes: ...

    def encode(self, rows: Sequence[Row], /) -> bytes: ...


class Ndjson:
    """One JSON object a line, in UTF-8. What JSON cannot hold is written as `plain` says."""

    suffix = ".ndjson"
    header = b""

    def encode(self, rows: Sequence[Row], /) -> bytes:
        return b"".join(map(_line, rows))


class Csv:
    """RFC 4180 in UTF-8, with a heading. The cells of `columns`, in order: empty where a row has none, and no others.

    Booleans are `true` and `false`, numbers stay numbers, other values are written as `plain.text` says. Texts that a
    spreadsheet would run are escaped (see `formula`); `raw` leaves them. `bom` lets Excel see that it is UTF-8.
    """

    suffix = ".csv"

    def __init__(self, columns: Sequence[str], *, raw: bool = False, bom: bool = False) -> None:
        self._columns = tuple(columns)
        self._guard: Callable[[str], str] = str if raw else escape
        self._bom = b"\xef\xbb\xbf" if bom else b""
        self._quoted: Callable[[Sequence[object]], str] = csv.writer(_Echo(), lineterminator="\r\n").writerow

    @property
    def header(self) -> bytes:
        return self._bom + _bytes(self._quoted([self._guard(name) for name in self._columns]))

    def encode(self, rows: Sequence[Row], /) -> bytes:
        return b"".join([self._encode(row) for row in rows])

    def _encode(self, row: Row) -> bytes:
        cells: list[Any] = list(map(row.get, self._columns))
        for place in compress(count(), map(is_not, map(type, cells), repeat(str))):  # the few that are no texts
            cells[place] = _cell(cells[place])
        line = ",".join(cells)
        # Nothing that could be a formula, nothing to quote and nothing to replace: nearly every line.
        if (
            _HARMLESS.issuperset(map(_first, cells))
            and line.isprintable() and '"' not in line and line.count(",") == len(cells) - 1 and line
        ):  # fmt: skip
            return f"{line}\r\n".encode()
        safe = [
            cell if isinstance(row.get(name), int | float) else self._guard(cell)  # a number is none, whatever its sign
            for name, cell in zip(self._columns, cells, strict=True)
        ]
        return _bytes(self._quoted(safe))


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return _BOOLEANS[value]
    if isinstance(value, int | float | str):
        return str(value)
    return _joined(value)


def _joined(value: object) -> str:
    if type(value) is list:
        try:
            return "; ".join(value)  # nearly every list is one of texts
        except TypeError:
            return text(value)
    return text(value)


def _line(row: Row) -> bytes:
    try:
        return orjson.dumps(row, default=plain, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a lone surrogate, a great integer, a key that is no text, too deep
        return orjson.dumps(plain(row), option=orjson.OPT_APPEND_NEWLINE)


class _Echo:
    """What is written to this file is what the csv writer's `writerow` returns."""

    write = str


def _bytes(line: str) -> bytes:
    return _CONTROL.sub("\ufffd", line).encode("utf-8", "backslashreplace")
