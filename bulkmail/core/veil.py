"""Puts digests in the place of addresses and finds the addresses again, exactly as they were. Knows no file.

What is hidden is remembered, so that it can be shown. An address has the same digest however it is spelled; where that
is not in small letters, `~` and eight digits behind the digest say how. A text that looks like a digest, which a
mailbox may hold to deceive, is hidden like an address: so each digest in what was hidden was put there by a veil.
"""

import re
import threading
from collections.abc import Mapping
from typing import Any

from bulkmail.core.mask import TOKEN, Mask, each_text, replaced, row_of
from bulkmail.model import key_of

WHOLE = ("mailbox", "id")
"""Members that are hidden as a whole, of an entry that names a mailbox."""

SPELLED = "spelled"
"""The member with the token of a mailbox whose digest alone does not say how it was spelled."""

_SHOWN = re.compile(rf"{TOKEN.pattern}(?:~[0-9a-f]{{8}})?")


class Veil:
    """`mask` makes the digests; `texts` are the texts that were hidden before, by their tokens. Safe to be used by
    several threads."""

    def __init__(self, mask: Mask, texts: Mapping[str, str]) -> None:
        self._mask = mask
        self._texts = dict(texts)
        self._fresh: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Veil over {len(self._texts)} texts>"

    def __len__(self) -> int:
        return len(self._texts)

    def fresh(self) -> list[tuple[str, str]]:
        """Tokens and texts that were hidden here and are not known to be kept elsewhere, in their order."""
        with self._lock:
            return list(self._fresh)

    def kept(self, number: int) -> None:
        """So many of the `fresh` ones, from the first, are kept elsewhere now."""
        with self._lock:
            del self._fresh[:number]

    def learn(self, texts: Mapping[str, str]) -> None:
        """These were hidden by another veil with the same key."""
        with self._lock:
            self._texts.update(texts)

    def hide(self, value: Any) -> Any:
        """A value of JSON without any address; `show` gives it back. Raises what `mask` raises."""
        return each_text(value, self._hidden)

    def hide_entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """An entry of a file without any address, in which the mailbox has the digest that it has everywhere."""
        names = WHOLE if "mailbox" in entry else ()
        hidden = {
            name: self._token(one) if name in names and isinstance(one, str) else self.hide(one)
            for name, one in entry.items()
        }
        if names and isinstance(token := hidden["mailbox"], str) and "~" in token:
            hidden["mailbox"], hidden[SPELLED] = token.partition("~")[0], token
        return hidden

    def show(self, value: Any) -> Any:
        """What `hide` was given. Raises KeyError for a token that was never given."""
        return each_text(value, lambda text: _SHOWN.sub(lambda found: self._texts[found[0]], text))

    def show_entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """What `hide_entry` was given. Raises KeyError for a token that was never given."""
        shown = dict(entry)
        if SPELLED in shown:
            shown["mailbox"] = shown.pop(SPELLED)
        return {name: self.show(one) for name, one in shown.items()}

    def row(self, row: Mapping[str, Any], address: str) -> dict[str, Any]:
        """As `Mask.row`; what was masked can be looked up."""
        return row_of(row, address, self._told, self.text)

    def text(self, text: str) -> str:
        """As `Mask.text`; what was masked can be looked up."""
        return replaced(text, lambda _, named, _end: self._told(named))

    def _told(self, named: str) -> str:
        self._token(named)
        return self._mask(named)

    def _hidden(self, text: str) -> str:
        return replaced(
            text,
            lambda found, named, end: self._token(found, named, full=text[end : end + 1] == "~"),
            lambda rest: _SHOWN.sub(lambda found: self._token(found[0], full=True), rest),
        )

    def _token(self, text: str, named: str = "", *, full: bool = False) -> str:
        """What stands for a text: `full` where a tilde may follow it, which is not to be taken for a part of it."""
        named = named or text
        digest = self._mask.digest(named.strip())
        spelled = f"{digest}~{self._mask.spelling(text)}"
        with self._lock:
            token = spelled if full or text != key_of(named) or self._texts.get(digest, text) != text else digest
            if token not in self._texts:
                self._texts[token] = text
                self._fresh.append((token, text))
        return token
