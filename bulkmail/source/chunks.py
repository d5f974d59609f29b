"""Takes an input in chunks, so that what is done with its rows can be done with many at once. Knows no row."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NoReturn, TypeAlias, TypeVar

T = TypeVar("T")

CHUNK = 512
"""Rows handed over at once: enough that the way to a thread and back costs 0.2 µs a row."""

HALF = CHUNK // 2
"""Rows taken at once where there is a limit. Few are taken near it, so they are put together until there are more than
these; then there are still no more than a chunk."""

Mend: TypeAlias = Callable[[csv.Error, Sequence[T]], T]
"""What stands in the place of an item that cannot be read; it is told the error, and what is above it in the chunk."""


def chunks(items: Iterator[T], sizes: Iterable[int], mend: Mend[T]) -> Iterator[Sequence[T]]:
    """The items, as many at a time as `sizes` says, until there are fewer. An error that is not mended comes behind
    the items that came before it."""
    for size in sizes:
        chunk: list[T] = []
        try:
            _fill(chunk, items, size, mend)
        except Exception:
            if chunk:
                yield chunk
            raise
        if chunk:
            yield chunk
        if len(chunk) < size:
            return


def _fill(chunk: list[T], items: Iterator[T], size: int, mend: Mend[T]) -> None:
    while True:
        try:
            chunk.extend(islice(items, size - len(chunk)))  # what comes before an error stays
        except csv.Error as error:
            chunk.append(mend(error, chunk))
        else:
            return


def fatal(error: csv.Error, _: object) -> NoReturn:
    """Mends nothing."""
    raise error
