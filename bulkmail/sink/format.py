"""Turns rows into the bytes of whole lines: NDJSON for machines, CSV for people. Pure; knows no file.

No value ends a run. What a terminal, a spreadsheet or an editor acts on instead of showing it is in neither: controls
except TAB, LF and CR, line and paragraph separators, and what turns the direction of a text. NDJSON keeps all there is,
and writes these as `\\u202e`; CSV, which has no such form, has U+FFFD in their place.
"""

import csv
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import orjson

from bulkmail.model import Row
from bulkmail.sink.formula import escape, suspect_behind
from bulkmail.sink.plain import plain, text

_ACTS = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f{_ACTS}]")
_UNESCAPED = re.compile(f"[{_ACTS}]")  # those of them that orjson writes as they are
_PLAIN, _RISKY, _ACTING, _BETWEEN = range(4)
"""Kinds of bytes in a line of CSV: those of a plain text, of a formula where a cell begins with them, those that make a
cell be written otherwise wherever they stand, and the delimiter."""

_RISKY_CELL = bytes((_BETWEEN, _RISKY))

_END = "\r\n"
_ENDING = _END.encode()
_TEXTS, _LONGEST = 1024, 4096
"""Texts of which the written form is remembered, and the characters of one at the most: 8 MB if all are so long."""

_DEL = 0x7F
_WHOLE = orjson.OPT_APPEND_NEWLINE
_NUMBERS = (int, float)


class Format(Protocol):
    """How rows are written. `header` comes once, at the start of the file; `encode` gives whole lines."""

    @property
    def suffix(self) -> str: ...

    @property
    def header(self) -> bytes: ...

    def encode(self, rows: Sequence[Row], /) -> bytes: ...


def json_line(row: Row) -> bytes:
    """A line of NDJSON."""
    try:
        line = orjson.dumps(row, plain, _WHOLE)
    except orjson.JSONEncodeError:  # a lone surrogate, a great integer, a key that is not a text, too deep
        line = orjson.dumps(plain(row), option=_WHOLE)
    return line if line.isascii() and _DEL not in line else _UNESCAPED.sub(_escaped, line.decode()).encode()


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


class Ndjson:
    """One JSON object a line, in UTF-8. What JSON cannot hold is written as `plain` says."""

    suffix = ".ndjson"
    header = b""

    def encode(self, rows: Sequence[Row], /) -> bytes:
        return json_line(rows[0]) if len(rows) == 1 else b"".join(map(json_line, rows))


class Csv:
    """RFC 4180 in UTF-8, with a heading. The cells of `columns`, in order: empty where a row has none, and no others.

    Booleans are `true` and `false`, numbers stay numbers, other values are written as `plain.text` says. Texts that a
    spreadsheet would run are escaped (see `formula`); `raw` leaves them. `bom` lets Excel see that it is UTF-8. An
    Excel of a country with decimal commas wants a `delimiter` of `;` and a `decimal_comma`: 1.5 would be a date. With
    `quote_all` every cell is in quotes, where blanks in front of a text must last. `stray` is told of each name in a
    row that is not one of the columns, once.
    """

    suffix = ".csv"

    def __init__(
        self,
        columns: Sequence[str],
        *,
        raw: bool = False,
        bom: bool = False,
        delimiter: str = ",",
        decimal_comma: bool = False,
        quote_all: bool = False,
        stray: Callable[[str], None] | None = None,
    ) -> None:
        self._columns = [*columns]
        self._known = frozenset(columns)
        self._stray = stray
        self._strays: set[str] = set()
        self._delimiter = delimiter
        # Delimiters of an ordinary line. A line of one cell is not one: where that is empty, so would be the line.
        self._delimiters = -1 if quote_all or len(self._columns) < 2 else len(self._columns) - 1
        self._kinds = _kinds_of_bytes(delimiter)
        self._suspect = suspect_behind(delimiter)
        self._cell: Callable[[object], str] = _cell_with_comma if decimal_comma else _cell
        self._others: set[int] = set()  # places where something else than a text has stood, and will again
        self._guard: Callable[[str], str] = str if raw else escape
        self._bom = b"\xef\xbb\xbf" if bom else b""
        writer = csv.writer(
            _Echo(), delimiter=delimiter, lineterminator=_END,
            quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        )  # fmt: skip
        self._quoted: Callable[[Sequence[object]], str] = writer.writerow
        self._behind = len(self._quoted(["x", ""])) - len("x") - 2 * quote_all  # characters that follow a first cell
        self._texts = _Texts(self._written)

    @property
    def header(self) -> bytes:
        return self._bom + _bytes(self._quoted([self._guard(name) for name in self._columns]))

    def encode(self, rows: Sequence[Row], /) -> bytes:
        return self._encode(rows[0]) if len(rows) == 1 else b"".join(map(self._encode, rows))

    def _encode(self, row: Row) -> bytes:
        cells: list[Any] = [*row.values()] if [*row] == self._columns else self._chosen(row)
        shown = self._cell
        for place in self._others:
            cells[place] = shown(cells[place])
        try:
            line = self._delimiter.join(cells)
            block = line.encode()
        except TypeError:
            self._others.update(place for place, cell in enumerate(cells) if not isinstance(cell, str))
            return self._encode(row)
        except UnicodeEncodeError:  # a lone surrogate
            return self._encode_cells(row, cells)
        kinds = block.translate(self._kinds)
        ordinary = kinds.count(_BETWEEN) == self._delimiters and _ACTING not in kinds  # nearly always
        if ordinary and ((kinds.find(_RISKY_CELL) < 0 and kinds[0] != _RISKY) or not self._has_suspects(line)):
            return block + _ENDING
        return self._encode_cells(row, cells)

    def _has_suspects(self, line: str) -> bool:
        return self._suspect(f"{self._delimiter}{line}") is not None

    def _chosen(self, row: Row) -> list[Any]:
        if self._stray is not None and not row.keys() <= self._known:
            for name in row.keys() - self._known - self._strays:
                self._strays.add(name)
                self._stray(name)
        return [*map(row.get, self._columns)]

    def _encode_cells(self, row: Row, cells: Sequence[str]) -> bytes:
        """A row cell by cell; a number is not a formula."""
        if len(cells) < 2:  # alone, an empty cell is in quotes
            cells = [cell if isinstance(row.get(self._columns[0]), _NUMBERS) else self._guard(cell) for cell in cells]
            return _bytes(self._quoted(cells))
        shown = [*map(self._texts.__getitem__, cells)]
        for place in self._others:
            if shown[place] != cells[place] and isinstance(row.get(self._columns[place]), _NUMBERS):
                shown[place] = self._written(cells[place], str)
        return f"{self._delimiter.join(shown)}{_END}".encode("utf-8", "backslashreplace")

    def _written(self, cell: str, guard: Callable[[str], str] | None = None) -> str:
        """A cell as it stands in a line of several."""
        quoted = self._quoted([(guard or self._guard)(cell), ""])
        return _CONTROL.sub("\ufffd", quoted[: -self._behind])


class OfPart:
    """The rows of one part alone, by their column `part`."""

    def __init__(self, part: str, inner: Format) -> None:
        self._part = part
        self._inner = inner
        self.suffix = inner.suffix
        self.header = inner.header

    def encode(self, rows: Sequence[Row], /) -> bytes:
        own = [row for row in rows if row.get("part") == self._part]
        return self._inner.encode(own) if own else b""


class _Texts(dict[str, str]):
    """What becomes of a text in a cell, remembered: replies of many lines are often those of a whole department."""

    def __init__(self, written: Callable[[str], str]) -> None:
        super().__init__()
        self._written = written

    def __missing__(self, text: str) -> str:
        written = self._written(text)
        if len(text) <= _LONGEST:
            if len(self) >= _TEXTS:
                self.clear()
            self[text] = written
        return written


def _cell(value: Any) -> str:
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is list:
        return _joined(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, _NUMBERS) else text(value)


def _joined(values: list[Any]) -> str:
    try:
        return "; ".join(values)  # nearly every list is one of texts
    except TypeError:
        return text(values)


def _cell_with_comma(value: object) -> str:
    return _cell(value).replace(".", ",") if isinstance(value, float) else _cell(value)


def _kinds_of_bytes(delimiter: str) -> bytes:
    """The kind of each byte of UTF-8, for `translate`. Beyond ASCII any byte may begin a character that is risky, and
    0xC2 and 0xE2 begin the controls."""
    risky = suspect_behind(delimiter)
    kinds = bytearray(_RISKY if byte >= 0x80 or risky(f"{delimiter}{byte:c}") else _PLAIN for byte in range(256))
    for byte in (*range(0x20), *b'"\x7f\xc2\xe2'):
        kinds[byte] = _ACTING
    kinds[ord(delimiter)] = _BETWEEN
    return bytes(kinds)


class _Echo:
    """What is written to this file is what the csv writer's `writerow` returns."""

    write = str


def _bytes(line: str) -> bytes:
    return _CONTROL.sub("\ufffd", line).encode("utf-8", "backslashreplace")
