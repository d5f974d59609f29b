"""Groups and who is in them, directly or by way of other groups, with the cast to users only."""

from itertools import islice

from bulkmail.sim.families.groups.content import rows_of
from bulkmail.sim.families.groups.kind import READ
from bulkmail.sim.families.users.content import directory_filter, eventual, not_found, page_start
from bulkmail.sim.families.users.kind import DEFAULT, MOST, PAGE
from bulkmail.sim.graph.call import Answer, Call, Json
from bulkmail.sim.graph.odata import page_size, select, write_token
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.groups import COUNT
from bulkmail.sim.world import World


def groups(world: World, call: Call) -> Answer:
    found = directory_filter(call)
    rows = [world.groups.group(number) for number in range(COUNT)]
    rows = [select(row, call.options) for row in rows if found is None or found.test(row)]
    return Answer(body={"@odata.context": f"{call.base}/$metadata#groups", "value": rows})


def group(world: World, call: Call) -> Answer:
    row = world.groups.group(_number(world, call))
    return Answer(body={"@odata.context": f"{call.base}/$metadata#groups/$entity"} | select(row, call.options))


def members(world: World, call: Call) -> Answer:
    return _members(world, call, transitive=False)


def transitive_members(world: World, call: Call) -> Answer:
    return _members(world, call, transitive=True)


def _number(world: World, call: Call) -> int:
    number = world.groups.find(call.keys[0])
    if number < 0:
        raise not_found(call.keys[0])
    return number


def _members(world: World, call: Call, *, transitive: bool) -> Answer:
    """Users in order of their numbers, after the groups; the cast, the last segment, leaves the groups out."""
    number, found = _number(world, call), directory_filter(call)
    users_only = call.segments[-1].lower() == "microsoft.graph.user"
    size = page_size(call.options, PAGE, MOST, strict=True)
    token = call.options.get("$skiptoken")
    start = page_start(token, "members")
    inner = () if users_only else world.groups.inner(number)
    numbers = list(islice(world.groups.users(number, transitive=transitive), start, start + size + 1))
    rows = [
        row
        for row in rows_of(world, () if start else inner, numbers[:size], marked=not users_only)
        if found is None or found.test(row)
    ]
    chosen = call.options if "$select" in call.options else {"$select": ",".join(DEFAULT)}
    body: Json = {"@odata.context": f"{call.base}/$metadata#{'users' if users_only else 'directoryObjects'}"}
    if eventual(call) and call.options.get("$count") == "true" and not token:
        body["@odata.count"] = len(inner) + sum(1 for _ in world.groups.users(number, transitive=transitive))
    if len(numbers) > size:
        body["@odata.nextLink"] = call.link({**call.options, "$skiptoken": write_token("members", start + size)})
    return Answer(body=body | {"value": [select(row, chosen) for row in rows]})


ROUTES = (
    Route("GET", "/groups", groups, READ, "directory"),
    Route("GET", "/groups/{}", group, READ, "directory"),
    Route("GET", "/groups/{}/members", members, READ, "directory", cost=3),
    Route("GET", "/groups/{}/members/microsoft.graph.user", members, READ, "directory", cost=3),
    Route("GET", "/groups/{}/transitiveMembers", transitive_members, READ, "directory", cost=5),
    Route("GET", "/groups/{}/transitiveMembers/microsoft.graph.user", transitive_members, READ, "directory", cost=5),
)
