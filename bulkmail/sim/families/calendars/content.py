"""The calendar of an untouched mailbox, its events, and who may see it."""

import base64

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import DOMAIN, recipient
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item

DEFAULT = 1  # the number of the default calendar, and of the group that calendars are in
OWN, SHARED = 2, 3  # of another calendar, and of one that another person shares with the mailbox
CANCELLED = 0  # where cancelled events are: in no calendar
BOSS = f"amber.brook.0@{DOMAIN}"
ATTENDED: Json = {  # of one event in eight, to which the mailbox was invited
    "isOrganizer": False, "organizer": recipient(BOSS),
    "responseStatus": {"response": "notResponded", "time": "0001-01-01T00:00:00Z"},
}  # fmt: skip
GRANTS = (  # a mailbox has one of them where these bits of its own are 0
    (0b11, "Delegate", BOSS, "write"),
    (0b11100, "Partner", "partner@elsewhere.example", "limitedRead"),
    (0b11100000, "Assistant", f"birch.cliff.1@{DOMAIN}", "delegateWithoutPrivateEventAccess"),
    (0b11100000000, "Planner", f"cedar.dale.2@{DOMAIN}", "custom"),
)


def calendar_groups(_: Mailbox) -> list[Item]:
    names = ("My Calendars", "Other Calendars", "People's Calendars")
    return [Item(number, 0, blank_group(name)) for number, name in enumerate(names, DEFAULT)]


def blank_group(name: str) -> Json:
    return {"name": name, "classId": "0006f0b7-0000-0000-c000-000000000046"}


def calendars(mailbox: Mailbox) -> list[Item]:
    """The default one; one mailbox in eight has another of its own, and one in sixteen sees one of another person."""
    owner, bits = recipient(mailbox.address)["emailAddress"], mix(mailbox.seed, mailbox.number, 67)
    found = [Item(DEFAULT, 0, blank_calendar("Calendar", owner) | {"isDefaultCalendar": True, "isRemovable": False})]
    if bits & 7 == 0:
        found.append(Item(OWN, 0, blank_calendar("Projekt Süd", owner)))
    if bits >> 3 & 15 == 0:
        theirs = recipient(BOSS)["emailAddress"]
        found.append(Item(SHARED, 0, blank_calendar("Amber", theirs) | {"canShare": False, "canEdit": False}))
    return found


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
    """Of every calendar of the mailbox's own: that of the organisation first, then those of people."""
    bits = mix(mailbox.seed, mailbox.number, 65)
    everyone = ("none", "freeBusyRead", "limitedRead", "read")[mix(mailbox.seed, mailbox.number, 64) & 3]
    found = [Item(1, DEFAULT, organisation(everyone))]
    people = [permission(name, address, role) for mask, name, address, role in GRANTS if bits & mask == 0]
    found += [Item(number, DEFAULT, one) for number, one in enumerate(people, 2)]
    if mix(mailbox.seed, mailbox.number, 67) & 7 == 0:
        found.append(Item(8, OWN, organisation("none")))
        found.append(Item(9, OWN, permission("Delegate", BOSS, "read")))
    return found


def organisation(role: str) -> Json:
    """Of all in the tenant who have none of their own; it has no address, and cannot be removed."""
    row = permission("My Organization", "", role)
    return row | {"id": "RGVmYXVsdA==", "isRemovable": False, "allowedRoles": ["none", *row["allowedRoles"]]}


def permission(name: str, address: str, role: str) -> Json:
    """The id is made of the grantee's address, as in the service; another tenant's people may get less."""
    inside = address.lower().endswith("@" + DOMAIN) or not address
    allowed = ["freeBusyRead", "limitedRead", "read"] + ["write"] * inside
    if inside and address:
        allowed += ["delegateWithoutPrivateEventAccess", "delegateWithPrivateEventAccess"]
    return {
        "id": base64.urlsafe_b64encode(address.lower().encode()).decode(),
        "isRemovable": True,
        "isInsideOrganization": inside,
        "role": role,
        "allowedRoles": allowed,
        "emailAddress": {"name": name, "address": address} if address else {"name": name},
    }


def events(mailbox: Mailbox) -> list[Item]:
    numbers = range(1, 1 + mix(mailbox.seed, mailbox.number, 66) % 6)
    return [_event(mix(mailbox.seed, mailbox.number, 300 + number), number, mailbox.address) for number in numbers]


def _event(bits: int, number: int, address: str) -> Item:
    day = f"20{24 + bits % 4}-{1 + (bits >> 4) % 12:02d}-{1 + (bits >> 8) % 28:02d}"
    organizer = {} if bits >> 24 & 7 else ATTENDED
    props = (
        blank_event("2024-01-02T03:04:05Z", address)
        | organizer
        | {
            "subject": words.SUBJECTS[(bits >> 16) % len(words.SUBJECTS)].format(n=number),
            "start": {"dateTime": f"{day}T09:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": f"{day}T10:00:00.0000000", "timeZone": "UTC"},
        }
    )
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
