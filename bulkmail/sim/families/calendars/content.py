"""The calendar of an untouched mailbox, its events, and who may see it."""

import base64

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item

DEFAULT = 1  # the number of the default calendar, and of the group that calendars are in
CANCELLED = 0  # where cancelled events are: in no calendar


def calendar_groups(_: Mailbox) -> list[Item]:
    names = ("My Calendars", "Other Calendars", "People's Calendars")
    return [Item(number, 0, blank_group(name)) for number, name in enumerate(names, DEFAULT)]


def blank_group(name: str) -> Json:
    return {"name": name, "classId": "0006f0b7-0000-0000-c000-000000000046"}


def calendars(mailbox: Mailbox) -> list[Item]:
    owner = recipient(mailbox.address)["emailAddress"]
    return [Item(DEFAULT, 0, blank_calendar("Calendar", owner) | {"isDefaultCalendar": True, "isRemovable": False})]


def blank_calendar(name: str, owner: Json) -> Json:
    return {
        "name": name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": False,
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": True,
        "isRemovable": True,
        "owner": owner,
    }


def permissions(mailbox: Mailbox) -> list[Item]:
    default = permission(
        "My Organization",
        "",
        ("none", "freeBusyRead", "limitedRead", "read")[mix(mailbox.seed, mailbox.number, 64) & 3],
    )
    default |= {"id": "RGVmYXVsdA==", "isRemovable": False}
    found = [Item(1, DEFAULT, default)]
    if mix(mailbox.seed, mailbox.number, 65) & 3 == 0:
        found.append(Item(2, DEFAULT, permission("Delegate", "amber.brook.0@tenant.example", "write")))
    return found


def permission(name: str, address: str, role: str) -> Json:
    """The id is made of the grantee's address, as in the service."""
    return {
        "id": base64.urlsafe_b64encode(address.encode()).decode(),
        "isRemovable": True,
        "isInsideOrganization": address.endswith("tenant.example") or not address,
        "role": role,
        "allowedRoles": ["freeBusyRead", "limitedRead", "read", "write"],
        "emailAddress": {"name": name, "address": address} if address else {"name": name},
    }


def events(mailbox: Mailbox) -> list[Item]:
    numbers = range(1, 1 + mix(mailbox.seed, mailbox.number, 66) % 6)
    return [_event(mix(mailbox.seed, mailbox.number, 300 + number), number, mailbox.address) for number in numbers]


def _event(bits: int, number: int, address: str) -> Item:
    day = f"20{24 + bits % 4}-{1 + (bits >> 4) % 12:02d}-{1 + (bits >> 8) % 28:02d}"
    props = blank_event("2024-01-02T03:04:05Z", address) | {
        "subject": words.SUBJECTS[(bits >> 16) % len(words.SUBJECTS)].format(n=number),
        "start": {"dateTime": f"{day}T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{day}T10:00:00.0000000", "timeZone": "UTC"},
    }
    return Item(number, DEFAULT, props)


def blank_event(stamp: str, address: str) -> Json:
    return {
        "createdDateTime": stamp,
        "lastModifiedDateTime": stamp,
        "categories": [],
        "transactionId": None,
        "originalStartTimeZone": "UTC",
        "originalEndTimeZone": "UTC",
        "iCalUId": "040000008200E00074C5B7101A82E008",
        "reminderMinutesBeforeStart": 15,
        "isReminderOn": True,
        "hasAttachments": False,
        "subject": "",
        "bodyPreview": "",
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "responseRequested": True,
        "showAs": "busy",
        "type": "singleInstance",
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "body": {"contentType": "html", "content": ""},
        "location": {"displayName": "", "locationType": "default", "uniqueIdType": "unknown"},
        "locations": [],
        "attendees": [],
        "recurrence": None,
        "seriesMasterId": None,
        "organizer": recipient(address),
    }
