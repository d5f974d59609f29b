"""Turns any value into one that JSON can hold. Never fails and never loses a row over a strange cell; knows no file."""

import base64
import math
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, Final

import orjson

DEEPEST: Final = 100
"""Levels of lists and objects that are kept; Graph answers with a handful. orjson itself gives up at 254."""

_INTEGERS = range(-(1 << 63), 1 << 64)  # what orjson writes; a greater one becomes text


def plain(value: object, levels: int = DEEPEST) -> Any:
    """A JSON value: NaN and infinity are None, bytes base64, times ISO 8601, a lone surrogate the text `\\udXXX`."""
    if isinstance(value, Mapping):
        return {text(key): plain(item, levels - 1) for key, item in value.items()} if levels else "…"
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, levels - 1) for item in value] if levels else "…"
    convert = next((convert for kind, convert in _SCALARS if isinstance(value, kind)), str)
    return convert(value)


def text(value: object) -> str:
    """What a cell shows: None is empty, a list of plain values is joined by `; `, other structures are JSON."""
    value = plain(value)
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return "; ".join(map(text, value))
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def _readable(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()


_SCALARS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (str, lambda value: _readable(str(value))),
    ((bool, type(None)), lambda value: value),
    (int, lambda value: int(value) if value in _INTEGERS else str(value)),
    (float, lambda value: value if math.isfinite(value) else None),
    ((bytes, bytearray), lambda value: base64.b64encode(value).decode()),
    ((date, time), lambda value: value.isoformat()),
)
