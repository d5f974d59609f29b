"""Writes the names of folders as a path, and reads them out of one again. Sends nothing.

Names are apart by slashes. What would not come through as it is stands behind a backslash: a slash, a backslash, and
by its number a character that is not seen, as in `Inbox/A\\/B/Tab\\u0009`. So no two folders have the same path unless
they have the same names.
"""

import re
from collections.abc import Iterable

from bulkmail.text import UNSEEN

_SPECIAL = re.compile(rf"[/\\{UNSEEN}]")
_PIECE = re.compile(
    r"\\u(?P<short>[0-9a-f]{4})|\\U(?P<long>00(?:0[0-9a-f]|10)[0-9a-f]{4})|\\(?P<plain>[/\\])|(?P<slash>/)|[^\\/]+|\\",
    re.DOTALL,
)


def escaped(name: str) -> str:
    """One name as it stands in a path."""
    return _SPECIAL.sub(_escape, name)


def joined(names: Iterable[str]) -> str:
    """The path of a folder by its name and those of the folders around it, the outermost first."""
    return "/".join(map(escaped, names))


def parted(path: str) -> list[str]:
    """The names in a path. A backslash in front of anything else is one."""
    names = [""]
    for piece in _PIECE.finditer(path):
        if piece["slash"]:
            names.append("")
        else:
            number = piece["short"] or piece["long"]
            names[-1] += chr(int(number, 16)) if number else piece["plain"] or piece[0]
    return names


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in "/\\":
        return f"\\{character}"
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
