"""A family is one folder: complete, found by looking, and free of every other family but those that it names."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.sim import families as package
from bulkmail.sim.families import families, kinds, routes

ROOT = Path(package.__file__).parent
NAMES = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())
PREFIX = "bulkmail.sim.families."


def imported(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield f"{node.module}"


def test_every_folder_is_found() -> None:
    assert list(families()) == NAMES
    assert len(NAMES) > 5


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_complete(name: str) -> None:
    for part in ("kind", "content", "routes"):
        text = (ROOT / name / f"{part}.py").read_text(encoding="utf-8")
        assert text.startswith('"""'), f"{name}/{part}.py does not say what it is"
    family = families()[name]
    assert family.routes
    assert all(route.roles for route in family.routes), "every route of Graph asks for a role"
    assert all(route.service != "signed" for route in family.routes)
    assert all(route.pattern.startswith("/_") and not route.roles for route in family.signed)


@pytest.mark.parametrize("name", NAMES)
def test_a_family_imports_only_those_that_it_names(name: str) -> None:
    others = {text.removeprefix(PREFIX).partition(".")[0] for text in imported(ROOT / name) if text.startswith(PREFIX)}
    assert others - {name} == set(families()[name].uses)


def test_families_do_not_use_each_other_in_a_circle() -> None:
    left = {name: set(family.uses) for name, family in families().items()}
    while left:
        free = {name for name, uses in left.items() if not uses & left.keys()}
        assert free, f"these use each other: {sorted(left)}"
        left = {name: uses for name, uses in left.items() if name not in free}


def test_only_the_list_of_families_and_itself_know_a_family() -> None:
    """What is common to all must not depend on one of them."""
    for path in (ROOT.parent).rglob("*.py"):
        if ROOT not in path.parents:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    assert not f"{node.module}".startswith(PREFIX), f"{path.name} imports {node.module}"


def test_routes_and_kinds_are_there_once() -> None:
    names = [route.name for route in routes()]
    assert len(names) == len(set(names))
    assert all(0 <= kind.ids < 256 for kind in kinds().values())


NEW = """
from bulkmail.sim.graph.family import Family
from bulkmail.sim.graph.items import listing
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import Route, roles
from bulkmail.sim.tenant.store import Item

POT = Kind({name!r}, "pots", "#microsoft.graph.pot", lambda mailbox: [Item(1, 0, {{"displayName": "Pot"}})], {ids})


def pots(world, call):
    return listing(world, call, POT, POT.of(world.mailboxes.read(call.user)))


FAMILY = Family((Route("GET", "/users/{{}}/pots", pots, roles("Pots.Read")),), (POT,))
"""
ASK = """
import asyncio, sys
from bulkmail.sim import families
families.__path__.append(sys.argv[1])
from bulkmail.sim import Settings, Simulator, every_role
from bulkmail.sim.graph.call import Call, Grant
from bulkmail.sim.graph.service import Service

sim = Simulator(Settings(mailboxes=5, absent=0, denied=0))
grant = Grant("app", frozenset({"Pots.Read"}), 1e9, 1)
call = Call("GET", ("users", sim.tenant.address(1), "pots"), {}, {}, b"", grant, "https://graph.example/v1.0")
answer = asyncio.run(Service(sim.world, sim.entra, lambda: 0.0).serve(call))
print(answer.status, answer.body["value"][0]["displayName"], "Pots.Read" in every_role())
print([row["displayName"] for row in sim.contents("pots", sim.tenant.address(2))])
"""


def grow(folder: Path, name: str, ids: int) -> subprocess.CompletedProcess[str]:
    (folder / "pots").mkdir()
    (folder / "pots" / "__init__.py").write_text(NEW.format(name=name, ids=ids), encoding="utf-8")
    return subprocess.run([sys.executable, "-c", ASK, str(folder)], capture_output=True, text=True, check=False)


def test_a_new_folder_is_a_new_family_and_nothing_else_is_touched(tmp_path: Path) -> None:
    done = grow(tmp_path, "pots", 200)
    assert done.stdout == "200 Pot True\n['Pot']\n", done.stderr


@pytest.mark.parametrize(("name", "ids"), [("messages", 200), ("pots", 2)])
def test_two_families_cannot_claim_the_same(tmp_path: Path, name: str, ids: int) -> None:
    done = grow(tmp_path, name, ids)
    assert "two kinds in a mailbox have the same name or ids" in done.stderr
