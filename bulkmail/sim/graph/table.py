"""Finds the route of a request: a tree of path segments, literal ones first, in any casing. Knows no resource."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from bulkmail.sim.graph.call import NONE, Answer, Call, Refusal, bad_request
from bulkmail.sim.world import World

Work: TypeAlias = Callable[[World, Call], Answer]
Service: TypeAlias = Literal["mailbox", "directory", "other", "signed"]
KEYED: frozenset[str] = frozenset()  # the roles that a pre-authenticated address needs: it is its own key


def roles(names: str) -> frozenset[str]:
    """Any one of these application roles opens a route."""
    return frozenset(names.split())


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` has `{}` for a key; a mailbox's route names it by the first. `cost` is in resource units."""

    method: str
    pattern: str
    work: Work
    roles: frozenset[str]
    service: Service = "mailbox"
    cost: int = 1
    name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.method} {self.pattern}")


@dataclass(slots=True)
class Node:
    """`key` is where any other segment leads. Where a longer way comes back to a shorter one, the key `replaces` so
    many of those before it."""

    literals: dict[str, "Node"] = field(default_factory=dict)
    key: "Node | None" = None
    replaces: int = 0
    routes: dict[str, Route] = field(default_factory=dict)

    def below(self, segment: str) -> "Node":
        if segment == "{}":
            self.key = self.key or Node()
            return self.key
        return self.literals.setdefault(segment.lower(), Node())


class Table:
    """All routes. `find` answers unknown addresses as Graph does.

    `ways` are longer ways to the same thing, by pattern, both of which end with its key: all that can be asked of the
    shorter one can be asked of the longer one, too.
    """

    def __init__(self, routes: Iterable[Route], ways: Mapping[str, str] = NONE) -> None:
        self.root = Node()
        self._short: dict[tuple[str, str], Route] = {}  # those of `/users/{}/name`, found without a walk
        self._counts: dict[str, Route] = {}
        for route in routes:
            self._add(route)
        for longer, shorter in ways.items():
            node = self._at(longer.removesuffix("/{}"))
            node.key, node.replaces = self._at(shorter), longer.count("{}") - shorter.count("{}")

    def _at(self, pattern: str) -> Node:
        node = self.root
        for segment in pattern.strip("/").split("/"):
            node = node.below(segment)
        return node

    def _add(self, route: Route) -> None:
        node = self._at(route.pattern)
        if route.method in node.routes:
            raise ValueError(f"{route.name} is there twice")
        node.routes[route.method] = route
        first, *rest = route.pattern.strip("/").split("/")
        if first == "users" and len(rest) == 2 and rest[0] == "{}":
            self._short[route.method, rest[1]] = route

    def find(self, call: Call) -> Route:
        """The route; what its keys matched is put into the call. Raises Refusal."""
        segments = call.segments
        if len(segments) == 3 and segments[0] == "users":
            short = self._short.get((call.method, segments[2]))
            if short is not None:
                call.keys, call.pattern = segments[1:2], short.pattern
                return short
        counts = call.method == "GET" and segments[-1:] == ("$count",)
        if counts:
            segments = call.segments = segments[:-1]
        node, keys = self._descend(segments)
        call.keys = tuple(keys)
        route = node.routes.get(call.method)
        if route is None:
            raise self._wrong_method(node, call)
        call.pattern = route.pattern
        return self._count_of(route) if counts else route

    def _count_of(self, route: Route) -> Route:
        """The number of what a listing has, as a text of its own."""
        if route.name not in self._counts:
            self._counts[route.name] = replace(route, pattern=f"{route.pattern}/$count", work=counted(route.work))
        return self._counts[route.name]

    def _descend(self, segments: Sequence[str]) -> tuple[Node, list[str]]:
        keys: list[str] = []
        node = self.root
        for segment in segments:
            if segment[-1] == ")" and "(" in segment:
                return self._descend(unfolded(segments))
            below = node.literals.get(segment.lower())
            if below is None:
                below = node.key
                keys[len(keys) - node.replaces :] = [segment]
            if below is None:
                raise bad_request(f"Resource not found for the segment '{segment[:80]}'.")
            node = below
        return node, keys

    def _wrong_method(self, node: Node, call: Call) -> Refusal:
        if node.routes:
            return Refusal(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        return bad_request(f"Resource not found for the segment '{(call.segments or ('',))[-1][:80]}'.")


def counted(work: Work) -> Work:
    def count(world: World, call: Call) -> Answer:
        call.options = {**call.options, "$count": "true", "$top": "1"}
        body = work(world, call).body
        if not isinstance(body, dict) or "@odata.count" not in body:
            raise bad_request("Resource not found for the segment '$count'.")
        return Answer(200, str(body["@odata.count"]).encode(), {"Content-Type": "text/plain"})

    return count


_FUNCTION = re.compile(r"(?:microsoft\.graph\.)?([\w.]+)\((.*)\)")
_ARGUMENT = re.compile(r"(?:\w+=)?([\w.]*'(?:[^']|'')*'|[^,]*)(?:,|$)")


def unfolded(segments: Iterable[str]) -> list[str]:
    """Keys and functions in parentheses as plain segments: `users('a')` is `users/a`, `f(x='1',y=2)` is `f/1/2`."""
    plain = []
    for segment in segments:
        found = _FUNCTION.fullmatch(segment)
        if found is None:
            plain.append(segment)
            continue
        plain.append(found[1])
        plain += [_value(argument[1]) for argument in _ARGUMENT.finditer(found[2]) if argument[1]]
    return plain


def _value(argument: str) -> str:
    """An argument without its quotes, and without the type that may stand before these."""
    if not argument.endswith("'"):
        return argument
    return argument[argument.index("'") + 1 : -1].replace("''", "'")
