"""Calendar groups: three that every mailbox has, of which the first holds the calendars, and those that are added."""

from bulkmail.sim.families.calendars.calendars import add as add_calendar
from bulkmail.sim.families.calendars.content import DEFAULT, blank_group
from bulkmail.sim.families.calendars.kind import CALENDAR, GROUP, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World


def groups(world: World, call: Call) -> Answer:
    return listing(world, call, GROUP, GROUP.of(world.mailboxes.read(call.user)))


def _group(world: World, call: Call) -> Item:
    return find(world, call, GROUP, call.keys[1])


def read(world: World, call: Call) -> Answer:
    return one(world, call, GROUP, _group(world, call))


def _named(world: World, call: Call, mine: Item | None = None) -> Json:
    props = known(call.json(), {"name": ""}, "microsoft.graph.calendarGroup")
    name = props.get("name")
    if not name:
        raise bad_request("A calendar group needs a name.", "ErrorInvalidRequest")
    others = GROUP.of(world.mailboxes.read(call.user))
    if others.first(lambda item: item is not mine and item.props["name"].lower() == name.lower()):
        raise Refusal(409, "ErrorFolderExists", "A calendar group with the specified name already exists.")
    return props


def add(world: World, call: Call) -> Answer:
    return create(world, call, GROUP, blank_group("") | _named(world, call), 0)


def change(world: World, call: Call) -> Answer:
    group = _group(world, call)
    return patch(world, call, GROUP, group, _named(world, call, group))


def remove(world: World, call: Call) -> Answer:
    group = _group(world, call)
    if group.number == DEFAULT:
        raise bad_request("The default calendar group cannot be deleted.", "ErrorDeleteDistinguishedFolder")
    return delete(world, call, GROUP, group)


def add_inside(world: World, call: Call) -> Answer:
    """All calendars are in the first group."""
    if _group(world, call).number != DEFAULT:
        raise bad_request("Calendars are kept in the default calendar group here.", "ErrorInvalidRequest")
    return add_calendar(world, call)


def inside(world: World, call: Call) -> Answer:
    held = CALENDAR.of(world.mailboxes.read(call.user)) if _group(world, call).number == DEFAULT else ()
    return listing(world, call, CALENDAR, held)


PATH = "/users/{}/calendarGroups"
ROUTES = (
    Route("GET", PATH, groups, READ),
    Route("POST", PATH, add, WRITE),
    Route("GET", PATH + "/{}", read, READ),
    Route("PATCH", PATH + "/{}", change, WRITE),
    Route("DELETE", PATH + "/{}", remove, WRITE),
    Route("GET", PATH + "/{}/calendars", inside, READ),
    Route("POST", PATH + "/{}/calendars", add_inside, WRITE),
)
