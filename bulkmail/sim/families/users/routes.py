"""Users of the directory: one, a listing, a delta query. Computed page by page, never all at once."""

from collections.abc import Iterator

from bulkmail.sim.families.settings.content import settings_of
from bulkmail.sim.families.users.content import directory_filter, eventual, not_found, page_start, shape
from bulkmail.sim.families.users.kind import FULL_READ, LOOKED_AT, MOST, PAGE, READ
from bulkmail.sim.graph.call import Answer, Call, Json
from bulkmail.sim.graph.odata import Filter, page_size, write_token
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World


def one(world: World, call: Call) -> Answer:
    number = world.tenant.find(call.keys[0])
    if number < 0:
        raise not_found(call.keys[0])
    body: Json = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    if "mailboxsettings" in call.options.get("$select", "").lower():
        body["mailboxSettings"] = settings_of(world, number)
    return Answer(body=body | shape(world.tenant.user(number), call))


def listing(world: World, call: Call) -> Answer:
    found = directory_filter(call)
    if found is not None:
        exact = dict(found.equals).get("id")
        if exact is not None:
            return _answer(world, call, [world.tenant.find(str(exact))], found)
    return _answer(world, call, None, found)


def _answer(world: World, call: Call, numbers: list[int] | None, found: Filter | None) -> Answer:
    size = page_size(call.options, PAGE, MOST, strict=True)
    token = call.options.get("$skiptoken")
    start = page_start(token, "users")
    users: list[Json] = []
    place = start
    for place in numbers if numbers is not None else range(start, min(start + LOOKED_AT, world.tenant.size)):
        if len(users) == size:
            break
        users += [shape(user, call) for user in _matching(world, place, found)]
    else:
        place = place + 1 if numbers is None and start < world.tenant.size else world.tenant.size
    body: Json = {"@odata.context": _context(call)}
    if eventual(call) and call.options.get("$count") == "true" and not token:
        body["@odata.count"] = _count(world, found)
    if place < world.tenant.size and numbers is None:
        body["@odata.nextLink"] = call.link({**call.options, "$skiptoken": write_token("users", place)})
    return Answer(body=body | {"value": users})


def _matching(world: World, number: int, found: Filter | None) -> Iterator[Json]:
    if number >= 0 and number not in world.tenant.removed:
        user = world.tenant.user(number)
        if found is None or found.test(user):
            yield user


def _count(world: World, found: Filter | None) -> int:
    if found is None:
        return world.tenant.size - len(world.tenant.removed)
    return sum(1 for number in range(min(world.tenant.size, LOOKED_AT)) for _ in _matching(world, number, found))


def _context(call: Call) -> str:
    chosen = call.options.get("$select")
    return f"{call.base}/$metadata#users" + (f"({chosen})" if chosen else "")


def changes(world: World, call: Call) -> Answer:
    """All users at first, then those that were changed or removed since the deltaLink."""
    tenant = world.tenant
    token = call.options.get("$deltatoken", "")
    if token == "latest":  # noqa: S105 - a word of the protocol
        return _delta_page(call, [], "$deltatoken", tenant.changes)
    if token:
        since = page_start(token, "usersdelta")
        numbers = [number for number, change in tenant.changed.items() if change > since]
        return _delta_page(call, [_changed(world, call, number) for number in numbers], "$deltatoken", tenant.changes)
    start = page_start(call.options.get("$skiptoken"), "usersdelta")
    end = min(start + PAGE, tenant.size)
    users = [_changed(world, call, number) for number in range(start, end) if number not in tenant.removed]
    if end < tenant.size:
        return _delta_page(call, users, "$skiptoken", end)
    return _delta_page(call, users, "$deltatoken", tenant.changes)


def _changed(world: World, call: Call, number: int) -> Json:
    if number in world.tenant.removed:
        return {"id": world.tenant.guid(number), "@removed": {"reason": "changed"}}
    return shape(world.tenant.user(number), call)


def _delta_page(call: Call, users: list[Json], name: str, place: int) -> Answer:
    options = {key: value for key, value in call.options.items() if key not in {"$skiptoken", "$deltatoken"}}
    link = call.link(options | {name: write_token("usersdelta", place)})
    kind = "@odata.nextLink" if name == "$skiptoken" else "@odata.deltaLink"
    return Answer(200, {"@odata.context": _context(call), kind: link, "value": users})


ROUTES = (
    Route("GET", "/users/delta", changes, FULL_READ, "directory"),
    Route("GET", "/users", listing, READ, "directory", cost=2),
    Route("GET", "/users/{}", one, READ, "directory"),
)
