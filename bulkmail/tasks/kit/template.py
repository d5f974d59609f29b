"""Fills in texts that hold `{Column}` from the row of a mailbox. Knows no task, no file and no service.

A name stands between single braces, in any case; `{mailbox}` is the address. Braces around anything that has a
colon, a semicolon or a line end in it are not a placeholder, so that a style sheet can stay as it is; `{{Name}}` comes
out as `{Name}`.
"""

import re
from collections.abc import Callable

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.text import one_line

_NAME = r"[^\S\n]*[^\s{}:;](?:[^{}:;\n]*)"
_HOLE = re.compile(rf"\{{\{{({_NAME})\}}\}}|\{{(?P<name>{_NAME})\}}")


def has_holes(text: str) -> bool:
    """Whether filling in would change anything in `text`."""
    return _HOLE.search(text) is not None


def names_in(text: str) -> list[str]:
    """The columns that `text` asks for, as it writes them, each once."""
    return list(dict.fromkeys(hole["name"].strip() for hole in _HOLE.finditer(text) if hole["name"] is not None))


def checked(text: str) -> str:
    """The text. Raises ValueError for a brace without its partner: `{Name` would go out as it is."""
    rest = _HOLE.sub("", text)
    if rest.count("{") != rest.count("}"):
        at = rest.find("{") if rest.count("{") > rest.count("}") else rest.find("}")
        raise ValueError(f"has a brace without its partner, near {one_line(rest[max(0, at - 10) : at + 20])!r}")
    return text


def plugged(text: str, cell: str) -> str:
    """`text` with the same cell in the place of every column."""
    return _HOLE.sub(lambda hole: f"{{{hole[1]}}}" if hole["name"] is None else cell, text)


def fill(text: str, mailbox: Mailbox, write: Callable[[str], str] = str) -> str:
    """`text` with the cells of the mailbox's row, each as `write` makes it, such as `html.escape`.

    Raises InputError for a column that the row does not have, and for a cell of it that could not be read.
    """
    if "{" not in text:
        return text
    names = {name.casefold(): name for name in mailbox.columns}

    def cell(hole: re.Match[str]) -> str:
        if hole["name"] is None:
            return f"{{{hole[1]}}}"
        asked = hole["name"].strip()
        if asked.casefold() == "mailbox":
            return write(mailbox.address)
        if (name := names.get(asked.casefold())) is None:
            raise _unknown(asked, mailbox)
        try:
            return write(mailbox.columns[name])
        except InputError as error:
            raise InputError(f"row {mailbox.row}: {error}", hint=error.hint) from None

    return _HOLE.sub(cell, text)


def _unknown(name: str, mailbox: Mailbox) -> InputError:
    there = ", ".join(["mailbox", *mailbox.columns][:12])
    return InputError(
        f"row {mailbox.row} has no column {name!r}; it has {there}",
        hint="Write {{" + name + "}} where braces are meant as such.",
    )
