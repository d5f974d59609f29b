"""What POST and PATCH take of an event, and the service's error codes for the rest."""

import re
from html import escape, unescape

from bulkmail.sim.families.calendars.content import blank_event
from bulkmail.sim.families.calendars.moments import in_utc, moment
from bulkmail.sim.families.calendars.recurrence import checked as recurring
from bulkmail.sim.graph.call import Json, bad_request
from bulkmail.sim.graph.items import known
from bulkmail.sim.witness.marks import EXTENDED

LONGEST_REMINDER = 1_051_200  # minutes: two years
OWN = ("createdDateTime", "lastModifiedDateTime", "iCalUId", "type", "isCancelled", "isOrganizer", "organizer",
       "seriesMasterId", "hasAttachments", "bodyPreview", "responseStatus")  # fmt: skip
PROPERTIES = blank_event("", "") | {"start": {"dateTime": ""}, "end": {"dateTime": ""}, "recurrence": {}, EXTENDED: []}
SHOWN_AS = ("free", "tentative", "busy", "oof", "workingElsewhere", "unknown")
SIDES = ("start", "end")


def checked(body: Json, before: Json) -> Json:
    """The properties to be set on an event that has those of `before`, or on a new one. What is the service's own is
    passed over, as the service does. Start and end are kept in UTC."""
    props = {name: value for name, value in known(body, PROPERTIES, "microsoft.graph.event").items() if name not in OWN}
    if before and props.get("transactionId", before["transactionId"]) != before["transactionId"]:
        raise bad_request("The transactionId of an event cannot be changed.", "ErrorInvalidPropertySet")
    if not before and not set(SIDES) <= props.keys():
        raise bad_request("An event needs a start and an end.", "ErrorInvalidRequest")
    if "recurrence" in props:
        props["recurrence"] = recurring(props["recurrence"])
        props["type"] = "seriesMaster" if props["recurrence"] else "singleInstance"
    if props.get("showAs", "busy") not in SHOWN_AS:
        raise bad_request("Cannot convert the value of 'showAs' to its type.", "RequestBodyRead")
    if not 0 <= props.get("reminderMinutesBeforeStart", 0) <= LONGEST_REMINDER:
        raise bad_request("The reminder is too long before the start.", "ErrorInvalidRequest")
    if "body" in props:
        props |= _body(props["body"])
    return props | _times(props, before)


def _body(value: Json) -> Json:
    """Whatever it was sent as, it is kept as an HTML document, with a preview beside it."""
    kind, content = str(value.get("contentType", "text")).lower(), value.get("content", "")
    if kind not in {"text", "html"} or not isinstance(content, str | None):
        raise bad_request("The property 'body' has a value that cannot be read.", "RequestBodyRead")
    text = content or ""
    shown = text if kind == "html" else f'<div class="PlainText">{escape(text, quote=False)}</div>'
    if shown and "<html" not in shown.lower():
        shown = f"<html>\r\n<head>\r\n</head>\r\n<body>\r\n{shown}\r\n</body>\r\n</html>\r\n"
    preview = " ".join(unescape(re.sub(r"<[^>]*>", " ", shown)).split())[:255]
    return {"body": {"contentType": "html", "content": shown if text else ""}, "bodyPreview": preview}


def _times(props: Json, before: Json) -> Json:
    """Start and end as they are kept, with the zones that they were given in."""
    all_day = props.get("isAllDay", before.get("isAllDay")) is True
    times: Json = {}
    for side in SIDES:
        if side not in props:
            continue
        if not isinstance(props[side].get("dateTime"), str):
            raise bad_request(f"The property '{side}' has a value that cannot be read.", "RequestBodyRead")
        times[side] = in_utc(props[side], floating=all_day)
        times[f"original{side.capitalize()}TimeZone"] = props[side]["timeZone"]
    found = before | props | times
    for side in SIDES:
        if all_day and not found[side]["dateTime"].endswith("T00:00:00.0000000"):
            text = f"The Event.{side.capitalize()} property for an all-day event needs to be set to midnight."
            raise bad_request(text, "ErrorInvalidRequest")
    if moment(found["end"]) < moment(found["start"]):
        raise bad_request("The end time is before the start time.", "ErrorCalendarEndDateIsEarlierThanStartDate")
    return times
