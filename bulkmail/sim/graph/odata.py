"""Query options as Graph takes them: $select, $orderby, paging, and a fair part of $filter. Knows no resource.

A filter becomes a function of one item. Comparisons of text ignore casing, as Graph's do.
"""

import base64
import contextlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from bulkmail.sim.graph.call import Json, bad_request

T = TypeVar("T")
Test: TypeAlias = Callable[[Any], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<punct>[(),:])|(?P<word>[^\s(),:']+(?::\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: _alike(a, b) and a > b,
    "ge": lambda a, b: _alike(a, b) and a >= b,
    "lt": lambda a, b: _alike(a, b) and a < b,
    "le": lambda a, b: _alike(a, b) and a <= b,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda a, b: b in a,
}
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed $filter: the test, the properties it looks at in order, and whether only advanced queries know it."""

    test: Test
    fields: tuple[str, ...]
    advanced: bool
    equals: tuple[tuple[str, Any], ...]  # what it demands outright: `id eq 'x'` at the top
    compared: tuple[tuple[str, Any], ...]  # every property with a value that it is compared with


@lru_cache(maxsize=512)
def parse_filter(text: str) -> Filter:
    """Raises Refusal as Graph does for what it cannot read."""
    parser = _Parser(text)
    test = parser.whole()
    return Filter(
        test, tuple(dict.fromkeys(parser.fields)), parser.advanced, tuple(parser.equals), tuple(parser.compared)
    )


class _Parser:
    """Recursive descent: or, and, not, then comparison, function, lambda or parentheses."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split(text)
        self.place = 0
        self.fields: list[str] = []
        self.equals: list[tuple[str, Any]] = []
        self.compared: list[tuple[str, Any]] = []
        self.advanced = False
        self.variable = ""

    def _split(self, text: str) -> list[str]:
        tokens, place = [], 0
        text = text.strip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self._wrong()
            tokens.append(found.group().strip())
            place = found.end()
        return tokens

    def _wrong(self) -> Exception:
        return bad_request(f"Invalid filter clause: There is a syntax error in '{self.text[:120]}'.")

    def _next(self, expected: str = "") -> str:
        if self.place >= len(self.tokens) or (expected and self.tokens[self.place] != expected):
            raise self._wrong()
        self.place += 1
        return self.tokens[self.place - 1]

    def _at(self, *words: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place].lower() in words

    def whole(self) -> Test:
        test = self._any_of()
        if self.place != len(self.tokens):
            raise self._wrong()
        return test

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._at("or"):
            self._next()
            tests.append(self._all_of())
            self.equals.clear()
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._at("and"):
            self._next()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self._at("not"):
            self._next()
            self.advanced = True
            inner = self._one()
            self.equals.clear()
            return lambda item: not inner(item)
        if self._at("("):
            self._next()
            inner = self._any_of()
            self._next(")")
            return inner
        if self._at(*_FUNCTIONS):
            return self._function()
        return self._comparison()

    def _function(self) -> Test:
        name = self._next().lower()
        self._next("(")
        get = self._path(self._next())
        self._next(",")
        wanted = str(self._literal()).lower()
        self._next(")")
        self.advanced |= name in {"endswith", "contains"}
        holds = _FUNCTIONS[name]
        return lambda item: isinstance(value := get(item), str) and holds(value.lower(), wanted)

    def _comparison(self) -> Test:
        path = self._next()
        if path.lower().endswith(("/any", "/all")):
            return self._lambda(path)
        get = self._path(path)
        operator = self._next().lower()
        if operator == "in":
            return self._in(get)
        compare = _COMPARE.get(operator)
        if compare is None:
            raise self._wrong()
        given = self._literal()
        self.compared.append((path, given))
        wanted = _comparable(given)
        self.advanced |= operator == "ne" or path.lower().endswith("/$count")
        if operator == "eq":
            self.equals.append((path, wanted))
        return lambda item: compare(_comparable(get(item)), wanted)

    def _in(self, get: Callable[[Any], Any]) -> Test:
        self._next("(")
        wanted = [_comparable(self._literal())]
        while self._at(","):
            self._next()
            wanted.append(_comparable(self._literal()))
        self._next(")")
        return lambda item: _comparable(get(item)) in wanted

    def _lambda(self, path: str) -> Test:
        name, _, quantifier = path.rpartition("/")
        get = self._path(name)
        self._next("(")
        outer, self.variable = self.variable, self._next()
        self._next(":")
        inner = self._any_of()
        self._next(")")
        self.variable = outer
        quantify = any if quantifier.lower() == "any" else all
        return lambda item: quantify(inner(part) for part in get(item) or ())

    def _path(self, path: str) -> Callable[[Any], Any]:
        """Reads a property such as `from/emailAddress/address` or `assignedLicenses/$count`."""
        steps = path.split("/")
        if self.variable and steps[0] == self.variable:
            steps = steps[1:]
        else:
            self.fields.append(path)
        return lambda item: walk(item, steps)

    def _literal(self) -> Any:
        token = self._next()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.lower() in _CONSTANTS:
            return _CONSTANTS[token.lower()]
        try:
            return float(token) if "." in token and ":" not in token else int(token)
        except ValueError:
            return token


def walk(item: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if step == "$count":
            return len(item or ())
        item = item.get(step) if isinstance(item, dict) else None
    return item


def _alike(one: Any, other: Any) -> bool:
    """Whether one can be less than the other: texts, or numbers."""
    return (isinstance(one, str) and isinstance(other, str)) or all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)
    )


_TIME = re.compile(r"\d{4}-\d\d-\d\dt\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:z|[+-]\d\d:\d\d)?")
_EXTENDED = re.compile(r"(\w+)\s+(?:\{([0-9a-f-]+)\}\s+(name|id)\s+(.+)|0x([0-9a-f]+))", re.IGNORECASE)


def _comparable(value: Any) -> Any:
    """Text without casing; names of extended properties without padding; times in UTC, to the microsecond."""
    if not isinstance(value, str):
        return value
    value = value.lower()
    if _TIME.fullmatch(value):
        with contextlib.suppress(ValueError, OverflowError):
            time = datetime.fromisoformat(value.upper())
            return time.astimezone(UTC).isoformat("t") if time.tzinfo else f"{time.isoformat('t')}+00:00"
    return property_key(value) if "{" in value or "0x" in value else value


def property_key(name: str) -> str:
    """The id of an extended property in one spelling: casing and zero padding do not matter."""
    found = _EXTENDED.fullmatch(name.strip())
    if found is None:
        return name
    kind, space, form, text, tag = found.groups()
    if tag:
        return f"{kind} 0x{int(tag, 16):x}".lower()
    if form.lower() == "id" and text.lower().startswith("0x"):
        text = f"0x{int(text, 16):x}"
    return f"{kind} {{{space}}} {form} {text}".lower()


def is_property_id(name: str) -> bool:
    return _EXTENDED.fullmatch(name.strip()) is not None


def select(item: Json, options: Mapping[str, str], always: Sequence[str] = ("id",)) -> Json:
    """The item with the chosen properties only; annotations stay."""
    wanted = options.get("$select")
    if not wanted:
        return item
    names = {name.strip().lower() for name in wanted.split(",")} | {name.lower() for name in always}
    return {key: value for key, value in item.items() if key.lower() in names or key[0] == "@"}


def order(things: Sequence[T], options: Mapping[str, str], row: Callable[[T], Any] = lambda thing: thing) -> list[T]:
    """Sorted by $orderby; texts without casing, nulls first. `row` makes an item out of a thing."""
    found = list(things)
    for clause in reversed([c for c in options.get("$orderby", "").split(",") if c.strip()]):
        name, *direction = clause.split()
        steps = name.split("/")

        def rank(thing: T, steps: list[str] = steps) -> tuple[bool, str]:
            value = walk(row(thing), steps)
            return value is not None, f"{value:020d}" if isinstance(value, int) else str(value).lower()

        found.sort(key=rank, reverse=[d.lower() for d in direction] == ["desc"])
    return found


def whole_number(options: Mapping[str, str], name: str, default: int) -> int:
    """A query option that must be a whole number, zero or more."""
    text = options.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid value '{text[:40]}' for {name} query option found. It must be a positive integer.")
    return int(text)


def page_size(options: Mapping[str, str], default: int, most: int, *, strict: bool = False) -> int:
    """How many items a page has; past `most` either lowered to it or, where the service is `strict`, refused."""
    size = whole_number(options, "$top", default)
    if size > most and strict:
        raise bad_request(
            f"Invalid page size specified: '{size}'. Must be between 1 and {most} inclusive.",
            "Request_UnsupportedQuery",
        )
    return max(1, min(size, most))


def write_token(kind: str, *places: int) -> str:
    """An opaque place in a listing; `kind` keeps tokens of different listings apart."""
    text = ":".join(f"{place:x}" for place in places)
    return base64.urlsafe_b64encode(f"{text}:{_seal(kind, places):04x}".encode()).decode().rstrip("=")


def read_token(token: str, kind: str) -> tuple[int, ...] | None:
    """The places, or None for a token that was never given out for this."""
    try:
        *places, seal = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(":")
        found = tuple(int(place, 16) for place in places)
    except (ValueError, UnicodeDecodeError):
        return None
    return found if seal == f"{_seal(kind, found):04x}" else None


def _seal(kind: str, places: Sequence[int]) -> int:
    return zlib.crc32(f"{kind} {places}".encode()) & 0xFFFF
