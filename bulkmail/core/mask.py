"""Puts keyed digests in the place of addresses, so that a log or a report may be shown to others. Knows no file.

The same mailbox has the same digest wherever the same key is used, however its address is spelled; without the key,
no one can try out whose digest it is.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from bulkmail.model import key_of

HIDDEN = "mailbox-hidden"
"""Stands in the place of every address where the key is not at hand."""

LONGEST = 320
"""Characters in front of the sign of an address."""

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
        if not self._key:
            return HIDDEN
        named = key_of(address.strip()).encode("utf-8", "surrogatepass")
        return f"mailbox-{blake2b(named, digest_size=8, key=self._key).hexdigest()}"

    def text(self, text: str) -> str:
        """A text in which every address is masked, those of people as well."""
        parts, last = list[str](), 0
        for found in _DOMAIN.finditer(text):
            start = found.start()
            while start > max(last, found.start() - LONGEST) and (
                text[start - 1].isalnum() or text[start - 1] in _LOCAL
            ):
                start -= 1
            quoted = text[start : found.start()]
            local = quoted.lstrip("'%")
            if local:
                named = f"{local}@{found[1]}".replace("%27", "'")
                parts += [text[last:start], quoted[: len(quoted) - len(local)], self(named)]
                last = found.end()
        return "".join([*parts, text[last:]])

    def value(self, value: Any) -> Any:
        """A value of JSON in which every text is masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one) for one in value]
        return value

    def row(self, row: Mapping[str, Any], address: str) -> dict[str, Any]:
        """A row of a report with its mailbox masked, wherever its address stands in a cell of its own."""
        own = key_of(address)
        return {name: self(one) if isinstance(one, str) and key_of(one) == own else one for name, one in row.items()}
