"""Users of the directory: one, a listing, a delta query. Computed page by page, never all at once."""

from collections.abc import Iterator

from bulkmail.sim.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.odata import Filter, page_size, parse_filter, read_token, select, write_token
from bulkmail.sim.routes.table import Route, roles
from bulkmail.sim.world import World

PAGE, MOST = 100, 999
LOOKED_AT = 20_000  # users that one page looks at: a rare match makes short pages, as in the service
DEFAULT = (
    "id", "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName",
)  # fmt: skip
BASIC = {"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"}
FULL_READ = roles("User.Read.All User.ReadWrite.All Directory.Read.All Directory.ReadWrite.All")
READ = FULL_READ | roles("User.ReadBasic.All")


def shape(user: Json, call: Call) -> Json:
    """The properties that were asked for; those that the app may not read come back null."""
    chosen = call.options.get("$select")
    shown = select(user, call.options, ()) if chosen else {name: user[name] for name in DEFAULT}
    if call.grant.roles & FULL_READ:
        return shown
    return {name: value if name in BASIC or name[0] == "@" else None for name, value in shown.items()}


def not_found(text: str) -> Refusal:
    message = f"Resource '{text[:80]}' does not exist or one of its queried reference-property objects are not present."
    return Refusal(404, "Request_ResourceNotFound", message)


def directory_filter(call: Call) -> Filter | None:
    """The $filter, if the rules of advanced queries allow it."""
    text = call.options.get("$filter")
    found = parse_filter(text) if text else None
    advanced = "$search" in call.options or (found is not None and (found.advanced or "$orderby" in call.options))
    if advanced and not (eventual(call) and call.options.get("$count", "").lower() == "true"):
        raise bad_request("Unsupported Query.", "Request_UnsupportedQuery")
    return found


def eventual(call: Call) -> bool:
    return call.headers.get("consistencylevel", "").lower() == "eventual"


def one(world: World, call: Call) -> Answer:
    number = world.tenant.find(call.keys[0])
    if number < 0:
        raise not_found(call.keys[0])
    body: Json = {"@odata.context": f"{call.base}/$metadata#users/$entity"}
    if "mailboxsettings" in call.options.get("$select", "").lower():
        body["mailboxSettings"] = world.mailboxes.settings(number)
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


def page_start(token: str | None, kind: str) -> int:
    """Where a page of the directory begins."""
    place = read_token(token, kind) if token else (0,)
    if place is None:
        raise bad_request("The specified page token value has expired.", "Directory_ExpiredPageToken")
    return place[0]


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
