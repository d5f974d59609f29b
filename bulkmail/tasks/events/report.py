"""Reports what stands in a window of a mailbox's calendar, a row for each event; a series by its occurrences."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.events.calendar import preferring
from bulkmail.tasks.events.options import TODAY, EventsReportOptions
from bulkmail.tasks.events.times import window, zone
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.forms import shown

COLUMNS = {
    "mailbox": "address as the input gives it",
    "event_id": "the event's immutable id",
    "subject": "subject",
    "start": "when it begins, in time_zone",
    "end": "when it ends; of one that lasts all day, the midnight after its last day",
    "time_zone": "zone of both",
    "all_day": "whether it lasts all day",
    "show_as": "free, tentative, busy, oof or workingElsewhere",
    "type": "singleInstance, occurrence or exception",
    "organizer": "address of who has called it",
    "attendees": "how many are invited",
    "location": "place",
    "sensitivity": "normal, personal, private or confidential",
    "cancelled": "whether it was called off",
    "categories": "names of categories; separated by semicolons in CSV",
}
PATH = "/calendar/calendarView"
PAGE = 100
SHOWN = "id,subject,start,end,isAllDay,showAs,type,organizer,attendees,location,sensitivity,isCancelled,categories"


async def with_start(graph: Graph, options: EventsReportOptions) -> EventsReportOptions:
    """The options with the day of today where the job says so, so that all mailboxes have one window."""
    del graph
    return options.model_copy(update={"start": f"{datetime.now(UTC):%Y-%m-%d}"}) if options.start == TODAY else options


@task(
    "events.report",
    summary="What stands in a window of each mailbox's calendar",
    permission="Calendars.ReadBasic",
    options=EventsReportOptions,
    columns=COLUMNS,
    key_columns=("event_id",),
    once=with_start,
)
async def events_report(mailbox: Mailbox, graph: Graph, options: EventsReportOptions) -> AsyncIterator[Row]:
    """A row for each event that touches the window, in the order of their beginning."""
    del mailbox
    begin, end = window(options.start, options.end, options.days)
    params: dict[str, str | int] = {
        "startDateTime": begin,
        "endDateTime": end,
        "$select": SHOWN,
        "$orderby": "start/dateTime",
        "$top": PAGE,
    }
    async for one in graph.items(PATH, params=params, headers=preferring(zone(options.time_zone))):
        yield row_of(expect.an_item(one, "an event"))


def row_of(event: Mapping[str, Any]) -> Row:
    """The row of one event."""
    start, end, location = (_object(event.get(name)) for name in ("start", "end", "location"))
    attendees = event.get("attendees")
    return {
        "event_id": event["id"],
        "subject": event.get("subject"),
        "start": _time(start),
        "end": _time(end),
        "time_zone": start.get("timeZone"),
        "all_day": event.get("isAllDay"),
        "show_as": event.get("showAs"),
        "type": event.get("type"),
        "organizer": _object(_object(event.get("organizer")).get("emailAddress")).get("address"),
        "attendees": len(attendees) if isinstance(attendees, list) else 0,
        "location": location.get("displayName"),
        "sensitivity": event.get("sensitivity"),
        "cancelled": event.get("isCancelled"),
        "categories": event.get("categories") or [],
    }


def _time(moment: Mapping[str, Any]) -> str | None:
    written = moment.get("dateTime")
    return shown(written) if isinstance(written, str) else None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
