"""Times as calendars tell them: moments with a zone beside them, spans, and durations of ISO 8601."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from bulkmail.sim.graph.call import Json, Refusal, bad_request
from bulkmail.sim.tenant.zones import moved, zone

YEARS = (1601, 4500)  # that Exchange knows
_DURATION = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")


class Span(NamedTuple):
    """From `begin` up to `end`, without zones: the simulator takes every calendar to be in one zone."""

    begin: datetime
    end: datetime

    def touches(self, other: "Span") -> bool:
        return self.begin < other.end and other.begin < self.end


def unreadable(name: str) -> Refusal:
    return bad_request(f"The property '{name[:60]}' has a value that cannot be read.", "RequestBodyRead")


def moment(value: Any, name: str = "dateTime") -> datetime:
    """Out of `{"dateTime": …, "timeZone": …}` or of its text. Raises Refusal."""
    text = value.get("dateTime") if isinstance(value, dict) else value
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise unreadable(name) from None
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise unreadable(name)
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def known(name: Any) -> tzinfo:
    """A zone by its name. Raises Refusal."""
    found = zone(name) if isinstance(name, str) else None
    if found is None:
        text = "A valid TimeZone value must be specified. The following TimeZone value is not supported"
        raise bad_request(f"{text}: '{str(name or '')[:60]}'.", "TimeZoneNotSupportedException")
    return found


def in_utc(value: Json, *, floating: bool) -> Json:
    """A moment of an event as it is kept: in UTC; one that is `floating` keeps its hour, as days without hours do."""
    when, begin = moment(value), known(value.get("timeZone"))
    return told(when if floating else moved(when, begin, UTC))


def seen_from(value: Json, name: str, *, floating: bool) -> Json:
    """A kept moment in the zone of this name."""
    when = moment(value)
    return told(when if floating else moved(when, UTC, known(name))) | {"timeZone": name}


def span(begin: Any, end: Any) -> Span:
    """Raises Refusal, also where the end does not come after the beginning."""
    found = Span(moment(begin, "start"), moment(end, "end"))
    if found.end <= found.begin:
        raise bad_request("The end time must be after the start time.", "ErrorInvalidTimeInterval")
    return found


def told(when: datetime) -> Json:
    return {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def duration(text: Any, default: timedelta) -> timedelta:
    """Such as PT30M, PT1H30M or P1D. Raises Refusal."""
    if text is None:
        return default
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None or not any(found.groups()):
        raise unreadable("meetingDuration")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
