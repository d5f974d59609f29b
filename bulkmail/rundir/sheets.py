"""Reads the rows of a file of rows, JSON or CSV, from its lines: each with the place where it begins. Knows no file."""

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeAlias

import orjson

from bulkmail.model import Row
from bulkmail.sink import unescape

PlacedRow: TypeAlias = tuple[int, Row]


class Sheet(Protocol):
    """Makes rows of whole lines, the first of which begins at `place`. Raises ValueError, TypeError and csv.Error for
    what bulkmail does not write."""

    def __call__(self, lines: Iterable[bytes], /, place: int) -> Iterator[PlacedRow]: ...


def json_sheet(lines: Iterable[bytes], /, place: int) -> Iterator[PlacedRow]:
    """A row a line."""
    for line in lines:
        row = orjson.loads(line)
        if not isinstance(row, dict):
            raise TypeError("a row is not an object")
        yield place, row
        place += len(line)


def csv_sheet(heading: Iterable[bytes], *, delimiter: str, raw: bool) -> Sheet:
    """For a file with this heading, lines that are taken up to its end. All cells are texts, a row may take several
    lines, and the mark of formulas goes unless the file is `raw`."""
    plain: Callable[[str], str] = str if raw else unescape
    texts = (line.decode("utf-8", "replace").removeprefix("\ufeff") for line in heading)
    names = [plain(name) for name in next(csv.reader(texts, strict=True, delimiter=delimiter), [])]

    def rows(lines: Iterable[bytes], /, place: int) -> Iterator[PlacedRow]:
        end = place

        def taken() -> Iterator[str]:
            nonlocal end
            for line in lines:
                end += len(line)
                yield line.decode("utf-8", "replace")

        for cells in csv.reader(taken(), strict=True, delimiter=delimiter):
            yield place, dict(zip(names, map(plain, cells), strict=True))
            place = end

    return rows
