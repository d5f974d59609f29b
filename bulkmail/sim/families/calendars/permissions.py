"""Who may see a calendar."""

from bulkmail.sim.families.calendars.calendars import calendar_of
from bulkmail.sim.families.calendars.content import permission
from bulkmail.sim.families.calendars.kind import FULL_READ, PERMISSION, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.items import create, delete, known, listing, one, patch
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
    return listing(world, call, PERMISSION, _of_calendar(world, call))


def _of_calendar(world: World, call: Call) -> list[Item]:
    """Those of the calendar that is asked for; of a calendar of another person none are shown."""
    number = calendar_of(world, call).number
    return [item for item in PERMISSION.of(world.mailboxes.read(call.user)) if item.parent == number]


def _permission(world: World, call: Call) -> Item:
    """Grantees have one id in all calendars, so that the calendar counts as well."""
    found = next((item for item in _of_calendar(world, call) if item.props["id"] == call.keys[-1]), None)
    if found is None or found.due > call.now:
        raise item_not_found()
    return found


def read_permission(world: World, call: Call) -> Answer:
    return one(world, call, PERMISSION, _permission(world, call))


def add_permission(world: World, call: Call) -> Answer:
    calendar = calendar_of(world, call)
    if not calendar.props["canShare"]:
        raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    props = known(call.json(), GRANT, "calendarPermission")
    grantee = props.get("emailAddress") or {}
    address, role = grantee.get("address"), _role(props)
    if not isinstance(address, str) or "@" not in address:
        raise bad_request("The grantee has no address.", "ErrorInvalidRequest")
    if address.lower() == world.tenant.address(call.user).lower():
        raise bad_request("The owner of a calendar has every right already.", "ErrorInvalidRequest")
    row = permission(grantee.get("name") or address, address, role)
    _check_allowed(row, role)
    if any(item.props["id"] == row["id"] for item in _of_calendar(world, call)):
        raise Refusal(409, "ErrorPermissionAlreadyExists", "The grantee has a permission already.")
    return create(world, call, PERMISSION, row, calendar.number)


def change_permission(world: World, call: Call) -> Answer:
    role, item = _role(known(call.json(), {"role": ""}, "calendarPermission")), _permission(world, call)
    _check_allowed(item.props, role)
    return patch(world, call, PERMISSION, item, {"role": role})


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


def _check_allowed(row: Json, role: str) -> None:
    if role not in row["allowedRoles"]:
        raise bad_request("The role is not one of the allowedRoles of this permission.", "ErrorInvalidRequest")


PATHS = ("/users/{}/calendar/calendarPermissions", "/users/{}/calendars/{}/calendarPermissions")
ROUTES = tuple(
    Route(method, path + end, work, rights)
    for path in PATHS
    for method, end, work, rights in (
        ("GET", "", permissions, FULL_READ),
        ("POST", "", add_permission, WRITE),
        ("GET", "/{}", read_permission, FULL_READ),
        ("PATCH", "/{}", change_permission, WRITE),
        ("DELETE", "/{}", remove_permission, WRITE),
    )
)
