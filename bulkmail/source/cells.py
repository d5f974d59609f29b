"""The cells of a row by the names of their columns; one that cannot be relied on is never handed out.

A byte that does not belong to the file's encoding is read as U+FFFD; an earlier program may have left one as well.
Such a cell, and one whose column is there twice, does no harm as long as nothing asks for it. What asks for it fails,
so that no one is sent half a name. The mark is part of the text, so that it lasts in a spooled input.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bulkmail.errors import InputError

MARK = "\ufffd"
TWICE = f"{MARK} twice"
"""Stands in the place of a cell whose column is there twice."""

SAVE = "save the list as UTF-8 (in Excel: CSV UTF-8), or name its encoding"
HINT = (
    'Save the list as UTF-8 (in Excel: "CSV UTF-8"). If that cannot be, say which encoding it has, such as that of an '
    'Excel in Western Europe: encoding = "cp1252" in [input], or { path = "…", encoding = "cp1252" } for another list.'
)


class Cells(dict[str, str]):
    """A mapping whose look-ups raise InputError for a cell that cannot be relied on.

    `items` and `values` give the texts as they were read, marks included.
    """

    def __getitem__(self, name: str) -> str:
        return trusted(name, super().__getitem__(name))

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default


def trusted(name: str, text: str) -> str:
    """The text of a cell. Raises InputError where it could not be read, or where two columns have its name."""
    if MARK not in text:
        return text
    if text == TWICE:
        raise InputError(
            f"the column {name[:40]!r} is there twice",
            hint="Rename or remove one of the two, so that it is clear which is meant.",
        )
    raise InputError(f"the column {name[:40]!r} holds a character that could not be read: {text[:60]!r}", hint=HINT)


def as_cells(columns: Mapping[str, str]) -> Mapping[str, str]:
    """The same cells, guarded if one of them is marked."""
    return Cells(columns) if marked(columns.values()) else columns


def marked(texts: Iterable[str]) -> bool:
    """Whether one of many texts has the mark: a scan in C."""
    return MARK in "".join(texts)
