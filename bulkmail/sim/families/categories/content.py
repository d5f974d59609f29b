"""The categories of an untouched mailbox: two to six of the usual ones."""

from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.seeded import guid, mix
from bulkmail.sim.tenant.store import Item


def categories(mailbox: Mailbox) -> list[Item]:
    """Their ids are GUIDs, so the id is one of the properties."""
    return [
        Item(
            place + 1,
            0,
            {"id": guid(mix(mailbox.seed, mailbox.number, 60), place), "displayName": name, "color": f"preset{place}"},
        )
        for place, name in enumerate(words.CATEGORIES[: 2 + mix(mailbox.seed, mailbox.number, 61) % 5])
    ]
