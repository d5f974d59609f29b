"""Who is free when: schedules of addresses, times that suit all, reminders, and what may be shared with whom."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bulkmail.sim.families.calendars.events import seen
from bulkmail.sim.families.calendars.kind import FULL_READ, READ
from bulkmail.sim.families.calendars.moments import Span, duration, moment, span, told, unreadable
from bulkmail.sim.families.settings.content import settings_of
from bulkmail.sim.graph.call import Answer, Call, Json, bad_request
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.people import DOMAIN
from bulkmail.sim.world import World

SCHEDULES = 100  # addresses of one request
LONGEST = timedelta(days=62)
CANDIDATES, MOST_CANDIDATES = 20, 100
STEP, HALF_AN_HOUR = timedelta(minutes=30), timedelta(minutes=30)
STATES = {"free": "0", "tentative": "1", "busy": "2", "oof": "3", "workingElsewhere": "4"}
SHARED_OUTSIDE = ["freeBusyRead", "limitedRead", "read"]
SHARED_INSIDE = [*SHARED_OUTSIDE, "write", "delegateWithoutPrivateEventAccess", "delegateWithPrivateEventAccess"]


def _number(world: World, address: str) -> int:
    """The mailbox of an address; -1 where there is none."""
    number = world.tenant.find(address)
    return -1 if number < 0 or world.tenant.state(number).absent else number


def _events(world: World, call: Call, user: int, within: Span) -> Iterator[tuple[Json, Span]]:
    for row in seen(world, call, user, within.begin.isoformat(), within.end.isoformat()):
        took = Span(moment(row["start"]), moment(row["end"]))
        if took.touches(within):
            yield row, took


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list | None):
        raise unreadable(name)
    return value or []


def get_schedule(world: World, call: Call) -> Answer:
    wish = call.parameters()
    addresses = _list(wish.get("schedules"), "schedules")
    if not addresses or not all(isinstance(text, str) for text in addresses) or len(addresses) > SCHEDULES:
        raise bad_request(f"From 1 to {SCHEDULES} schedules can be asked for.", "ErrorInvalidRequest")
    within, minutes = span(wish.get("starttime"), wish.get("endtime")), wish.get("availabilityviewinterval")
    minutes = 30 if minutes is None else minutes
    if type(minutes) is not int or not 5 <= minutes <= 1440 or within.end - within.begin > LONGEST:
        raise bad_request("The interval or the time window is not valid.", "ErrorInvalidParameter")
    rows = [_schedule(world, call, text, within, timedelta(minutes=minutes)) for text in addresses]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.scheduleInformation)"
    return Answer(200, {"@odata.context": context, "value": rows})


def _schedule(world: World, call: Call, address: str, within: Span, step: timedelta) -> Json:
    user, row = _number(world, address), {"scheduleId": address, "availabilityView": "", "scheduleItems": []}
    if user < 0:
        error = {"message": "Unable to resolve the address.", "responseCode": "ErrorMailRecipientNotFound"}
        return row | {"error": error}
    held = list(_events(world, call, user, within))
    return row | {
        "availabilityView": _view([(STATES.get(event["showAs"], "2"), took) for event, took in held], within, step),
        "scheduleItems": [_item(event, took) for event, took in held],
        "workingHours": settings_of(world, user)["workingHours"],
    }


def _view(held: list[tuple[str, Span]], within: Span, step: timedelta) -> str:
    """One digit a slot: the greatest of what touches it."""
    text, begin = "", within.begin
    while begin < within.end:
        slot = Span(begin, begin + step)
        text += max((digit for digit, took in held if took.touches(slot)), default="0")
        begin = slot.end
    return text


def _item(event: Json, took: Span) -> Json:
    return {
        "isPrivate": event["sensitivity"] == "private",
        "status": event["showAs"],
        "subject": event["subject"],
        "location": event["location"].get("displayName", ""),
        "start": told(took.begin),
        "end": told(took.end),
    }


def find_meeting_times(world: World, call: Call) -> Answer:
    """Slots in which the organiser and every attendee of the tenant are free; others are of unknown availability."""
    wish = call.parameters() if call.body else {}
    addresses = [_address(person) for person in _list(wish.get("attendees"), "attendees")]
    lasts, most = duration(wish.get("meetingduration"), HALF_AN_HOUR), wish.get("maxcandidates")
    most = CANDIDATES if most is None else most
    if type(most) is not int or not 0 < most <= MOST_CANDIDATES or lasts <= timedelta():
        raise unreadable("maxCandidates")
    numbers = [_number(world, address) for address in addresses]
    free = _free(world, call, {call.user, *numbers} - {-1}, _slots(wish.get("timeconstraint")), lasts)
    found = [_suggestion(slot, list(zip(addresses, numbers, strict=True))) for slot in islice(free, most)]
    body = {
        "@odata.context": f"{call.base}/$metadata#microsoft.graph.meetingTimeSuggestionsResult",
        "emptySuggestionsReason": "" if found else "AttendeesUnavailable",
        "meetingTimeSuggestions": found,
    }
    return Answer(200, body)


def _address(person: Any) -> str:
    inner = person.get("emailAddress") if isinstance(person, dict) else None
    address = inner.get("address") if isinstance(inner, dict) else None
    if not isinstance(address, str):
        raise unreadable("attendees")
    return address


def _slots(constraint: Any) -> list[Span]:
    """The spans that are asked for; else the working hours of the next seven days."""
    if not isinstance(constraint, dict | None):
        raise unreadable("timeConstraint")
    slots = [part for part in _list((constraint or {}).get("timeSlots"), "timeSlots") if isinstance(part, dict)]
    if slots:
        spans = [span(part.get("start"), part.get("end")) for part in slots[:SCHEDULES]]
        return [Span(s.begin, min(s.end, s.begin + LONGEST)) for s in spans]
    today = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    days = [today + timedelta(days=day) for day in range(1, 8)]
    return [Span(day.replace(hour=8), day.replace(hour=17)) for day in days if day.weekday() < 5]


def _free(world: World, call: Call, users: set[int], slots: list[Span], lasts: timedelta) -> Iterator[Span]:
    for slot in slots:
        taken = [
            took for user in users for event, took in _events(world, call, user, slot) if event["showAs"] != "free"
        ]
        begin = slot.begin
        while begin + lasts <= slot.end:
            candidate = Span(begin, begin + lasts)
            if not any(took.touches(candidate) for took in taken):
                yield candidate
            begin += STEP


def _suggestion(slot: Span, people: list[tuple[str, int]]) -> Json:
    attending = [
        {
            "availability": "unknown" if number < 0 else "free",
            "attendee": {"type": "required", "emailAddress": {"address": address}},
        }
        for address, number in people
    ]
    sure = sum(number >= 0 for _, number in people)
    return {
        "confidence": 100.0 if not people else round(50 + 50 * sure / len(people), 1),
        "organizerAvailability": "free",
        "suggestionReason": "",
        "meetingTimeSlot": {"start": told(slot.begin), "end": told(slot.end)},
        "attendeeAvailability": attending,
        "locations": [],
    }


def reminder_view(world: World, call: Call) -> Answer:
    within = span(call.keys[1], call.keys[2])
    held = _events(world, call, call.user, within)
    rows = [_reminder(event, took) for event, took in held if event["isReminderOn"]]
    context = f"{call.base}/$metadata#Collection(microsoft.graph.reminder)"
    return Answer(200, {"@odata.context": context, "value": rows})


def _reminder(event: Json, took: Span) -> Json:
    before = timedelta(minutes=event["reminderMinutesBeforeStart"])
    return {
        "eventId": event["id"],
        "changeKey": event["changeKey"],
        "eventSubject": event["subject"],
        "eventStartTime": told(took.begin),
        "eventEndTime": told(took.end),
        "eventLocation": event["location"],
        "eventWebLink": "https://outlook.office365.com/owa/",
        "reminderFireTime": told(took.begin - before),
    }


def sharing_roles(_: World, call: Call) -> Answer:
    """What the calendar may be shared as: with other people less than with those of the tenant."""
    inside = call.keys[-1].lower().rpartition("@")[2] == DOMAIN
    context = f"{call.base}/$metadata#Collection(microsoft.graph.calendarRoleType)"
    return Answer(200, {"@odata.context": context, "value": SHARED_INSIDE if inside else SHARED_OUTSIDE})


ROUTES = (
    Route("POST", "/users/{}/calendar/getSchedule", get_schedule, READ),
    Route("POST", "/users/{}/calendars/{}/getSchedule", get_schedule, READ),
    Route("POST", "/users/{}/findMeetingTimes", find_meeting_times, FULL_READ),
    Route("GET", "/users/{}/reminderView/{}/{}", reminder_view, FULL_READ),
    Route("GET", "/users/{}/calendar/allowedCalendarSharingRoles/{}", sharing_roles, FULL_READ),
    Route("GET", "/users/{}/calendars/{}/allowedCalendarSharingRoles/{}", sharing_roles, FULL_READ),
)
