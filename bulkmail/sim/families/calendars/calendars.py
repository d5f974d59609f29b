"""Calendars: the default one, and those that are added."""

from bulkmail.sim.families.calendars.content import DEFAULT, blank_calendar, organisation
from bulkmail.sim.families.calendars.kind import CALENDAR, PERMISSION, READ, WRITE
from bulkmail.sim.graph.call import Answer, Call, Refusal, bad_request
from bulkmail.sim.graph.items import create, delete, find, known, listing, one, patch
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World


def calendars(world: World, call: Call) -> Answer:
    return listing(world, call, CALENDAR, CALENDAR.of(world.mailboxes.read(call.user)))


def calendar_of(world: World, call: Call) -> Item:
    if "/calendars/" in call.pattern:
        return find(world, call, CALENDAR, call.keys[1])
    return CALENDAR.of(world.mailboxes.read(call.user)).items[DEFAULT]


def read(world: World, call: Call) -> Answer:
    return one(world, call, CALENDAR, calendar_of(world, call))


def add(world: World, call: Call) -> Answer:
    props = known(call.json(), {"name": "", "color": ""}, "microsoft.graph.calendar")
    if not isinstance(props.get("name"), str) or not props["name"]:
        raise bad_request("A calendar needs a name.", "ErrorInvalidRequest")
    _check_free(world, call, props["name"])
    owner = recipient(world.tenant.address(call.user))["emailAddress"]
    answer = create(world, call, CALENDAR, blank_calendar("", owner) | props, 0)
    mailbox = world.mailboxes.write(call.user)
    PERMISSION.of(mailbox).add(organisation("none"), max(CALENDAR.of(mailbox).items))
    return answer


def change(world: World, call: Call) -> Answer:
    calendar = calendar_of(world, call)
    props = known(call.json(), {"name": "", "color": "", "isDefaultCalendar": True}, "microsoft.graph.calendar")
    name = props.get("name", calendar.props["name"])
    if not isinstance(name, str) or not name or props.get("isDefaultCalendar") is False:
        raise bad_request("A calendar needs a name, and one of them is the default.", "ErrorInvalidRequest")
    _check_free(world, call, name, calendar)
    return patch(world, call, CALENDAR, calendar, {key: props[key] for key in ("name", "color") if key in props})


def _check_free(world: World, call: Call, name: str, mine: Item | None = None) -> None:
    store = CALENDAR.of(world.mailboxes.read(call.user))
    if store.first(lambda item: item is not mine and item.props["name"].lower() == name.lower()):
        raise Refusal(409, "ErrorFolderExists", "A calendar with the specified name already exists.")


def remove(world: World, call: Call) -> Answer:
    calendar = calendar_of(world, call)
    if not calendar.props["isRemovable"]:
        raise bad_request("The default calendar cannot be deleted.", "ErrorDeleteDistinguishedFolder")
    answer, store = delete(world, call, CALENDAR, calendar), PERMISSION.of(world.mailboxes.write(call.user))
    for permission in [item for item in store if item.parent == calendar.number]:
        store.remove(permission)
    return answer


ROUTES = (
    Route("GET", "/users/{}/calendars", calendars, READ),
    Route("POST", "/users/{}/calendars", add, WRITE),
    Route("GET", "/users/{}/calendars/{}", read, READ),
    Route("PATCH", "/users/{}/calendars/{}", change, WRITE),
    Route("DELETE", "/users/{}/calendars/{}", remove, WRITE),
    Route("POST", "/users/{}/calendars/{}/permanentDelete", remove, WRITE),
    Route("GET", "/users/{}/calendar", read, READ),
    Route("PATCH", "/users/{}/calendar", change, WRITE),
)
