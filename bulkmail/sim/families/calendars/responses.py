"""What is done with an event beside changing it: an invitation is answered, passed on, or no longer reminded of."""

from datetime import timedelta

from bulkmail.sim.families.calendars.content import CANCELLED
from bulkmail.sim.families.calendars.events import EVENTS, event_of
from bulkmail.sim.families.calendars.kind import CALENDAR, EVENT, READ, WRITE
from bulkmail.sim.families.calendars.moments import moment
from bulkmail.sim.graph.call import Answer, Call, bad_request, item_not_found
from bulkmail.sim.graph.items import one, stamp
from bulkmail.sim.graph.table import Route, Work
from bulkmail.sim.world import World

RESPONSES = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}


def responding(response: str) -> Work:
    return lambda world, call: _respond(world, call, response)


def _respond(world: World, call: Call, response: str) -> Answer:
    """An event that was declined leaves the calendar."""
    item, store = event_of(world, call), EVENT.of(world.mailboxes.write(call.user))
    if item.props["isOrganizer"]:
        text = "You can't respond to this meeting because you're the meeting organizer."
        raise bad_request(f"Your request can't be completed. {text}", "ErrorInvalidRequest")
    store.change(item, {"responseStatus": {"response": response, "time": stamp()}})
    if response == "declined":
        store.move(item, CANCELLED, keep_id=True)
    return Answer(202)


def forward(world: World, call: Call) -> Answer:
    event_of(world, call)
    if not call.parameters().get("torecipients"):
        raise bad_request("At least one recipient is needed.", "ErrorInvalidRecipients")
    return Answer(202)


def dismiss(world: World, call: Call) -> Answer:
    EVENT.of(world.mailboxes.write(call.user)).change(event_of(world, call), {"isReminderOn": False})
    return Answer(200)


def snooze(world: World, call: Call) -> Answer:
    item = event_of(world, call)
    wanted = moment(call.parameters().get("newremindertime"), "newReminderTime")
    before = max(moment(item.props["start"]) - wanted, timedelta())
    minutes = {"reminderMinutesBeforeStart": before // timedelta(minutes=1), "isReminderOn": True}
    EVENT.of(world.mailboxes.write(call.user)).change(item, minutes)
    return Answer(200)


def calendar(world: World, call: Call) -> Answer:
    found = CALENDAR.of(world.mailboxes.read(call.user)).items.get(event_of(world, call).parent)
    if found is None:  # it was cancelled
        raise item_not_found()
    return one(world, call, CALENDAR, found)


ROUTES = tuple(
    Route(method, f"{path}/{{}}/{end}", work, rights)
    for path in EVENTS
    for method, end, work, rights in (
        *(("POST", name, responding(response), WRITE) for name, response in RESPONSES.items()),
        ("POST", "forward", forward, WRITE),
        ("POST", "dismissReminder", dismiss, WRITE),
        ("POST", "snoozeReminder", snooze, WRITE),
        ("GET", "calendar", calendar, READ),
    )
)
