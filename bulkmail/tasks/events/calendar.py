"""The marked events of one mailbox: finds, makes and deletes them; decides nothing.

An event carries its key in a named property, and is found by it wherever it was moved to within the calendar. Its
`transactionId` keeps the service from making it twice even where it cannot be found yet.
learn.microsoft.com/graph/api/resources/event
"""

from collections.abc import Callable, Mapping
from typing import Any

from bulkmail.core.odata import segment
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change
from bulkmail.tasks.events.event import MARK
from bulkmail.tasks.kit import expect, match
from bulkmail.tasks.kit.zones import zone_of

EVENTS = "/events"
KEY = "event:"
"""What the key of a change begins with, before the key of the event."""

USED = "ErrorDuplicateTransactionId"
MADE_OF = (
    "subject", "body", "start", "end", "location", "isAllDay", "showAs", "isReminderOn", "reminderMinutesBeforeStart",
    "responseRequested", "categories", "importance", "sensitivity",
)  # fmt: skip
"""What it takes to make an event again."""

_SHOWN = ",".join(("id", *MADE_OF, "type", "attendees", "hasAttachments", "originalStartTimeZone"))
SIDES = ("start", "end")


def preferring(zone: str) -> dict[str, str]:
    """Headers that ask for immutable ids, and for times in this zone."""
    return {"Prefer": f'IdType="ImmutableId", outlook.timezone="{zone}"'}


async def find(graph: Graph, key: str, zone: str = "UTC") -> list[Mapping[str, Any]]:
    """The events with this key, their times in this zone: one, unless its owner has copied it."""
    params = {"$filter": MARK.filter(key), "$select": _SHOWN}
    rows = graph.items(EVENTS, params=params, headers=preferring(zone))
    return [expect.an_item(one, "an event") async for one in rows]


async def make(
    graph: Graph, body: Mapping[str, Any], change: Change, key: str, ours: Callable[[Mapping[str, Any]], bool]
) -> None:
    """Makes an event. When its answer is lost, it is looked for among those with its key; `ours` tells it.

    Raises GraphError where the service knows its transaction and there is no such event: it was deleted since.
    """

    async def look() -> Any:
        return next(filter(ours, await find(graph, key, body["start"]["timeZone"])), None)

    try:
        await graph.create(EVENTS, dict(body), change=change, find=look, headers=preferring("UTC"))
    except GraphError as error:
        if error.code != USED:
            raise
        if await look() is None:
            why = "the event of this campaign was taken out of this mailbox; give the campaign another name"
            raise GraphError(error.status, USED, why) from error


async def remove(graph: Graph, event: Mapping[str, Any], change: Change) -> None:
    """Deletes an event, which may be gone already; it goes to Deleted Items."""
    await match.remove(graph, f"{EVENTS}/{segment(event['id'])}", change)


async def as_made(graph: Graph, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event with its times in the zone that it was made in."""
    zone = event.get("originalStartTimeZone")
    if not isinstance(zone, str) or zone == "UTC" or zone_of(zone) is None:  # such as `tzone://Microsoft/Custom`
        return event
    found = await graph.get(EVENTS + "/{}", event["id"], params={"$select": _SHOWN}, headers=preferring(zone))
    return expect.an_item(found, "an event")


def in_use(event: Mapping[str, Any]) -> bool:
    """Whether people were invited to it, files attached, or a series made of it: to delete it would send mail, or
    lose what could not be put back."""
    return bool(event.get("attendees") or event.get("hasAttachments")) or event.get("type") != "singleInstance"


def values_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """What it takes to make the event again."""
    return {name: event[name] for name in MADE_OF if event.get(name) is not None}


def says(event: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether an event stands at the times and under the subject of `values`; its times are in their zone."""
    times = all(_clock(event.get(side)) == _clock(values[side]) for side in SIDES)
    return times and all(event.get(name) == values[name] for name in ("subject", "isAllDay"))


def _clock(value: Any) -> str:
    text = value.get("dateTime") if isinstance(value, dict) else ""
    return text[:19] if isinstance(text, str) else ""
