"""`/applications`, `/servicePrincipals` with their `appRoleAssignments`, and `/organization`."""

from collections.abc import Iterable

from bulkmail.sim.families.applications import content
from bulkmail.sim.families.applications.kind import GRANT, READ, TENANT, WRITE
from bulkmail.sim.families.users.content import directory_filter
from bulkmail.sim.graph.call import Answer, Call, Json
from bulkmail.sim.graph.odata import select
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.sim.world import World


def applications(world: World, call: Call) -> Answer:
    rows = content.objects(world).applications.values()
    return _listed(call, "applications", map(_keyless, rows))


def application(world: World, call: Call) -> Answer:
    """The content of its keys is shown only where keys are asked for by name."""
    found = content.known_application(content.objects(world), call.keys[0])
    asked = "keycredentials" in call.options.get("$select", "").lower()
    body = select(found if asked else _keyless(found), call.options)
    return Answer(body={"@odata.context": f"{call.base}/$metadata#applications/$entity"} | body)


def create(world: World, call: Call) -> Answer:
    held = content.objects(world)
    made = content.new_application(held, call.json())
    call.key = made["displayName"]
    return Answer(201, {"@odata.context": f"{call.base}/$metadata#applications/$entity"} | _keyless(made))


def update(world: World, call: Call) -> Answer:
    held = content.objects(world)
    found = content.known_application(held, call.keys[0])
    content.update_application(found, call.json())
    content.publish(world, held, found["appId"])
    return Answer(204)


def principals(world: World, call: Call) -> Answer:
    return _listed(call, "servicePrincipals", content.objects(world).principals.values())


def principal(world: World, call: Call) -> Answer:
    found = content.one_of(content.objects(world).principals, call.keys[0])
    body = select(found, call.options)
    return Answer(body={"@odata.context": f"{call.base}/$metadata#servicePrincipals/$entity"} | body)


def create_principal(world: World, call: Call) -> Answer:
    held = content.objects(world)
    made = content.new_principal(held, str(call.json().get("appId")))
    content.publish(world, held, made["appId"])
    call.key = made["appId"]
    return Answer(201, {"@odata.context": f"{call.base}/$metadata#servicePrincipals/$entity"} | made)


def assignments(world: World, call: Call) -> Answer:
    held = content.objects(world)
    found = content.one_of(held.principals, call.keys[0])
    rows = [one for one in held.assignments.values() if one["principalId"] == found["id"]]
    return _listed(call, "appRoleAssignments", rows)


def assign(world: World, call: Call) -> Answer:
    held = content.objects(world)
    found = content.one_of(held.principals, call.keys[0])
    made = content.new_assignment(held, call.json() | {"principalId": found["id"]})
    content.publish(world, held, found["appId"])
    call.key = f"{made['principalId']} {made['appRoleId']}"
    return Answer(201, {"@odata.context": f"{call.base}/$metadata#appRoleAssignments/$entity"} | made)


def unassign(world: World, call: Call) -> Answer:
    held = content.objects(world)
    found = content.one_of(held.principals, call.keys[0])
    content.one_of(held.assignments, call.keys[1])
    del held.assignments[call.keys[1]]
    content.publish(world, held, found["appId"])
    return Answer(204)


def organization(world: World, call: Call) -> Answer:
    row = {
        "id": world.tenant.id,
        "displayName": "Rehearsal",
        "verifiedDomains": [{"name": DOMAIN, "isDefault": True, "isInitial": True, "type": "Managed"}],
    }
    return _listed(call, "organization", [row])


def _listed(call: Call, name: str, rows: Iterable[Json]) -> Answer:
    found = directory_filter(call)
    shown = [select(row, call.options) for row in rows if found is None or found.test(row)]
    return Answer(body={"@odata.context": f"{call.base}/$metadata#{name}", "value": shown})


def _keyless(row: Json) -> Json:
    return row | {"keyCredentials": [key | {"key": None} for key in row["keyCredentials"]]}


ROUTES = (
    Route("GET", "/applications", applications, READ, "directory", cost=2),
    Route("POST", "/applications", create, WRITE, "directory"),
    Route("GET", "/applications/{}", application, READ, "directory"),
    Route("PATCH", "/applications/{}", update, WRITE, "directory"),
    Route("GET", "/servicePrincipals", principals, READ, "directory", cost=2),
    Route("POST", "/servicePrincipals", create_principal, WRITE, "directory"),
    Route("GET", "/servicePrincipals/{}", principal, READ, "directory"),
    Route("GET", "/servicePrincipals/{}/appRoleAssignments", assignments, READ, "directory"),
    Route("POST", "/servicePrincipals/{}/appRoleAssignments", assign, GRANT, "directory"),
    Route("DELETE", "/servicePrincipals/{}/appRoleAssignments/{}", unassign, GRANT, "directory"),
    Route("GET", "/organization", organization, TENANT, "directory"),
)
