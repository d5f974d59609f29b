"""An occurrence is computed from its series and never kept, but for what was said of it alone: that it differs, or is
not."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from bulkmail.sim.families.calendars.kind import EVENT, OCCURRENCE
from bulkmail.sim.families.calendars.properties import checked
from bulkmail.sim.families.calendars.recurrence import days
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request, item_not_found
from bulkmail.sim.graph.items import check_match, context, shape, stamp, whole
from bulkmail.sim.tenant.ids import item_id, read_id
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

APART = "apart"
"""The property of a series, never shown, that holds what was said of single occurrences, by their places: properties
that are theirs alone, or None for one that was taken away."""


class Occurrence(NamedTuple):
    """`place` is which one of the series it is, from 0; `row` is as it is shown."""

    series: Item
    place: int
    row: Json


def within(user: int, series: Item, master: Json, begin: str, end: str) -> Iterator[Json]:
    """The occurrences of a series, shown as `master`, that touch a span of time."""
    for _, row in _all(user, series, master, last_day(end)):
        if row["start"]["dateTime"] < end and row["end"]["dateTime"] > begin:
            yield row


def last_day(moment: str) -> date:
    try:
        return date.fromisoformat(moment[:10])
    except ValueError:
        raise bad_request("The time window cannot be read.", "ErrorInvalidParameter") from None


def _all(user: int, series: Item, master: Json, until: date) -> Iterator[tuple[int, Json]]:
    """Those of the days up to `until`, and, since they may have been moved there, all that differ."""
    apart: Json = series.props.get(APART, {})
    furthest = max(map(int, apart), default=-1)
    for place, day in enumerate(days(series.props["recurrence"], date.max)):
        if day > until and place > furthest:
            return
        own = apart.get(str(place), {})
        if own is not None:
            yield place, _computed(user, series, master, place, day) | own


def _computed(user: int, series: Item, master: Json, place: int, day: date) -> Json:
    """At the hours of its series, and over as many days."""
    start, end = master["start"], master["end"]
    lasts = (last_day(end["dateTime"]) - last_day(start["dateTime"])).days
    until = date.fromordinal(max(1, min(date.max.toordinal(), day.toordinal() + lasts)))
    return master | {
        "id": item_id(user, OCCURRENCE.ids, series.number, place),
        "type": "occurrence",
        "seriesMasterId": master["id"],
        "recurrence": None,
        "start": start | {"dateTime": f"{day}{start['dateTime'][10:]}"},
        "end": end | {"dateTime": f"{until}{end['dateTime'][10:]}"},
    }


def occurrence_of(world: World, call: Call) -> Occurrence | None:
    """The occurrence that the path names; None for an id of another kind. Raises Refusal where it is not there."""
    ref = read_id(call.keys[-1])
    if ref is None or ref.kind != OCCURRENCE.ids:
        return None
    store = EVENT.of(world.mailboxes.read(call.user))
    series = store.items.get(ref.number)
    if ref.mailbox != call.user or series is None or not series.props["recurrence"]:
        raise item_not_found()
    for place, row in _all(call.user, series, whole(EVENT, store, series), date.max):
        if place == ref.moves:
            return Occurrence(series, place, row)
        if place > ref.moves:
            break
    raise item_not_found()


def shown(world: World, call: Call, row: Json) -> Answer:
    return Answer(200, context(world, call, EVENT.path, one=True) | shape(row, call))


def change(world: World, call: Call, found: Occurrence) -> Answer:
    """It is an exception of its series from now on, under the same id."""
    props = checked(call.json(), found.row)
    if "recurrence" in props:
        raise bad_request("The recurrence belongs to the series and not to an occurrence.", "ErrorInvalidRequest")
    own = found.series.props.get(APART, {}).get(str(found.place), {})
    own = own | props | {"type": "exception", "lastModifiedDateTime": stamp()}
    _keep(world, call, found, own)
    return shown(world, call, found.row | own)


def take_away(world: World, call: Call, found: Occurrence, status: int) -> Answer:
    _keep(world, call, found, None)
    return Answer(status)


def _keep(world: World, call: Call, found: Occurrence, own: Json | None) -> None:
    check_match(call, found.series)
    apart = found.series.props.get(APART, {}) | {str(found.place): own}
    EVENT.of(world.mailboxes.write(call.user)).change(found.series, {APART: apart})
