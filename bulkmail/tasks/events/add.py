"""Adds one event to every mailbox's calendar, once: under the name of a campaign no mailbox gets it twice.

One request looks for it by its key, and one makes it where it is missing. One that is there is left as it is, also
where its owner has changed it.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from bulkmail.errors import InputError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.events import calendar
from bulkmail.tasks.events.calendar import KEY, find
from bulkmail.tasks.events.event import event_for
from bulkmail.tasks.events.options import EventsAddOptions
from bulkmail.tasks.events.times import OWN, zone
from bulkmail.tasks.events.undo import undo_added
from bulkmail.tasks.kit.forms import shown

COLUMNS = {
    "mailbox": "address as the input gives it",
    "subject": "subject of the event",
    "start": "when it begins",
    "end": "when it ends; of one that lasts all day, the midnight after its last day",
    "time_zone": "zone of both",
    "all_day": "whether it lasts all day",
    "action": "add; or already (it is there, under this campaign)",
    "key": "what the event is marked with",
    "state": "planned or done; empty where nothing is sent",
}


def needs(options: EventsAddOptions) -> Needs:
    """The zone of a mailbox is one of its settings."""
    return all_of("Calendars.ReadWrite", *(("MailboxSettings.Read",) if options.time_zone == OWN else ()))


@task(
    "events.add",
    summary="Adds one event to every mailbox's calendar, once whatever happens, without invitations",
    needs=needs,
    options=EventsAddOptions,
    columns=COLUMNS,
    key_columns=("key",),
    writes=True,
    undo=undo_added,
    wants_columns=True,
)
async def events_add(mailbox: Mailbox, graph: Graph, options: EventsAddOptions) -> AsyncIterator[Row]:
    """One row a mailbox."""
    event = event_for(mailbox, options)
    if event.zone == OWN:
        event = event._replace(zone=await _own_zone(mailbox, graph))
    key = KEY + event.key
    there = await find(graph, event.key, event.zone)
    if not there:
        change = Change(key, None, event.summary)
        await calendar.make(graph, event.body, change, event.key, lambda _: True)
    added = not there or any(made.change.key == key for made in graph.made)
    yield {
        **row_of(event.summary if added else there[0]),
        "action": "add" if added else "already",
        "key": event.key,
        "state": ("planned" if graph.planning else "done") if added else None,
    }


def row_of(event: Mapping[str, Any]) -> Row:
    """What the row of an event begins with."""
    return {
        "subject": event.get("subject"),
        "start": shown(event["start"]["dateTime"]),
        "end": shown(event["end"]["dateTime"]),
        "time_zone": event["start"]["timeZone"],
        "all_day": event.get("isAllDay"),
    }


async def _own_zone(mailbox: Mailbox, graph: Graph) -> str:
    """Raises InputError for a mailbox without a zone that has a name."""
    found = await graph.get("/mailboxSettings/timeZone")
    name = found.get("value") if isinstance(found, dict) else None
    try:
        return zone(name if isinstance(name, str) else "")
    except ValueError:
        hint = "Give it one with settings.apply, or put the zones into a column of the list."
        raise InputError(f"row {mailbox.row}: the mailbox has no time zone with a name", hint=hint) from None
