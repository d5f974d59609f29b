"""Memberships, the manager, the reports and the licences of a user."""

from collections.abc import Iterable

from bulkmail.sim.families.relations.content import groups_of, licences, manager_of, reports_of
from bulkmail.sim.families.relations.kind import LICENCES, MEMBERS, REPORTS
from bulkmail.sim.families.users.content import not_found
from bulkmail.sim.families.users.kind import DEFAULT
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.odata import select
from bulkmail.sim.graph.table import Route
from bulkmail.sim.world import World

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
    """With the cast to groups, the last segment, they need not say what they are."""
    mark = {} if call.segments[-1].lower() == "microsoft.graph.group" else GROUP
    numbers = groups_of(_user(world, call), transitive=transitive)
    return _objects(call, (mark | select(world.groups.group(number), call.options) for number in numbers))


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
    return _objects(call, (_shown(world, call, number) for number in reports_of(world, _user(world, call))))


def license_details(world: World, call: Call) -> Answer:
    rows = licences(world.tenant.user(_user(world, call)))
    context = f"{call.base}/$metadata#users('{call.keys[0]}')/licenseDetails"
    return Answer(body={"@odata.context": context, "value": rows})


ROUTES = (
    Route("GET", "/users/{}/memberOf", member_of, MEMBERS, "directory"),
    Route("GET", "/users/{}/memberOf/microsoft.graph.group", member_of, MEMBERS, "directory"),
    Route("GET", "/users/{}/transitiveMemberOf", transitive_member_of, MEMBERS, "directory"),
    Route("GET", "/users/{}/transitiveMemberOf/microsoft.graph.group", transitive_member_of, MEMBERS, "directory"),
    Route("POST", "/users/{}/getMemberGroups", group_ids, MEMBERS, "directory"),
    Route("GET", "/users/{}/manager", manager, REPORTS, "directory"),
    Route("GET", "/users/{}/directReports", reports, REPORTS, "directory"),
    Route("GET", "/users/{}/licenseDetails", license_details, LICENCES, "directory"),
)
