"""Turns rows into the bytes of whole lines: NDJSON for machines, CSV for people. Pure; knows no file.

No value ends a run. NDJSON keeps all there is. CSV keeps what a cell can show: control characters except TAB, LF and CR
become U+FFFD, since a terminal or a spreadsheet would act on them.
"""

import csv
import math
import re
import string
from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from bulkmail.model import Row
from bulkmail.run.sink.formula import escape
from bulkmail.run.sink.plain import plain, text

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HARMLESS = frozenset(string.ascii_letters + string.digits) | {""}
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
        cell = self._cell
        # Nearly all texts begin with a letter or a digit: these go without a call.
        cells = [
            value if type(value) is str and value[:1] in _HARMLESS else cell(value)
            for value in map(row.get, self._columns)
        ]
        line = ",".join(cells)
        if line and line.isprintable() and '"' not in line and line.count(",") == len(cells) - 1:
            return f"{line}\r\n".encode()  # nothing to quote and nothing to replace: nearly every line
        return _bytes(self._quoted(cells))

    def _cell(self, value: object) -> str:
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return ""
        if isinstance(value, bool):
            return _BOOLEANS[value]
        if isinstance(value, int | float):  # no formula, whatever its sign
            return str(value)
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


class _Echo:
    """What is written to this file is what the csv writer's `writerow` returns."""

    write = str


def _bytes(line: str) -> bytes:
    return _CONTROL.sub("\ufffd", line).encode("utf-8", "backslashreplace")
