"""The contacts and contact folders of an untouched mailbox."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item

CONTACTS = 1  # the number of the default folder


def contact_folders(mailbox: Mailbox) -> list[Item]:
    found = [Item(CONTACTS, 0, {"displayName": "Contacts"})]
    if mix(mailbox.seed, mailbox.number, 62) & 3 == 0:
        found.append(Item(2, CONTACTS, {"displayName": "Suppliers"}))
    return found


def contacts(mailbox: Mailbox) -> list[Item]:
    bits = mix(mailbox.seed, mailbox.number, 63)
    return [_contact(mix(mailbox.seed, mailbox.number, 200 + number), number) for number in range(1, 1 + bits % 12)]


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
