"""Graph's resources by families. A folder here is a family, found by looking: adding one touches no other file.

A family's folder holds `kind.py` (what its things are, and who may read and write them), `content.py` (what is there
before anything was written), `routes.py` (what can be asked), and in `__init__.py` its `FAMILY`.
"""

import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from bulkmail.sim.graph.family import Family
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


@cache
def families() -> Mapping[str, Family]:
    """Every family by the name of its folder. Raises ValueError where two of them say that the same thing is theirs."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    found: dict[str, Family] = {name: import_module(f"{__name__}.{name}").FAMILY for name in names}
    _check_apart([kind.name for family in found.values() for kind in family.kinds])
    _check_apart([str(kind.ids) for family in found.values() for kind in family.kinds if kind.ids])
    return found


def _check_apart(names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"two kinds in a mailbox have the same name or ids: {', '.join(sorted(twice))}")


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of thing in a mailbox, by its name."""
    return {kind.name: kind for family in families().values() for kind in family.kinds}


@cache
def routes() -> tuple[Route, ...]:
    """All that can be asked of Graph."""
    return tuple(route for family in families().values() for route in family.routes)


@cache
def ways() -> Mapping[str, str]:
    """Longer ways to what has a shorter one, by pattern."""
    return {longer: shorter for family in families().values() for longer, shorter in family.ways.items()}


@cache
def changes() -> Mapping[str, Callable[[World, Any], None]]:
    """What a judge may do to the tenant, by name."""
    return {name: change for family in families().values() for name, change in family.changes.items()}


@cache
def signed() -> tuple[Route, ...]:
    """The pre-authenticated addresses beside Graph."""
    return tuple(route for family in families().values() for route in family.signed)
