"""Says where in a job file something is wrong, and how to mend what beginners of TOML get wrong. Knows texts only, and
no setting."""

import re
from collections.abc import Iterator, Sequence

_HEADER = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w.\-\"' ]+?)\s*=")


def line_of(text: str, place: Sequence[str]) -> int:
    """The line of a key, else of its table, counted from 1; 0 when the file has neither."""
    lines = list(_names(text))
    wanted = ".".join(place)
    return next(
        (number for number, name in lines if name == wanted),
        next((number for number, name in lines if name.partition(".")[0] == place[0]), 0),
    )


def _names(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and dotted names of headings and keys, as far as a line tells without reading what is around it."""
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        if match := _HEADER.match(line):
            table = _bare(match[1])
            yield number, table
        elif match := _KEY.match(line):
            yield number, f"{table}.{_bare(match[1])}".removeprefix(".")


def _bare(name: str) -> str:
    return re.sub(r"[\"'\s]", "", name)


_AT = re.compile(r"\(at line (\d+),")
_QUOTES = "\u201c\u201d\u201e\u2018\u2019"


def toml_hint(text: str, error: str) -> str:
    """What to do about a line that is not TOML; `error` is the parser's message. Empty where we do not know."""
    match = _AT.search(error)
    lines = text.split("\n")
    line = lines[int(match[1]) - 1] if match and int(match[1]) <= len(lines) else ""
    _, equals, value = line.partition("=")
    value = value.strip()
    if any(quote in line for quote in _QUOTES):
        return 'Typographic quotes do not count in TOML: write straight ones, as in key = "value".'
    if value.startswith('"') and "\\" in value:
        return f"A backslash is special between double quotes: write '{value.strip(chr(34))}', or use slashes."
    if equals and value and value[0] not in "\"'[{0123456789+-" and value not in ("true", "false"):
        return f'A text stands between quotes in TOML: "{value}".'
    return ""


def has_escapes(value: str) -> bool:
    """Whether a path holds control characters. `"C:\\temp"` between double quotes does: backslash and t are a tab."""
    return any(ord(character) < 32 for character in value)
