"""The overrides of an untouched mailbox: none in most."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.seeded import guid, mix
from bulkmail.sim.tenant.store import Item

CLASSES = ("focused", "other")


def overrides(mailbox: Mailbox) -> list[Item]:
    bits = mix(mailbox.seed, mailbox.number, 820)
    return [
        Item(place, 0, override(guid(bits, place), f"news{place}@partner.example", CLASSES[(bits >> place) & 1]))
        for place in range(1, 1 + (bits >> 8) % 3)
    ]


def override(name: str, address: str, kind: str, shown: str = "") -> Json:
    return {"id": name, "classifyAs": kind, "senderEmailAddress": {"name": shown or address, "address": address}}
