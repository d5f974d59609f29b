"""What else is in a mailbox nobody wrote to: rules, categories, contacts, calendars, events, permissions. Computed."""

import base64

from bulkmail.sim import words
from bulkmail.sim.call import Json
from bulkmail.sim.folders import ARCHIVE
from bulkmail.sim.ids import FOLDER, item_id
from bulkmail.sim.letters import person
from bulkmail.sim.seeded import guid, mix
from bulkmail.sim.shelf import Item

OUTSIDE = ("drop@elsewhere.example", "=cmd|' /C calc'!A0@elsewhere.example", "harbour@partner.example")
LEGACY = "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=rowan"
CONTACTS = 1  # the default contact folder
CALENDAR = 1  # the default calendar


def rules(seed: int, mailbox: int) -> list[Item]:
    bits = mix(seed, mailbox, 50)
    return [Item(place + 1, 0, _rule(mailbox, bits >> 8 * place, place)) for place in range((bits >> 60) % 4)]


def _rule(mailbox: int, bits: int, place: int) -> Json:
    outside = person(OUTSIDE[(bits >> 3) % 3])
    actions: tuple[Json, ...] = (
        {"moveToFolder": item_id(mailbox, FOLDER, ARCHIVE), "stopProcessingRules": True},
        {"forwardTo": [outside]},
        {"redirectTo": [person("amber.brook.0@tenant.example")], "stopProcessingRules": True},
        {"forwardAsAttachmentTo": [{"emailAddress": {"name": "Rowan", "address": LEGACY}}]},
        {"delete": True},
        {"assignCategories": ["Red category"], "markImportance": "high"},
        {"markAsRead": True, "stopProcessingRules": True},
        {"copyToFolder": item_id(mailbox, FOLDER, ARCHIVE)},
    )
    return {
        "displayName": ("Tidy up", "From partner", "=rule", "Weiterleiten", "転送")[(bits >> 5) % 5],
        "sequence": place + 1,
        "isEnabled": bits >> 6 & 3 != 0,
        "hasError": bits & 63 == 0,
        "isReadOnly": bits & 31 == 1,
        "conditions": {"subjectContains": ["enter to win"]} if bits & 1 else {"senderContains": ["quay"]},
        "actions": actions[bits >> 2 & 7],
    }


def categories(seed: int, mailbox: int) -> list[Item]:
    """Their ids are GUIDs, so the id is one of the properties."""
    return [
        Item(place + 1, 0, {"id": guid(mix(seed, mailbox, 60), place), "displayName": name, "color": f"preset{place}"})
        for place, name in enumerate(words.CATEGORIES[: 2 + mix(seed, mailbox, 61) % 5])
    ]


def contact_folders(seed: int, mailbox: int) -> list[Item]:
    found = [Item(CONTACTS, 0, {"displayName": "Contacts"})]
    if mix(seed, mailbox, 62) & 3 == 0:
        found.append(Item(2, CONTACTS, {"displayName": "Suppliers"}))
    return found


def contacts(seed: int, mailbox: int) -> list[Item]:
    bits = mix(seed, mailbox, 63)
    return [_contact(mix(seed, mailbox, 200 + number), number) for number in range(1, 1 + bits % 12)]


def _contact(bits: int, number: int) -> Item:
    first, last = words.FIRST[bits % 20].title(), words.LAST[(bits >> 8) % 20].title()
    address = f"{first}.{last}.{number}@partner.example".lower()
    props = blank_contact("2022-03-04T05:06:07Z") | {
        "displayName": f"{first} {last}",
        "givenName": first,
        "surname": last,
        "fileAs": f"{last}, {first}",
        "companyName": ("Quay & Söhne", "=1+1", None, "Grove")[bits >> 16 & 3],
        "emailAddresses": [{"name": f"{first} {last}", "address": address}],
        "mobilePhone": f"+1 555 {bits >> 20 & 0xFFF:04d}",
    }
    return Item(number, CONTACTS, props)


def blank_contact(stamp: str) -> Json:
    texts = (
        "assistantName businessHomePage companyName department displayName fileAs generation givenName initials "
        "jobTitle manager middleName mobilePhone nickName officeLocation personalNotes profession spouseName surname "
        "title yomiCompanyName yomiGivenName yomiSurname birthday"
    )
    lists = "businessPhones categories children emailAddresses homePhones imAddresses"
    places = "businessAddress homeAddress otherAddress"
    return (
        {"createdDateTime": stamp, "lastModifiedDateTime": stamp}
        | dict.fromkeys(texts.split())
        | {name: [] for name in lists.split()}
        | {name: {} for name in places.split()}
    )


def calendars(address: str) -> list[Item]:
    owner = person(address)["emailAddress"]
    return [Item(CALENDAR, 0, blank_calendar("Calendar", owner) | {"isDefaultCalendar": True, "isRemovable": False})]


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


def permissions(seed: int, mailbox: int) -> list[Item]:
    default = permission(
        "My Organization", "", ("none", "freeBusyRead", "limitedRead", "read")[mix(seed, mailbox, 64) & 3]
    )
    default |= {"id": "RGVmYXVsdA==", "isRemovable": False}
    found = [Item(1, CALENDAR, default)]
    if mix(seed, mailbox, 65) & 3 == 0:
        found.append(Item(2, CALENDAR, permission("Delegate", "amber.brook.0@tenant.example", "write")))
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


def events(seed: int, mailbox: int, address: str) -> list[Item]:
    numbers = range(1, 1 + mix(seed, mailbox, 66) % 6)
    return [_event(mix(seed, mailbox, 300 + number), number, address) for number in numbers]


def _event(bits: int, number: int, address: str) -> Item:
    day = f"20{24 + bits % 4}-{1 + (bits >> 4) % 12:02d}-{1 + (bits >> 8) % 28:02d}"
    props = blank_event("2024-01-02T03:04:05Z", address) | {
        "subject": words.SUBJECTS[(bits >> 16) % len(words.SUBJECTS)].format(n=number),
        "start": {"dateTime": f"{day}T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{day}T10:00:00.0000000", "timeZone": "UTC"},
    }
    return Item(number, CALENDAR, props)


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
        "organizer": person(address),
    }
