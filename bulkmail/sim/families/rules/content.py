"""The inbox rules of an untouched mailbox: none in one of four, up to three in the others."""

from bulkmail.sim.families.folders.content import ARCHIVE
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item

OUTSIDE = ("drop@elsewhere.example", "=cmd|' /C calc'!A0@elsewhere.example", "harbour@partner.example")
LEGACY = "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=rowan"


def rules(mailbox: Mailbox) -> list[Item]:
    bits = mix(mailbox.seed, mailbox.number, 50)
    return [Item(place + 1, 0, _rule(mailbox.number, bits >> 8 * place, place)) for place in range((bits >> 60) % 4)]


def _rule(mailbox: int, bits: int, place: int) -> Json:
    outside = recipient(OUTSIDE[(bits >> 3) % 3])
    actions: tuple[Json, ...] = (
        {"moveToFolder": FOLDER.id(mailbox, ARCHIVE), "stopProcessingRules": True},
        {"forwardTo": [outside]},
        {"redirectTo": [recipient("amber.brook.0@tenant.example")], "stopProcessingRules": True},
        {"forwardAsAttachmentTo": [{"emailAddress": {"name": "Rowan", "address": LEGACY}}]},
        {"delete": True},
        {"assignCategories": ["Red category"], "markImportance": "high"},
        {"markAsRead": True, "stopProcessingRules": True},
        {"copyToFolder": FOLDER.id(mailbox, ARCHIVE)},
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
