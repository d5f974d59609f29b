"""The colours of categories: what the service calls them, and what Outlook does. Sends nothing.

learn.microsoft.com/graph/api/resources/outlookcategory
"""

from collections.abc import Mapping

from bulkmail.text import nearest

NONE = "none"
OUTLOOK = (
    "Red", "Orange", "Brown", "Yellow", "Green", "Teal", "Olive", "Blue", "Purple", "Cranberry", "Steel", "DarkSteel",
    "Gray", "DarkGray", "Black", "DarkRed", "DarkOrange", "DarkBrown", "DarkYellow", "DarkGreen", "DarkTeal",
    "DarkOlive", "DarkBlue", "DarkPurple", "DarkCranberry",
)  # fmt: skip
NAMES: Mapping[str, str] = {f"preset{number}": name for number, name in enumerate(OUTLOOK)}
"""What Outlook calls each colour, by the service's name of it."""

_KNOWN: Mapping[str, str] = {
    NONE: NONE,
    **{preset: preset for preset in NAMES},
    **{name.casefold(): preset for preset, name in NAMES.items()},
}


def known_colour(text: str) -> str:
    """The colour as the service has it, given by its name or by Outlook's. Raises ValueError that offers the
    nearest."""
    folded = text.casefold().replace(" ", "")
    if folded not in _KNOWN:
        raise ValueError(f"{text[:40]!r} is not a colour, such as preset7, Blue or none{nearest(folded, _KNOWN)}")
    return _KNOWN[folded]
