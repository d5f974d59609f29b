"""Texts that people read or write, each rule once: one safe line, no secret in it, the nearest known name, durations
both ways, and the names of encodings."""

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LIMIT = 500
"""Characters kept of a text from outside: enough to read, too little to fill a disk."""

SEARCHED = 8 * LIMIT
"""Characters of a text from outside that are looked at: a longer one is cut before any pattern sees it."""

UNSEEN = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f"
"""What a terminal, a spreadsheet or an editor acts on instead of showing it, as the inside of a character class:
controls (C0, C1), line and paragraph separators, marks of direction, halves of characters, and tags."""

_UNSEEN = re.compile(f"[{UNSEEN}]+")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+(?:\.[\w-]*+)*+", re.ASCII)  # `{"` in base64url; an id begins otherwise
_BEARER = re.compile(r"\bbearer[\s:=]++[^\s\"',;]{16,}+", re.IGNORECASE)
_RUN = r"\w+/=.~%-"
_OPAQUE = re.compile(rf"(?<![{_RUN}])(?:[{_RUN}]{{80,}}+|[{_RUN}]{{40,}}+(?:\s++[{_RUN}]{{20,}}+)++)")
"""A token, assertion or key, also one that was folded into lines; thumbprints and the ids of requests are shorter."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def redacted(text: str) -> str:
    """`text` without a JWT: an access token, or an assertion that one is asked for with."""
    return _JWT.sub("…", text)


def visible(text: str) -> str:
    """`text` as a terminal may be given it: nothing in it acts instead of being shown, and no JWT."""
    return redacted(_UNSEEN.sub(" ", text))


def one_line(text: str) -> str:
    """`text` on one line, without what is not seen and without a JWT, cut at LIMIT: safe for a log, a cell and a
    terminal."""
    line = visible(text[:SEARCHED]).strip()
    return line if len(line) <= LIMIT and len(text) <= SEARCHED else line[: LIMIT - 1] + "…"


def shown(text: str) -> str:
    """What may be shown of a text of the service: one line, with nothing in it that looks like a token, an assertion or
    a key. Everything that an answer says passes here before it becomes an error."""
    cut = _BEARER.sub("Bearer …", _UNSEEN.sub(" ", text[:SEARCHED]))
    if len(text) > SEARCHED:
        cut = cut.rpartition(" ")[0] + " …"  # what was cut through is a token perhaps
    return one_line(_OPAQUE.sub("…", cut))


def likeliest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` was most likely meant to be, or an empty text."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return close[0] if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the likeliest known one, or all of them."""
    names = list(known)
    close = likeliest(name, names)
    if close:
        return f"; did you mean {close}?"
    return f"; there {'are' if names[1:] else 'is'} {', '.join(names) or 'none'}"


def seconds(text: str) -> float:
    """`90`, `150ms`, `90s`, `30m`, `2h` or `1h30m` in seconds. Raises ValueError for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise ValueError("a time looks like 150ms, 90s, 30m, 2h or 1h30m")
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(0, round(seconds)) if math.isfinite(seconds) else 0
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(number: int) -> str:
    """Bytes for people: `980 B`, `1.2 MB`, `20 GB`."""
    power = min(4, (len(str(round(number * 1.0005))) - 1) // 3)
    value = number / 1000**power
    unit = ("B", "kB", "MB", "GB", "TB")[power]
    return f"{value:.2g} {unit}" if value < 10 else f"{value:.0f} {unit}"


def figure(value: float) -> str:
    """A mean, a rate or a peak, to three digits at least: `0.298`, `61.6`, `11,952`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def is_address(text: object) -> bool:
    """Whether it is `s3://bucket/prefix` or the like, and not a path of files."""
    return isinstance(text, str) and "://" in text


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`; `many` where the plural is not formed with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def few(names: Sequence[str], most: int) -> str:
    """`a, b, c and 4 more`: the first names of a list, for a line."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


ENCODINGS = (
    "utf-8", "utf-16", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso-8859-1", "iso-8859-2", "iso-8859-15", "cp437", "cp850", "cp852", "cp866", "cp932", "cp936", "cp949", "cp950",
    "gb18030", "mac-roman",
)  # fmt: skip
"""What a list may be said to be written in: the code pages of Excel and of consoles, and the older standards."""


def known_encoding(name: str) -> str:
    """The name as Python has it. Raises ValueError for one that is not in ENCODINGS."""
    folded = name.strip().casefold().replace("_", "-").replace("windows-", "cp").replace("ansi", "cp1252")
    if folded and folded not in ENCODINGS:
        raise ValueError(f"{name} is not an encoding that a list is written in{nearest(folded, ENCODINGS)}")
    return folded
