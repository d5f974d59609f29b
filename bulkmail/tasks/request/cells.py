"""Puts the cells of a mailbox's row into a path, a query option and a body. No cell can change what is asked for.

A cell in a path is one segment of it. Between apostrophes it is a text of OData, and its own apostrophes are doubled;
between quotation marks it cannot end them. Elsewhere in a query option it is a number, a date or a name, unless it is
all of the option. In a body it is a text, put there after the body was read as JSON.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bulkmail.core.odata import check_path, query, segment
from bulkmail.errors import InputError
from bulkmail.model import NOTHING, Mailbox
from bulkmail.tasks.kit.template import checked, fill, has_holes, plugged

_MARKS = re.compile("(['\"])")
_PLAIN = re.compile(r"[0-9A-Za-z_.:@+-]*")
_WHOLE = re.compile(r"\s*\{[^{}]+\}\s*")
_BARE = ""
"""Outside of any marks."""


def check_path_template(text: str) -> None:
    """Raises ValueError for a path that could not be sent, whatever the cells are."""
    if "?" in text:
        raise ValueError("holds a question mark; query options go into params")
    check_path(_put(text, "'", lambda part, _: plugged(checked(part), "x")))


def check_option_template(text: str) -> None:
    """The same for the value of a query option."""
    _put(text, "'\"", lambda part, _: checked(part))


def path(template: str, mailbox: Mailbox, params: Mapping[str, str | int] = NOTHING) -> str:
    """The path of a request with its query options. Raises InputError for a cell that cannot stand in it."""
    try:
        filled = _put(template, "'", lambda part, mark: fill(part, mailbox, _text_in_path if mark else _segment))
        check_path(filled)
        return query(filled, {name: _option(value, mailbox) for name, value in params.items()})
    except ValueError as error:  # such as a cell that is not Unicode
        said = "it is not Unicode" if isinstance(error, UnicodeError) else error
        raise InputError(f"row {mailbox.row}: its cells make a path that cannot be sent: {said}") from None


def body(value: Any, mailbox: Mailbox) -> Any:
    """A body of JSON, its texts filled in; names of members stay as they are."""
    if isinstance(value, str):
        return fill(value, mailbox)
    if isinstance(value, dict):
        return {name: body(one, mailbox) for name, one in value.items()}
    return [body(one, mailbox) for one in value] if isinstance(value, list) else value


def texts(value: Any) -> Iterator[str]:
    """All texts of a body that may hold a column."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from texts(one)


def _option(value: str | int, mailbox: Mailbox) -> str | int:
    if isinstance(value, int) or not has_holes(value):
        return value
    if _WHOLE.fullmatch(value):
        return fill(value.strip(), mailbox)
    writers = {_BARE: _plain, "'": _text, '"': _quoted}
    return _put(value, "'\"", lambda part, mark: fill(part, mailbox, writers[mark]))


def _put(template: str, marks: str, write: Callable[[str, str], str]) -> str:
    """The template with each part as `write` makes it, which is told the mark that is open there. Raises ValueError
    for a mark without its partner."""
    filled, is_open = "", _BARE
    for part in _MARKS.split(template):
        if len(part) == 1 and part in marks and is_open in (_BARE, part):
            is_open = _BARE if is_open else part
            filled += part
        else:
            filled += write(part, is_open)
    if is_open:
        raise ValueError(f"has a {is_open} without its partner")
    return filled


def _segment(cell: str) -> str:
    try:
        return segment(cell)
    except ValueError:
        raise InputError(f"{cell[:60]!r} is not a name that a path can hold") from None


def _text(cell: str) -> str:
    return cell.replace("'", "''")


def _text_in_path(cell: str) -> str:
    return quote(_text(cell), safe="@")


def _quoted(cell: str) -> str:
    if '"' in cell or "\\" in cell:
        raise InputError(f"{cell[:60]!r} cannot stand between quotation marks")
    return cell


def _plain(cell: str) -> str:
    if not _PLAIN.fullmatch(cell):
        raise InputError(f"{cell[:60]!r} is not a number, a date or a name: put its column between apostrophes")
    return cell
