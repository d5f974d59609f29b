"""Judges where a recipient's mail goes: to the tenant, out of it, or cannot be told. Pure text.

A recipient is external only if its address names a complete domain that is not one of the tenant's, nor below one of
them. Whatever is not plainly an address on the internet is unknown, and never taken for internal either.
"""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from enum import StrEnum

from bulkmail.errors import InputError

LONGEST = 253
"""Characters of a domain in ASCII (RFC 1035, 2.3.4)."""

NOT_PUBLIC = frozenset({"local", "localhost", "internal", "lan"})
"""Last labels of names that mean something else on every network (RFC 6762; ICANN for `internal`)."""

_DOTS = re.compile("[\u3002\uff0e\uff61]")  # full stops of other scripts, which separate labels too (UTS 46)
_PREFIX = re.compile(r"(?:smtp|mailto):", re.IGNORECASE)
_NAMED = re.compile(r"<([^<>]*)>\Z")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NOT_SMTP = re.compile(r"/|imcea|(?:ex|x400|x500|sip|fax|tel|notes|mapi|\w+pdl):", re.IGNORECASE)
"""Beginnings of addresses of another kind: a distinguished name of Exchange, or one of these wrapped up as SMTP."""
_GUEST = re.compile(r"(?P<name>.+)#ext#", re.IGNORECASE | re.DOTALL)


class Side(StrEnum):
    """Where mail to a recipient ends up, as far as its address tells."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    UNKNOWN = "unknown"


def judge(address: str, ours: AbstractSet[str]) -> Side:
    """Where mail to `address` goes; `ours` are the tenant's domains as `domain_of` gives them.

    The domain stands behind the last @; one @ more is in order only in a quoted name. A guest's name in the directory,
    `ada_contoso.com#EXT#@…`, stands for the address at home that its mail goes on to.
    """
    text = address.strip()
    if named := _NAMED.search(text):
        text = named[1].strip()
    text = _PREFIX.sub("", text, count=1)
    name, at, domain = text.rpartition("@")
    if not at or not name or _NOT_SMTP.match(text) or ("@" in name and not _QUOTED.fullmatch(name)):
        return Side.UNKNOWN
    if guest := _GUEST.fullmatch(name):
        _, _, domain = guest["name"].rpartition("_")
    ascii_ = domain_of(domain)
    if not ascii_:
        return Side.UNKNOWN
    return Side.INTERNAL if _is_below(ascii_, ours) else Side.EXTERNAL


def domain_of(text: str) -> str:
    """A domain as names are compared: in ASCII and lower case, without a dot at its end. Empty for what is not the
    complete name of one. Letters of other scripts are encoded as in IDNA 2008, so that `ß` stays one letter."""
    spelled = _DOTS.sub(".", unicodedata.normalize("NFKC", text.strip()).lower())
    labels = [_ascii(label) for label in spelled.removesuffix(".").split(".")]
    name = ".".join(labels)
    if len(labels) < 2 or len(name) > LONGEST or not all(map(_LABEL.fullmatch, labels)):
        return ""
    return "" if labels[-1].isdigit() or labels[-1] in NOT_PUBLIC else name


def own_domain(text: str) -> str:
    """A domain as a job names it, `contoso.com` or `@contoso.com`. Raises InputError for what is not one."""
    found = domain_of(text.strip().removeprefix("*.").removeprefix("@"))
    if not found:
        raise InputError(f"{text[:60]!r} is not a domain, such as contoso.com")
    return found


def _ascii(label: str) -> str:
    if label.isascii():
        return label
    if not all(letter == "-" or letter.isalnum() or unicodedata.combining(letter) for letter in label):
        return ""  # an invisible character, or a symbol: no such domain can be registered
    return f"xn--{label.encode('punycode').decode()}"


def _is_below(domain: str, ours: AbstractSet[str]) -> bool:
    """Whether it is one of ours, or a subdomain of one."""
    while domain:
        if domain in ours:
            return True
        _, _, domain = domain.partition(".")
    return False
