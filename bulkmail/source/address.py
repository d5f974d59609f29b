"""Says what a cell of the input means as an address or a directory id. Pure text: knows no file and no row.

An address becomes a segment of a request path. It is percent-encoded there; still, nothing that could be mistaken for a
path, a query or two addresses gets that far. Letters of every script pass, and so do the `#EXT#` of a guest and the `#`
that some rooms begin with. Whether there is such a mailbox is for Graph to say.
"""

import re
from collections.abc import Iterator, Sequence

from bulkmail.source.cells import SAVE

LONGEST = 320
"""Characters of an address: 64 before the @ and 255 behind it (RFC 5321, 4.5.3.1)."""

_INVISIBLE = r"\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_UNDECODED = r"\ufffd\ud800-\udfff"
_SYNTAX = r"/\\?%\"(),:;<>\[\]"
# White space that is not invisible already, one by one: beside `\s`, a class of characters takes twice as long.
_SPACE = r" \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_CHARACTER = rf"[^@{_SPACE}{_INVISIBLE}{_UNDECODED}{_SYNTAX}]"
_LABEL = rf"[^@.{_SPACE}{_INVISIBLE}{_UNDECODED}{_SYNTAX}]++"

# In front, an apostrophe is the text mark of a spreadsheet. A number sign is rare, and starts a comment in a text file:
# rows with one are judged one by one.
_FORM = rf"{_CHARACTER}++@{_LABEL}(?:\.{_LABEL})*+"
_ADDRESS = re.compile(rf"(?!'){_FORM}")
_ADDRESSES = re.compile(rf"(?:(?!['#]){_FORM}\n)*+")
_ORDINARY = "".join(filter(re.compile(rf"(?!['#]){_CHARACTER}").fullmatch, map(chr, range(128)))).encode()
_BETWEEN = bytes.maketrans(b"@.", b"\n\n")
_HEX = "[0-9a-f]"
_DASHED = rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_ID = re.compile(_DASHED, re.IGNORECASE | re.ASCII)
# The other ways in which .NET and PowerShell write a GUID: {…}, (…) and 32 digits.
_WRAPPED = re.compile(rf"\{{{_DASHED}\}}|\({_DASHED}\)|{_HEX}{{32}}|\{{{_HEX}{{32}}\}}", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(rf"{_HEX}{{32}}", re.IGNORECASE | re.ASCII)

# White space, invisible marks that the clipboard brings along, and quotes, straight and typographic.
_EDGES = " \t\r\n\v\f\u00a0\u200b\u200e\u200f\u202a\u202c\ufeff\"'\u2018\u2019\u201c\u201d"
_NAMED = re.compile(r'([^<>;]*|[^<>"]*"\s*)<([^<>]*)>')  # a name with a semicolon was in quotes
_ENDS = _EDGES + ";,"
_BETWEEN_SEMICOLONS = re.compile(r'(?:"[^"]*"|[^";]|"(?=[^"]*\Z))+')
_BEHIND_BRACKET = re.compile(r"(?<=>)\s*,")
_SCHEME = re.compile(r"(?:smtp|mailto):", re.IGNORECASE)

_FAULTS = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (f"[{_UNDECODED}]", f"holds a character that could not be read; {SAVE}"),
        (f"[{_INVISIBLE}]", "holds a control character or an invisible one"),
        (rf"\A(?i:{_HEX}){{32}}\Z", "is a concealed name of a usage report, not an address"),
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
    """Whether all of `texts` are addresses and none begins with `#`, at a third of the cost."""
    lines = "\n".join(["", *texts, ""])
    if max(map(len, texts), default=0) > LONGEST:
        return False
    if _are_plain(lines, len(texts)):
        return True
    several = lines.count("\n") > len(texts) + 1  # lines in one text
    return not several and _ADDRESSES.fullmatch(lines, 1) is not None


def _are_plain(lines: str, count: int) -> bool:
    """Whether so many lines, behind a line feed, are addresses of ordinary characters: each has one @, and there is
    something before and behind each @ and dot. What is not plain may be an address all the same."""
    if not lines.isascii():
        return False
    text = lines.encode()
    return text.translate(None, _ORDINARY) == b"\n" + b"@\n" * count and b"\n\n" not in text.translate(_BETWEEN)


def is_id(text: str) -> bool:
    """Whether `text` is an object id of the directory: a GUID with its dashes."""
    return _ID.fullmatch(text) is not None


def is_concealed(text: str) -> bool:
    """Whether `text` is 32 hex digits: what a usage report has instead of a name while names are concealed."""
    return _DIGITS.fullmatch(text.strip(_EDGES)) is not None


def id_in(cell: str) -> str:
    """The object id in a cell, with its dashes; empty if there is none. `{…}` and 32 digits without dashes are ids."""
    text = cell.strip(_EDGES)
    if is_id(text):
        return text
    if not _WRAPPED.fullmatch(text):
        return ""
    digits = "".join(filter(str.isalnum, text))
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def clean(text: str) -> str:
    """The bare address in a cell such as ` "Ada" <SMTP:ada@contoso.com>; `; empty for a blank."""
    text = text.strip(_EDGES).rstrip(_ENDS)
    if (named := _NAMED.fullmatch(text)) and _agree(named[1], named[2]):
        text = named[2].strip(_EDGES)
    return _SCHEME.sub("", text, count=1).strip(_EDGES) if _SCHEME.match(text) else text


def _agree(name: str, address: str) -> bool:
    """Whether a display name leaves no doubt about the address behind it: it has no @, or is that address."""
    return "@" not in name or name.strip(_EDGES).casefold() == address.strip(_EDGES).casefold()


def parts(text: str) -> Iterator[str]:
    """The single addresses of a text as a mail program writes several: `Last, First <a@b>; c@d, e@f;`, each cleaned.

    A part that is not an address comes as it is. A semicolon always separates; a comma does behind a `>`, behind an
    address, and where no `<` is to come, since it may also stand in a display name.
    """
    for part in _BETWEEN_SEMICOLONS.findall(text):
        for piece in _BEHIND_BRACKET.split(part):
            yield from filter(None, map(clean, _between_commas(piece)))


def _between_commas(piece: str) -> Iterator[str]:
    while "," in piece:
        first, _, rest = piece.partition(",")
        if "<" in piece and not is_address(clean(first)):
            break
        yield first
        piece = rest
    yield piece


def fault(text: str) -> str:
    """What is wrong with a cleaned cell, to be read behind the words "this row"; empty if it is an address or an id."""
    if is_address(text) or is_id(text):
        return ""
    if len(text) > LONGEST:
        return f"is longer than {LONGEST} characters"
    return next(why for pattern, why in _FAULTS if pattern.search(text))
