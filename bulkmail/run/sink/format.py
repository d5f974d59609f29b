"""Turns rows into the bytes of whole lines: NDJSON for machines, CSV for people. Pure; knows no file.

No value ends a run. NDJSON keeps all there is. CSV keeps what a cell can show: control characters except TAB, LF and CR
become U+FFFD, since a terminal or a spreadsheet would act on them.
"""

import csv
import io
import math
import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import orjson

from bulkmail.model import Row
from bulkmail.run.sink.formula import escape
from bulkmail.run.sink.plain import plain, text

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HARMLESS = frozenset(string.ascii_letters + string.digits) | {""}
_AS_IT_IS = frozenset({int, type(None)})  # numbers are no formulas, whatever their sign; csv leaves None empty
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

    @property
    def header(self) -> bytes:
        return self._bom + _lines([[self._guard(name) for name in self._columns]])

    def encode(self, rows: Sequence[Row], /) -> bytes:
        cell, columns = self._cell, self._columns
        # Nearly all texts begin with a letter or a digit: these go without a call.
        return _lines(
            [
                value if type(value) in _AS_IT_IS or (type(value) is str and value[:1] in _HARMLESS) else cell(value)
                for value in map(row.get, columns)
            ]
            for row in rows
        )

    def _cell(self, value: object) -> object:
        if isinstance(value, bool):
            return _BOOLEANS[value]
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return self._guard(value if isinstance(value, str) else _joined(value))


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


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    page = io.StringIO(newline="")
    csv.writer(page, lineterminator="\r\n").writerows(rows)
    return _CONTROL.sub("\ufffd", page.getvalue()).encode("utf-8", "backslashreplace")
