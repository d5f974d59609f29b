"""Puts keyed digests in the place of addresses, so that a log or a report may be shown to others. Knows no file.

The same mailbox has the same digest wherever the same key is used, however its address is spelled; without the key,
no one can try out which address a digest stands for.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from bulkmail.model import key_of

HIDDEN = "mailbox-hidden"
"""Stands in the place of every address where the key is not at hand."""

LONGEST = 320
"""Characters in front of the sign of an address."""

TOKEN = re.compile(r"mailbox-[0-9a-f]{16}")
"""What a digest looks like. It stands for itself where it is masked once more."""

_DOMAIN = re.compile(r"(?:@|%40)([\w-]++(?:\.[\w-]++)*+)")
_LOCAL = frozenset("._+#!^*%'-~$")
"""Signs that stand in front of the domain of an address beside letters and digits. A slash or a quotation mark may, and
hardly ever does; in front of an address they are of the text."""


class Mask:
    """`Mask(key)` masks; without a key every address is hidden alike. A key has 16 bytes or more, at most 64."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"<Mask {'with a key' if self._key else 'without a key'}>"

    def __call__(self, address: str) -> str:
        """The digest of a mailbox: 64 bits, by which two among a million are alike once in forty million times."""
        named = address.strip()
        return named if TOKEN.fullmatch(named) else self.digest(named)

    def digest(self, text: str) -> str:
        """That of any text, in which case does not count."""
        if not self._key:
            return HIDDEN
        return f"mailbox-{self._hashed(key_of(text), 8)}"

    def spelling(self, text: str) -> str:
        """Eight hexadecimal digits that tell a text from the same one in another case."""
        return self._hashed(text, 4)

    def text(self, text: str) -> str:
        """A text in which every address is masked, those of people as well."""
        return replaced(text, lambda _, named, _end: self(named))

    def value(self, value: Any) -> Any:
        """A value of JSON in which every text is masked."""
        return each_text(value, self.text)

    def row(self, row: Mapping[str, Any], address: str) -> dict[str, Any]:
        """A row of a report with every address masked, and its mailbox whatever it is called."""
        return row_of(row, address, self, self.text)

    def _hashed(self, text: str, size: int) -> str:
        return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size, key=self._key).hexdigest()


def replaced(text: str, make: Callable[[str, str, int], str], rest: Callable[[str], str] = str) -> str:
    """A text with something else for every address: made of the address as it stands there, of its name without what
    it was encoded with, and of the place where it ends. `rest` is done to what stands between them."""
    parts, last = list[str](), 0
    for found in _DOMAIN.finditer(text):
        start = found.start()
        while start > max(last, found.start() - LONGEST) and (text[start - 1].isalnum() or text[start - 1] in _LOCAL):
            start -= 1
        quoted = text[start : found.start()]
        local = quoted.lstrip("'%")
        if local:
            start += len(quoted) - len(local)
            named = f"{local}@{found[1]}".replace("%27", "'")
            parts += [rest(text[last:start]), make(text[start : found.end()], named, found.end())]
            last = found.end()
    return "".join([*parts, rest(text[last:])])


def each_text(value: Any, make: Callable[[str], str]) -> Any:
    """A value of JSON with something else for each text, the names of members too."""
    if isinstance(value, str):
        return make(value)
    if isinstance(value, Mapping):
        return {make(name): each_text(one, make) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [each_text(one, make) for one in value]
    return value


def row_of(
    row: Mapping[str, Any], address: str, whole: Callable[[str], str], make: Callable[[str], str]
) -> dict[str, Any]:
    """A row with something else for its mailbox, wherever that has a cell of its own, and for each other text."""
    own = key_of(address)
    return {
        name: whole(one) if isinstance(one, str) and key_of(one) == own else each_text(one, make)
        for name, one in row.items()
    }
