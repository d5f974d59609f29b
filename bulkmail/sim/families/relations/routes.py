"""Memberships, the manager, the reports and the licences of a user."""

from collections.abc import Iterable, Iterator

from bulkmail.sim.families.relations.content import groups_of, licences, manager_of, reports_of
from bulkmail.sim.families.relations.kind import LICENCES, MEMBERS, REPORTS
from bulkmail.sim.families.users.content import not_found
from bulkmail.sim.families.users.kind import DEFAULT
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.odata import select
from bulkmail.sim.graph.table import Route, Work
from bulkmail.sim.world import World

JOINED = ("group", "directoryRole", "administrativeUnit")
CASTING = ("microsoft.graph.", "graph.")
GROUP, USER = {"@odata.type": "#microsoft.graph.group"}, {"@odata.type": "#microsoft.graph.user"}


def _user(world: World, call: Call) -> int:
    number = world.tenant.find(call.keys[0])
    if number < 0:
        raise not_found(call.keys[0])
    return number


def _objects(call: Call, rows: Iterable[Json]) -> Answer:
    return Answer(body={"@odata.context": f"{call.base}/$metadata#directoryObjects", "value": list(rows)})


def member_of(world: World, call: Call) -> Answer:
    return _memberships(world, call, transitive=False)


def transitive_member_of(world: World, call: Call) -> Answer:
    return _memberships(world, call, transitive=True)


def _memberships(world: World, call: Call, *, transitive: bool) -> Answer:
    """With the cast to groups they need not say what they are; no user here has a role or is in a unit."""
    cast = _cast(call)
    numbers = groups_of(_user(world, call), transitive=transitive) if cast in {"", "group"} else ()
    return _objects(call, (_group(world, call, number, {} if cast else GROUP) for number in numbers))


def _cast(call: Call) -> str:
    """The type that the last segment asks for, in lower case."""
    segment = call.segments[-1].lower()
    return segment.rpartition(".")[2] if segment.startswith(CASTING) else ""


def _group(world: World, call: Call, number: int, mark: Json) -> Json:
    return mark | select(world.groups.group(number), call.options)


def membership(world: World, call: Call) -> Answer:
    """One of all memberships, by the id of the group."""
    for number in groups_of(_user(world, call), transitive=True):
        if world.groups.ids[number] == call.keys[1]:
            context = {"@odata.context": f"{call.base}/$metadata#directoryObjects/$entity"}
            return Answer(200, context | _group(world, call, number, GROUP))
    raise not_found(call.keys[1])


def group_ids(world: World, call: Call) -> Answer:
    """`getMemberGroups`: the ids alone, by way of other groups too."""
    if not isinstance(call.parameters().get("securityenabledonly"), bool):
        raise bad_request("A value is required for the property 'securityEnabledOnly'.", "Request_BadRequest")
    numbers = groups_of(_user(world, call), transitive=True)
    context = f"{call.base}/$metadata#Collection(Edm.String)"
    return Answer(body={"@odata.context": context, "value": [world.groups.ids[number] for number in numbers]})


def _shown(world: World, call: Call, number: int) -> Json:
    chosen = call.options if "$select" in call.options else {"$select": ",".join(DEFAULT)}
    return USER | select(world.tenant.user(number), chosen)


def manager(world: World, call: Call) -> Answer:
    number = manager_of(_user(world, call))
    if number < 0 or number in world.tenant.removed:
        raise not_found("manager")
    context = f"{call.base}/$metadata#directoryObjects/$entity"
    return Answer(body={"@odata.context": context} | _shown(world, call, number))


def reports(world: World, call: Call) -> Answer:
    numbers = reports_of(world, _user(world, call)) if _cast(call) in {"", "user"} else ()
    return _objects(call, (_shown(world, call, number) for number in numbers))


def report(world: World, call: Call) -> Answer:
    for number in reports_of(world, _user(world, call)):
        if world.tenant.find(call.keys[1]) == number:
            context = {"@odata.context": f"{call.base}/$metadata#directoryObjects/$entity"}
            return Answer(200, context | _shown(world, call, number))
    raise not_found(call.keys[1])


def license_details(world: World, call: Call) -> Answer:
    rows = licences(world.tenant.user(_user(world, call)))
    context = f"{call.base}/$metadata#users('{call.keys[0]}')/licenseDetails"
    return Answer(body={"@odata.context": context, "value": rows})


def _listing(path: str, every: Work, one: Work, rights: frozenset[str], casts: tuple[str, ...]) -> Iterator[Route]:
    """A listing, one of it by its id, and the listing of one type alone, whose name may be shortened."""
    yield Route("GET", path, every, rights, "directory")
    yield Route("GET", f"{path}/{{}}", one, rights, "directory")
    for prefix in CASTING:
        for cast in casts:
            yield Route("GET", f"{path}/{prefix}{cast}", every, rights, "directory")


ROUTES = (
    *_listing("/users/{}/memberOf", member_of, membership, MEMBERS, JOINED),
    *_listing("/users/{}/transitiveMemberOf", transitive_member_of, membership, MEMBERS, JOINED),
    Route("POST", "/users/{}/getMemberGroups", group_ids, MEMBERS, "directory"),
    Route("GET", "/users/{}/manager", manager, REPORTS, "directory"),
    *_listing("/users/{}/directReports", reports, report, REPORTS, ("user", "orgContact")),
    Route("GET", "/users/{}/licenseDetails", license_details, LICENCES, "directory"),
)
