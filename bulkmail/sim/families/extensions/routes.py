"""Extensions: listed, read, made once by name, changed property by property, and taken away."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from bulkmail.sim.families.extensions.content import extensions, kept
from bulkmail.sim.families.extensions.kind import OWNERS, Owner
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.table import Route, Work
from bulkmail.sim.world import World

Act: TypeAlias = Callable[[World, Call, Owner], Answer]
TYPE = "microsoft.graph.openTypeExtension"
OWN = frozenset({"@odata.type", "id", "extensionname"})


def _context(call: Call, *, one: bool) -> Json:
    return {"@odata.context": f"{call.base}/$metadata#users('{call.keys[0]}')/extensions{'/$entity' if one else ''}"}


def _name(call: Call, owner: Owner) -> str:
    return call.keys[-1].lower().removeprefix(owner.prefix.lower())


def every(world: World, call: Call, owner: Owner) -> Answer:
    number = owner.find(world, call, -1)
    found = extensions(world.mailboxes.read(call.user), owner, number)
    return Answer(200, _context(call, one=False) | {"@odata.count": len(found), "value": list(found.values())})


def read(world: World, call: Call, owner: Owner) -> Answer:
    number = owner.find(world, call, -2)
    there = extensions(world.mailboxes.read(call.user), owner, number)
    found = there.get(_name(call, owner))
    if found is None:
        raise item_not_found()
    return Answer(200, _context(call, one=True) | found)


def add(world: World, call: Call, owner: Owner) -> Answer:
    body = call.json()
    name = body.get("extensionName")
    if str(body.get("@odata.type", "")).lstrip("#").lower() != TYPE.lower() or not isinstance(name, str) or not name:
        raise bad_request("An open extension needs its type and an extensionName.", "ErrorInvalidRequest")
    number = owner.find(world, call, -1)
    there = kept(world.mailboxes.write(call.user), owner, number)
    if name.lower() in there:
        raise Refusal(409, "NameConflict", "An extension already exists with given id.")
    made = {"@odata.type": f"#{TYPE}", "id": owner.prefix + name, "extensionName": name}
    there[name.lower()] = made | _own(body)
    return Answer(201, _context(call, one=True) | there[name.lower()])


def _own(body: Json) -> Json:
    return {name: value for name, value in body.items() if name.lower() not in OWN}


def change(world: World, call: Call, owner: Owner) -> Answer:
    """Properties that are not named stay, and null takes one away."""
    read(world, call, owner)  # it is there, and the mailbox is known
    there = kept(world.mailboxes.write(call.user), owner, owner.find(world, call, -2))
    changed = there[_name(call, owner)] | _own(call.json())
    there[_name(call, owner)] = {name: value for name, value in changed.items() if value is not None}
    return Answer(200, _context(call, one=True) | there[_name(call, owner)])


def remove(world: World, call: Call, owner: Owner) -> Answer:
    read(world, call, owner)
    del kept(world.mailboxes.write(call.user), owner, owner.find(world, call, -2))[_name(call, owner)]
    return Answer(204)


def _of(act: Act, owner: Owner) -> Work:
    return lambda world, call: act(world, call, owner)


def _routes(owner: Owner) -> Iterator[Route]:
    for path in owner.paths:
        for method, end, act, rights in (
            ("GET", "", every, owner.read),
            ("POST", "", add, owner.write),
            ("GET", "/{}", read, owner.read),
            ("PATCH", "/{}", change, owner.write),
            ("DELETE", "/{}", remove, owner.write),
        ):
            yield Route(method, f"{path}/extensions{end}", _of(act, owner), rights, owner.service)


ROUTES = tuple(route for owner in OWNERS for route in _routes(owner))
