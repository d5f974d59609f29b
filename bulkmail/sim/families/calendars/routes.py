"""Calendars, their events, and who may see them."""

from bulkmail.sim.families.calendars.content import DEFAULT, blank_calendar, blank_event, permission
from bulkmail.sim.families.calendars.kind import CALENDAR, EVENT, FULL_READ, PERMISSION, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch, stamp
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.witness.marks import EXTENDED
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
EVENT_PROPERTIES = blank_event("", "") | {"start": {"dateTime": ""}, "end": {"dateTime": ""}, EXTENDED: []}


def calendars(world: World, call: Call) -> Answer:
    return listing(world, call, CALENDAR, CALENDAR.of(world.mailboxes.read(call.user)))


def _calendar(world: World, call: Call) -> Item:
    if "/calendars/" in call.pattern:
        return find(world, call, CALENDAR, call.keys[1])
    return CALENDAR.of(world.mailboxes.read(call.user)).items[DEFAULT]


def read(world: World, call: Call) -> Answer:
    return one(world, call, CALENDAR, _calendar(world, call))


def add(world: World, call: Call) -> Answer:
    props = known(call.json(), {"name": "", "color": ""}, "microsoft.graph.calendar")
    if not isinstance(props.get("name"), str) or not props["name"]:
        raise bad_request("A calendar needs a name.", "ErrorInvalidRequest")
    store = CALENDAR.of(world.mailboxes.read(call.user))
    if store.first(lambda item: item.props["name"].lower() == props["name"].lower()):
        raise Refusal(409, "ErrorFolderExists", "A calendar with the specified name already exists.")
    owner = recipient(world.tenant.address(call.user))["emailAddress"]
    return create(world, call, CALENDAR, blank_calendar("", owner) | props, 0)


def remove(world: World, call: Call) -> Answer:
    calendar = _calendar(world, call)
    if not calendar.props["isRemovable"]:
        raise bad_request("The default calendar cannot be deleted.", "ErrorDeleteDistinguishedFolder")
    return delete(world, call, CALENDAR, calendar)


def events(world: World, call: Call) -> Answer:
    number = _calendar(world, call).number
    items = [item for item in EVENT.of(world.mailboxes.read(call.user)) if item.parent == number]
    return listing(world, call, EVENT, items)


def view(world: World, call: Call) -> Answer:
    """Events that touch a span of time; its ends are query options without a `$`."""
    options = {name.lower(): value for name, value in call.options.items()}
    begin, end = options.get("startdatetime"), options.get("enddatetime")
    if not begin or not end:
        raise bad_request("This request requires a time window specified by startDateTime and endDateTime.")
    items = [
        item
        for item in EVENT.of(world.mailboxes.read(call.user))
        if item.props["start"]["dateTime"] < end and item.props["end"]["dateTime"] > begin
    ]
    return listing(world, call, EVENT, items, "calendarView")


def _event(world: World, call: Call) -> Item:
    return find(world, call, EVENT, call.keys[-1])


def read_event(world: World, call: Call) -> Answer:
    return one(world, call, EVENT, _event(world, call))


def add_event(world: World, call: Call) -> Answer:
    """The same `transactionId` again answers with the event that is there."""
    props = _checked(call.json())
    if not {"start", "end"} <= props.keys():
        raise bad_request("An event needs a start and an end.", "ErrorInvalidRequest")
    transaction = props.get("transactionId")
    found = EVENT.of(world.mailboxes.read(call.user)).first(lambda item: item.props["transactionId"] == transaction)
    if transaction and found:
        return one(world, call, EVENT, found, 201)
    blank = blank_event(stamp(), world.tenant.address(call.user))
    return create(world, call, EVENT, blank | props, _calendar(world, call).number)


def change_event(world: World, call: Call) -> Answer:
    return patch(world, call, EVENT, _event(world, call), _checked(call.json()) | {"lastModifiedDateTime": stamp()})


def remove_event(world: World, call: Call) -> Answer:
    return delete(world, call, EVENT, _event(world, call))


def cancel_event(world: World, call: Call) -> Answer:
    EVENT.of(world.mailboxes.write(call.user)).remove(_event(world, call))
    return Answer(202)


def event_changes(world: World, call: Call) -> Answer:
    return delta(world, call, EVENT, DEFAULT)


def _checked(body: Json) -> Json:
    props = known(body, EVENT_PROPERTIES, "microsoft.graph.event")
    for name in {"start", "end"} & props.keys():
        if not isinstance(props[name].get("dateTime"), str):
            raise bad_request(f"The property '{name}' has a value that cannot be read.", "RequestBodyRead")
    return props


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


PERMISSIONS = "/users/{}/calendar/calendarPermissions"
EVENTS = ("/users/{}/events", "/users/{}/calendar/events", "/users/{}/calendars/{}/events")
ROUTES = (
    Route("GET", "/users/{}/calendars", calendars, READ),
    Route("POST", "/users/{}/calendars", add, WRITE),
    Route("GET", "/users/{}/calendars/{}", read, READ),
    Route("DELETE", "/users/{}/calendars/{}", remove, WRITE),
    Route("GET", "/users/{}/calendar", read, READ),
    Route("GET", "/users/{}/calendar/calendarView", view, READ),
    Route("GET", "/users/{}/calendarView", view, READ),
    Route("GET", PERMISSIONS, permissions, FULL_READ),
    Route("POST", PERMISSIONS, add_permission, WRITE),
    Route("GET", PERMISSIONS + "/{}", read_permission, FULL_READ),
    Route("PATCH", PERMISSIONS + "/{}", change_permission, WRITE),
    Route("DELETE", PERMISSIONS + "/{}", remove_permission, WRITE),
    *(
        Route(method, path + end, work, rights)
        for path in EVENTS
        for method, end, work, rights in (
            ("GET", "", events, READ),
            ("POST", "", add_event, WRITE),
            ("GET", "/delta", event_changes, FULL_READ),
            ("GET", "/{}", read_event, READ),
            ("PATCH", "/{}", change_event, WRITE),
            ("DELETE", "/{}", remove_event, WRITE),
            ("POST", "/{}/cancel", cancel_event, WRITE),
            ("POST", "/{}/permanentDelete", remove_event, WRITE),
        )
    ),
)
