"""The floors of the house: who may import whom. Parsed, not imported, so that a broken room cannot hide."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent / "bulkmail"

FLOORS = [
    ("errors", "model", "address", "text", "atomic", "daemon", "deadlines", "leaving", "streams"),
    ("core", "config"),
    ("transport", "identity", "sim", "graph"),
    ("source", "sink", "task"),
    ("tasks", "rundir"),
    ("run",),
    ("report",),
    ("app", "docs", "testing", "__init__"),
    ("cluster",),
    ("cli", "__main__"),
]

OUTSIDE_ONLY_IN = {  # a library that only some rooms may know
    "aiohttp": ("transport.wire", "transport.line", "transport.direct", "sim"),
    "msal": ("identity",),
    "requests": ("identity",),
    "cryptography": ("identity", "sim"),
    "aiolimiter": ("transport.limit",),
    "typer": ("cli",),
    "rich": ("cli",),
    "filelock": ("rundir",),
    "distributed": ("cluster",),
    "dask": ("cluster",),
    "fsspec": ("sink.objects",),
    "jinja2": ("report.page",),
    "sqlite3": ("rundir", "report.diff.database"),
    "prometheus_client": ("report.metrics", "report.exporter"),
    "pytest": ("testing.fixtures",),  # a fixture for the tests of plugins; bulkmail runs without pytest
}

SIM_KNOWN_IN = ("cli", "sim", "testing.tenant", "testing.fixtures")  # plugins' authors rehearse on it as we do

NEVER = {  # room -> what it may not import, whatever its floor
    "core": ("asyncio", "time", "random", "logging", "datetime.datetime.now"),
    "task": ("aiohttp", "bulkmail.transport"),
    "tasks": ("asyncio", "aiohttp", "bulkmail.transport"),
    "sim": ("bulkmail.core", "bulkmail.transport", "bulkmail.graph"),
    "source": ("bulkmail.transport", "bulkmail.sim", "bulkmail.identity"),
    "sink": ("bulkmail.transport", "bulkmail.sim", "bulkmail.identity", "bulkmail.graph"),
    "rundir": ("bulkmail.transport", "bulkmail.sim", "bulkmail.identity", "bulkmail.graph"),
    "run": ("bulkmail.transport", "bulkmail.sim", "bulkmail.identity"),
    "graph": ("bulkmail.transport",),
    "transport": ("bulkmail.identity",),
}


def modules() -> list[tuple[str, Path]]:
    """Every module of the package as a dotted name below it; the package itself is `__init__`."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)
        found.append((name, path))
    return found


def inside(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def floor(name: str) -> int:
    """The most exactly named room wins: `run.sink` lies below `run`."""
    rooms = [(len(room), number) for number, floor in enumerate(FLOORS) for room in floor if inside(name, room)]
    assert rooms, f"{name} has no floor; give it one in FLOORS"
    return max(rooms)[1]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


MODULES = modules()
NAMES = {name for name, _ in MODULES}


@cache
def all_imports() -> Sequence[tuple[str, str]]:
    """Each module with each name that it imports. Parsed where it is asked for: each worker reads this file."""
    return [(name, imported) for name, path in MODULES for imported in sorted(imports(path))]


def target(imported: str) -> str:
    """The module of this package that `imported` names; empty if it names none."""
    if not inside(imported, "bulkmail"):
        return ""
    below = imported.removeprefix("bulkmail").removeprefix(".") or "__init__"
    while below not in NAMES and "." in below:
        below = below.rpartition(".")[0]
    return below if below in NAMES else "__init__"


def test_imports_only_from_its_own_floor_or_below() -> None:
    for name, imported in all_imports():
        below = target(imported)
        if below and below != name:
            assert floor(below) <= floor(name), f"{name} must not import {below}"


def test_a_library_is_known_only_where_it_belongs() -> None:
    for name, imported in all_imports():
        rooms = OUTSIDE_ONLY_IN.get(imported.partition(".")[0])
        assert rooms is None or any(inside(name, room) for room in rooms), f"{name} must not import {imported}"


def test_forbidden_neighbours() -> None:
    for name, imported in all_imports():
        banned = [word for room, words in NEVER.items() if inside(name, room) for word in words]
        if not any(inside(name, room) for room in SIM_KNOWN_IN):
            banned.append("bulkmail.sim")
        assert not any(inside(imported, word) for word in banned), f"{name} must not import {imported}"


PART_OF_THE_WIRE = ("transport.wire", "transport.line")


def test_no_wrapper_knows_another() -> None:
    for name, imported in all_imports():
        if (name, target(imported)) == PART_OF_THE_WIRE:
            continue
        if inside(name, "transport") and name != "transport" and target(imported) != name:
            assert not inside(target(imported), "transport"), f"{name} imports another wrapper"


def test_no_file_is_longer_than_400_lines() -> None:
    for name, path in MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, f"{name} is too long"
