"""Reads HTML that mailboxes hold as text: what a person would read, and where its links lead. Sends nothing.

The HTML is hostile: each pattern takes one pass over it, whatever it holds.
"""

import re
from functools import lru_cache
from html import unescape
from typing import Any

_BREAKS = "p|div|br|li|tr|h[1-6]|table|ul|ol|blockquote|hr"
_ATTRIBUTES = r"""(?:=\s*(?:"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))|[^>])*+(?:>|\Z)"""
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    rf"|<(?P<hidden>style|script|title)\b{_ATTRIBUTES}.*?(?:</(?P=hidden)\b[^>]*(?:>|\Z)|\Z)"
    rf"|</?(?P<line>{_BREAKS})\b{_ATTRIBUTES}"
    rf"|</?[a-z!?]{_ATTRIBUTES}",
    re.IGNORECASE | re.DOTALL,
)
"""Each alternative ends with the text at the latest, so that no HTML, however made, costs more than one pass."""

_LINK = re.compile(r"""<a\s[^<>]*?\bhref\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""", re.IGNORECASE)


_LONGEST = 4096
"""Characters of a text that is remembered: replies and signatures are often those of a whole department."""


def plain(html: str) -> str:
    """The text, a line for each block; a text without markup stays as it is."""
    if "<" not in html and "&" not in html:
        return html.strip()
    return _remembered(html) if len(html) <= _LONGEST else _plain(html)


def _plain(html: str) -> str:
    text = _MARKUP.sub(lambda markup: "\n" if markup["line"] else "", " ".join(html.split()))
    lines = (" ".join(unescape(line).split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


_remembered = lru_cache(512)(_plain)


def reads(html: Any) -> tuple[str, tuple[str, ...]]:
    """What a reader learns: the text, and where its links lead. Two bodies that read alike say the same.

    A line end counts as a blank, as in all HTML, even where the service keeps a text without any markup.
    """
    source = html if isinstance(html, str) else ""
    links = tuple(unescape(next(filter(None, found), "")) for found in _LINK.findall(source))
    return plain(source if "<" in source else " ".join(source.split())), links
