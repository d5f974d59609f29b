"""Who may see a calendar."""

from bulkmail.sim.families.calendars.content import DEFAULT, permission
from bulkmail.sim.families.calendars.kind import FULL_READ, PERMISSION, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

GRANT: Json = {"role": "", "emailAddress": {}, "isInsideOrganization": True, "isRemovable": True, "allowedRoles": []}
ROLES = frozenset(
    [
        "none",
        "freeBusyRead",
        "limitedRead",
        "read",
        "write",
        "delegateWithoutPrivateEventAccess",
        "delegateWithPrivateEventAccess",
        "custom",
    ]
)


def permissions(world: World, call: Call) -> Answer:
    return listing(world, call, PERMISSION, PERMISSION.of(world.mailboxes.read(call.user)))


def _permission(world: World, call: Call) -> Item:
    return find(world, call, PERMISSION, call.keys[1])


def read_permission(world: World, call: Call) -> Answer:
    return one(world, call, PERMISSION, _permission(world, call))


def add_permission(world: World, call: Call) -> Answer:
    props = known(call.json(), GRANT, "calendarPermission")
    grantee = props.get("emailAddress") or {}
    address, role = grantee.get("address"), _role(props)
    if not isinstance(address, str) or "@" not in address:
        raise bad_request("The grantee has no address.", "ErrorInvalidRequest")
    row = permission(grantee.get("name") or address, address, role)
    if PERMISSION.of(world.mailboxes.read(call.user)).first(lambda item: item.props["id"] == row["id"]):
        raise Refusal(409, "ErrorPermissionAlreadyExists", "The grantee has a permission already.")
    return create(world, call, PERMISSION, row, DEFAULT)


def change_permission(world: World, call: Call) -> Answer:
    role = _role(known(call.json(), {"role": ""}, "calendarPermission"))
    return patch(world, call, PERMISSION, _permission(world, call), {"role": role})


def remove_permission(world: World, call: Call) -> Answer:
    item = _permission(world, call)
    if not item.props["isRemovable"]:
        raise bad_request("This permission cannot be removed.", "ErrorInvalidRequest")
    return delete(world, call, PERMISSION, item)


def _role(props: Json) -> str:
    role = props.get("role")
    if role not in ROLES:
        raise bad_request("Cannot convert the value of 'role' to its type.", "RequestBodyRead")
    return str(role)


PATH = "/users/{}/calendar/calendarPermissions"
ROUTES = (
    Route("GET", PATH, permissions, FULL_READ),
    Route("POST", PATH, add_permission, WRITE),
    Route("GET", PATH + "/{}", read_permission, FULL_READ),
    Route("PATCH", PATH + "/{}", change_permission, WRITE),
    Route("DELETE", PATH + "/{}", remove_permission, WRITE),
)
