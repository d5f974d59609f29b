"""Says what a cell of the input means as an address. Pure text: knows no file, no row and no other address.

An address becomes a segment of a request path. It is percent-encoded there, and still nothing that could be mistaken
for a path, a query or two addresses gets that far. Letters of every script pass, and so does the `#EXT#` of a guest.
What Graph makes of the address is Graph's business.
"""

import re
from collections.abc import Sequence

LONGEST = 320
"""Characters of an address: 64 before the @ and 255 behind it (RFC 5321, 4.5.3.1)."""

_INVISIBLE = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_UNDECODED = r"\ufffd\ud800-\udfff"
_SYNTAX = r"/\\?%\"(),:;<>\[\]"
# White space that is not invisible already, one by one: beside `\s`, a class of characters takes twice as long.
_SPACE = r" \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CHARACTER = rf"[^@{_SPACE}{_INVISIBLE}{_UNDECODED}{_SYNTAX}]"
_LABEL = rf"[^@.{_SPACE}{_INVISIBLE}{_UNDECODED}{_SYNTAX}]++"

# In front, an apostrophe is the text mark of a spreadsheet and a number sign starts a comment.
_FORM = rf"(?!['#]){_CHARACTER}++@{_LABEL}(?:\.{_LABEL})*+"
_ADDRESS = re.compile(_FORM)
_ADDRESSES = re.compile(rf"(?:{_FORM}\n)*+")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

# White space, marks that invisibly travel along in the clipboard, and quotes, straight and typographic.
_EDGES = " \t\r\n\v\f\u00a0\u200b\u200e\u200f\u202a\u202c\ufeff\"'\u2018\u2019\u201c\u201d"
_NAMED = re.compile(r"[^<>;@]*<([^<>]*)>")
_SCHEME = re.compile(r"(?:smtp|mailto):", re.IGNORECASE)

_FAULTS = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (f"[{_UNDECODED}]", "holds a character that could not be read; save the list as UTF-8"),
        (f"[{_INVISIBLE}]", "holds a control character or an invisible one"),
        (r"\A[^@]*\Z", "is neither an address, for it has no @, nor a directory id"),
        (r"@.*@", "has more than one @"),
        (r"\s", "has a space inside"),
        (f"[{_SYNTAX}]", 'has one of the characters / \\ ? % " ( ) , : ; < > [ ]'),
        (r"", "is not of the form name@domain"),
    )
)


def is_address(text: str) -> bool:
    """Whether `text` is an address as it stands, with nothing to clean: the quick way for nearly every row."""
    return len(text) <= LONGEST and _ADDRESS.fullmatch(text) is not None


def are_addresses(texts: Sequence[str]) -> bool:
    """Whether all of `texts` are, at a quarter of the price."""
    lines = "\n".join([*texts, ""])
    return (
        max(map(len, texts), default=0) <= LONGEST
        and lines.count("\n") == len(texts)  # else a text is of several lines
        and _ADDRESSES.fullmatch(lines) is not None
    )


def is_id(text: str) -> bool:
    """Whether `text` is an object id of the directory: a GUID."""
    return _ID.fullmatch(text) is not None


def id_in(cell: str) -> str:
    """The object id in a cell; empty if there is none."""
    text = cell.strip()
    return text if is_id(text) else ""


def clean(text: str) -> str:
    """The bare address or id in a cell such as ` "Ada" <SMTP:ada@contoso.com> `; empty for a blank or a # comment."""
    text = text.strip(_EDGES)
    if text.startswith("#"):
        return ""
    if named := _NAMED.fullmatch(text):
        text = named[1].strip(_EDGES)
    return _SCHEME.sub("", text, count=1).strip(_EDGES) if _SCHEME.match(text) else text


def fault(text: str) -> str:
    """What is wrong with a cleaned cell, to be read behind the words "this row"; empty if it is an address or an id."""
    if is_address(text) or is_id(text):
        return ""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    return next(why for pattern, why in _FAULTS if pattern.search(text))
