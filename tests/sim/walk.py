"""A walk through every route, in the families' own folders: what it has in common, and where it is found."""

import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from tests.sim import families
from tests.sim.desk import Desk, Reply

TEXT, NUMBER, TRUTH, LIST, OBJECT = str, int, bool, list, dict
MAYBE_TEXT = (str, type(None))
Shape = dict[str, Any]
IDS = re.compile(r"/(AAMkAD[^/?]+|AQAAA[^/?]+|[0-9a-f]{8}-[0-9a-f-]{27})")


def matches(body: Any, shape: Any, place: str = "") -> None:
    if isinstance(shape, dict):
        assert isinstance(body, dict), place
        for name, inner in shape.items():
            assert name in body, f"{place}/{name} is missing"
            matches(body[name], inner, f"{place}/{name}")
    else:
        assert isinstance(body, shape), f"{place} is {body!r}"


class Walk:
    """Asks, checks status and shape, remembers the first answer of each kind."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.base = desk.user()
        self.bodies: dict[str, Any] = {}

    async def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, shape: Any = None) -> Any:
        reply = await self.desk.ask(method, path if path.startswith("http") else f"{self.base}{path}", body)
        assert reply.status == status, (method, path, reply.body)
        self.check_headers(reply)
        if shape is not None:
            matches(reply.body, shape, path)
        self.bodies.setdefault(f"{method} {IDS.sub('/{}', path)}", reply.body)
        return reply.body

    async def rows(self, path: str, shape: Any) -> Any:
        body = await self.ask("GET", path, shape={"@odata.context": TEXT, "value": LIST})
        assert body["value"], path
        for row in body["value"]:
            matches(row, shape, path)
        return body["value"]

    def check_headers(self, reply: Reply) -> None:
        assert reply.headers["request-id"]
        assert json.loads(reply.headers["x-ms-ags-diagnostic"])["ServerInfo"]
        assert "Date" in reply.headers


def modules() -> Iterator[ModuleType]:
    """The `walk.py` of every family's folder here."""
    for module in pkgutil.iter_modules(families.__path__):
        if module.ispkg:
            yield import_module(f"{families.__name__}.{module.name}.walk")


def tables(name: str) -> Mapping[str, Any]:
    """The tables of one name of all walks, as one."""
    return {key: value for module in modules() for key, value in getattr(module, name, {}).items()}


async def walk_all(walk: Walk) -> None:
    for module in modules():
        for part in module.WALKS:
            walk.base = walk.desk.user()
            await part(walk)
