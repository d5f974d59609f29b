"""Events: single ones and series, which a view of a span of time shows by their occurrences."""

from collections.abc import Iterator

from bulkmail.sim.families.calendars.calendars import calendar_of
from bulkmail.sim.families.calendars.content import CANCELLED, DEFAULT, blank_event
from bulkmail.sim.families.calendars.kind import EVENT, FULL_READ, READ, WRITE
from bulkmail.sim.families.calendars.moments import known, moment, seen_from, told
from bulkmail.sim.families.calendars.occurrences import APART, change, occurrence_of, shown, take_away, within
from bulkmail.sim.families.calendars.properties import checked
from bulkmail.sim.graph.call import Answer, Call, Json, Refusal, bad_request, item_not_found
from bulkmail.sim.graph.delta import delta
from bulkmail.sim.graph.items import create, delete, find, immutable, listing, one, page, patch, stamp, whole
from bulkmail.sim.graph.table import Route, Work
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World


def events(world: World, call: Call) -> Answer:
    number = calendar_of(world, call).number
    items = [item for item in EVENT.of(world.mailboxes.read(call.user)) if item.parent == number]
    return listing(world, call, EVENT, items)


def _span(call: Call) -> tuple[str, str]:
    """A span of time in UTC; its ends are query options without a `$`, in UTC where they have no offset."""
    options = {name.lower(): value for name, value in call.options.items()}
    begin, end = options.get("startdatetime", ""), options.get("enddatetime", "")
    if not begin or not end:
        raise bad_request("This request requires a time window specified by startDateTime and endDateTime.")
    return told(moment(begin, "startDateTime"))["dateTime"], told(moment(end, "endDateTime"))["dateTime"]


def view(world: World, call: Call) -> Answer:
    begin, end = _span(call)
    here = seen(world, call, call.user, begin, end, calendar_of(world, call).number)
    rows = [row for row in here if row["start"]["dateTime"] < end]
    return page(world, call, EVENT, sorted(rows, key=_start), "calendarView")


def _start(row: Json) -> str:
    return str(row["start"]["dateTime"])


def seen(world: World, call: Call, user: int, begin: str, end: str, calendar: int = DEFAULT) -> Iterator[Json]:
    """Single events of a calendar and occurrences of its series that touch a span, and were not cancelled."""
    store, fixed = EVENT.of(world.mailboxes.read(user)), immutable(call)
    for item in store:
        if item.parent != calendar or item.due > call.now:
            continue
        if item.props["recurrence"]:
            yield from within(user, item, whole(EVENT, store, item), begin, end)
        elif item.props["start"]["dateTime"] < end and item.props["end"]["dateTime"] > begin:
            yield whole(EVENT, store, item, immutable=fixed)


def instances(world: World, call: Call) -> Answer:
    """The occurrences of one series in a span of time."""
    begin, end = _span(call)
    item, store = event_of(world, call), EVENT.of(world.mailboxes.read(call.user))
    if not item.props["recurrence"]:
        return page(world, call, EVENT, [], "events")
    rows = within(call.user, item, whole(EVENT, store, item), begin, end)
    return page(world, call, EVENT, list(rows), "events")


def event_of(world: World, call: Call, key: int = -1) -> Item:
    return find(world, call, EVENT, call.keys[key])


def read_event(world: World, call: Call) -> Answer:
    found = occurrence_of(world, call)
    return shown(world, call, found.row) if found else one(world, call, EVENT, event_of(world, call))


def add_event(world: World, call: Call) -> Answer:
    """A `transactionId` that was used: the same event again answers with the one that is there, another is refused."""
    props, number = checked(call.json(), {}), calendar_of(world, call).number
    transaction = props.get("transactionId")
    found = EVENT.of(world.mailboxes.read(call.user)).first(lambda item: item.props["transactionId"] == transaction)
    if transaction and found:
        if any(found.props.get(name) != value for name, value in props.items()):
            text = "The TransactionId specified in the request has already been used to create a different event."
            raise Refusal(409, "ErrorDuplicateTransactionId", f"Your request can't be completed. {text}")
        return one(world, call, EVENT, found, 201)
    blank = blank_event(stamp(), world.tenant.address(call.user))
    return create(world, call, EVENT, blank | props, number)


def change_event(world: World, call: Call) -> Answer:
    """A series that recurs in another way has nothing left that was said of single occurrences."""
    if found := occurrence_of(world, call):
        return change(world, call, found)
    item = event_of(world, call)
    props = checked(call.json(), item.props) | {"lastModifiedDateTime": stamp()}
    return patch(world, call, EVENT, item, props | ({APART: {}} if "recurrence" in props else {}))


def remove_event(world: World, call: Call) -> Answer:
    if found := occurrence_of(world, call):
        return take_away(world, call, found, 204)
    return delete(world, call, EVENT, event_of(world, call))


def cancel_event(world: World, call: Call) -> Answer:
    """Out of every calendar, but still there by its id: it lies in Deleted Items, and may be deleted from there."""
    if found := occurrence_of(world, call):
        return take_away(world, call, found, 202)
    item, store = event_of(world, call), EVENT.of(world.mailboxes.write(call.user))
    if item.parent == CANCELLED:
        raise item_not_found()
    store.move(item, CANCELLED, keep_id=True)
    store.change(item, {"isCancelled": True})
    return Answer(202)


def event_changes(world: World, call: Call) -> Answer:
    return delta(world, call, EVENT, DEFAULT)


def zoned(work: Work) -> Work:
    """Start and end in the zone that `Prefer: outlook.timezone` names, in place of UTC; the days of an event that
    lasts all day are the same in every zone."""

    def worked(world: World, call: Call) -> Answer:
        name = call.prefers("outlook.timezone") if "prefer" in call.headers else ""
        if not name:
            return work(world, call)
        known(name)
        answer = work(world, call)
        rows = answer.body.get("value", [answer.body]) if isinstance(answer.body, dict) else []
        for row in rows:
            for side in {"start", "end"} & row.keys():
                row[side] = seen_from(row[side], name, floating=row.get("isAllDay") is True)
        return answer

    return worked


EVENTS = ("/users/{}/events", "/users/{}/calendar/events", "/users/{}/calendars/{}/events")
ROUTES = (
    Route("GET", "/users/{}/calendar/calendarView", zoned(view), READ),
    Route("GET", "/users/{}/calendarView", zoned(view), READ),
    Route("GET", "/users/{}/calendars/{}/calendarView", zoned(view), READ),
    *(
        Route(method, path + end, zoned(work), rights)
        for path in EVENTS
        for method, end, work, rights in (
            ("GET", "", events, READ),
            ("POST", "", add_event, WRITE),
            ("GET", "/delta", event_changes, FULL_READ),
            ("GET", "/{}", read_event, READ),
            ("GET", "/{}/instances", instances, READ),
            ("PATCH", "/{}", change_event, WRITE),
            ("DELETE", "/{}", remove_event, WRITE),
            ("POST", "/{}/cancel", cancel_event, WRITE),
            ("POST", "/{}/permanentDelete", remove_event, WRITE),
        )
    ),
)
