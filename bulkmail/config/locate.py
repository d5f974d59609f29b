"""Says where in a job file something is wrong, and what the right name may be. Knows texts only, not settings."""

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
