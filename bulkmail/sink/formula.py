"""Keeps a spreadsheet from running what stood in a mailbox. Knows text only.

A cell that a spreadsheet would take for a formula gets an apostrophe in front, its mark for text; quoting would not
help (OWASP ASVS 1.2.10). A cell that begins with apostrophes and would be a formula without them gets one more, so
that `unescape` gives back exactly what `escape` was given, whatever it was.
"""

import re
from collections.abc import Callable

_INVISIBLE = (
    r"\s\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)  # Unicode: white space, controls, and what is Default_Ignorable; a spreadsheet may look past any of it
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"  # in some languages a spreadsheet reads the full-width ones as the plain ones
_RISKY = re.compile(rf"'*(?:[\t\r\n\x00]|[{_INVISIBLE}]*[{_SIGNS}])")


def suspect_behind(delimiter: str) -> Callable[[str], object]:
    """Finds, in cells that each stand behind a delimiter and hold none, one that `escape` might change: by how it
    begins, quickly."""
    mark = re.escape(delimiter)
    return re.compile(rf"{mark}(?!{mark})['{_INVISIBLE}{_SIGNS}]").search


def escape(cell: str) -> str:
    """The cell, safe to open in a spreadsheet."""
    return f"'{cell}" if _RISKY.match(cell) else cell


def unescape(cell: str) -> str:
    """What `escape` was given."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell
