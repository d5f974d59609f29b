"""Changes a rehearsal while it runs: `POST /_control` with a JSON object, each key one change. Knows no HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeAlias

from bulkmail.sim import families
from bulkmail.sim.entra.entra import ERRORS, Entra
from bulkmail.sim.faults.script import fault_of, parse_fault
from bulkmail.sim.graph.call import Answer, Json, bad_request
from bulkmail.sim.limits.settings import Limits
from bulkmail.sim.world import World

Change: TypeAlias = Callable[[World, Entra, Any], None]


def carry_out(world: World, entra: Entra, changes: Json) -> Answer:
    """Answers with the books. Refuses unknown changes, and a wrong value before it has any effect."""
    known = {*CHANGES, *families.changes()}
    strange = sorted(set(changes) - known)
    if strange:
        raise bad_request(f"Unknown change {', '.join(strange)}; there are {', '.join(sorted(known))}.")
    for name, value in changes.items():
        try:
            if name in CHANGES:
                CHANGES[name](world, entra, value)
            else:
                families.changes()[name](world, value)
        except (ValueError, TypeError, KeyError) as error:
            raise bad_request(f"{name}: {error}") from None
    return Answer(200, world.books.snapshot())


def _limits(world: World, _: Entra, value: Json) -> None:
    names = {field.name for field in fields(Limits)}
    strange = sorted(set(value) - names)
    if strange:
        raise ValueError(f"no limit is called {', '.join(strange)}; there are {', '.join(sorted(names))}")
    world.throttle.limits = replace(world.throttle.limits, **value)


def _faults(world: World, _: Entra, value: list[Any]) -> None:
    world.script.load([parse_fault(row) if isinstance(row, str) else fault_of(row) for row in value])


def _latency(world: World, _: Entra, value: float) -> None:
    if not 0 <= float(value) < 3600:
        raise ValueError("latency is in seconds, from 0 to 3600")
    world.latency = float(value)


def _clock(world: World, _: Entra, value: float) -> None:
    """Seconds by which the clock of the service is ahead, as its answers tell."""
    world.ahead = float(value)


def _trouble(_: World, entra: Entra, value: int) -> None:
    if value and value not in ERRORS:
        raise ValueError(f"the simulator knows the AADSTS numbers {', '.join(map(str, sorted(ERRORS)))}")
    entra.trouble = value


def _apps(_: World, entra: Entra, value: Mapping[str, Json]) -> None:
    """Switches an app off or on, gives it other roles or one more certificate; tokens that were given keep theirs."""
    for client_id, change in value.items():
        app = entra.apps[client_id]
        app.enabled = bool(change.get("enabled", app.enabled))
        app.roles = frozenset(change.get("roles", app.roles))
        if "certificate" in change:
            app.trust(str(change["certificate"]).encode())


def _users(world: World, value: list[str], change: Callable[[int], None]) -> None:
    numbers = [world.tenant.find(text) for text in value]
    if min(numbers, default=0) < 0:
        raise ValueError("a user is not known")
    for number in numbers:
        change(number)


def _forget(world: World, _: Entra, value: bool | list[str]) -> None:  # noqa: FBT001 - the value of a JSON key
    """All delta links, or those of these mailboxes."""
    if isinstance(value, list):
        _users(world, value, lambda number: world.forgotten.update([number]))
    else:
        world.epoch += 1


def _expire(_: World, entra: Entra, __: bool) -> None:  # noqa: FBT001
    entra.expire()


def _challenge(_: World, entra: Entra, __: bool) -> None:  # noqa: FBT001
    entra.challenge()


def _expires_in(_: World, entra: Entra, value: Any) -> None:
    entra.told_life = value


def _remove(world: World, _: Entra, value: list[str]) -> None:
    _users(world, value, world.tenant.remove)


def _touch(world: World, _: Entra, value: list[str]) -> None:
    _users(world, value, world.tenant.touch)


CHANGES: Mapping[str, Change] = {
    "apps": _apps,
    "challenge": _challenge,
    "clock": _clock,
    "expire": _expire,
    "expires_in": _expires_in,
    "faults": _faults,
    "forget_deltas": _forget,
    "latency": _latency,
    "limits": _limits,
    "remove_users": _remove,
    "touch_users": _touch,
    "trouble": _trouble,
}
