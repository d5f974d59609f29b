"""The inbox rules of an untouched mailbox, as varied as real ones: tidy ones, forwards in and out, and an intruder's.

None in two of five mailboxes, up to six in the others; now and then one that is broken, read-only or switched off.
"""

import base64
import struct

from bulkmail.sim.families.folders.content import ARCHIVE, DELETED, FEEDS, HISTORY, JUNK
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import DOMAIN, recipient
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item

LEGACY = "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=rowan"
INSIDE = (f"amber.brook.0@{DOMAIN}", f"Birch.Dale.1@{DOMAIN.upper()}", f"office@mail.{DOMAIN}")
OUTSIDE = (
    "drop@elsewhere.example", "=cmd|' /C calc'!A0@elsewhere.example", "harbour@partner.example",
    f"rowan@{DOMAIN}.attacker.example", f"{DOMAIN}@elsewhere.example", "SMTP:fern@partner.example",
)  # fmt: skip
UNKNOWN: tuple[Json, ...] = (  # inside or outside: not to be told
    {"emailAddress": {"name": "Rowan", "address": LEGACY}},
    {"emailAddress": {"name": "Reception", "address": ""}},
)
COUNTS = (0, 0, 0, 0, 1, 1, 2, 3, 3, 6)
NAMES = ("Tidy up", "From partner", "=rule", "Weiterleiten", "転送", ".", "..", "Newsletters", "\x1b[31mred", "RSS")
CONDITIONS: tuple[Json | None, ...] = (
    {"subjectContains": ["enter to win"]},
    {"senderContains": ["QUAY"]},
    {"bodyOrSubjectContains": ["invoice", "payment", "Rechnung", "wire transfer"]},
    {"fromAddresses": [recipient("harbour@partner.example")], "hasAttachments": True},
    {"sentToMe": True, "importance": "high", "withinSizeRange": {"minimumSize": 100, "maximumSize": 5000}},
    {"headerContains": ["X-Spam: yes"], "isAutomaticReply": True},
    {"recipientContains": ["office@"], "sensitivity": "private"},
    None,  # for every message
)
EXCEPTIONS: tuple[Json, ...] = ({"sentOnlyToMe": True}, {"subjectContains": ["urgent"]}, {"isMeetingRequest": True})


def _outside(bits: int) -> Json:
    return recipient(OUTSIDE[bits % len(OUTSIDE)])


def _inside(bits: int) -> Json:
    return recipient(INSIDE[bits % len(INSIDE)])


def _actions(mailbox: int, bits: int) -> tuple[Json, ...]:
    """One of each sort for a mailbox, by its number; `bits` choose who gets what is forwarded."""
    return (
        {"moveToFolder": FOLDER.id(mailbox, ARCHIVE), "stopProcessingRules": True},
        {"moveToFolder": FOLDER.id(mailbox, FEEDS), "markAsRead": True, "stopProcessingRules": True},
        {"moveToFolder": FOLDER.id(mailbox, HISTORY), "stopProcessingRules": True},
        {"moveToFolder": FOLDER.id(mailbox, DELETED)},
        {"copyToFolder": FOLDER.id(mailbox, JUNK)},
        {"forwardTo": [_outside(bits)]},
        {"forwardTo": [_inside(bits)], "stopProcessingRules": True},
        {"forwardTo": [_inside(bits), _outside(bits >> 3)], "delete": True},
        {"forwardTo": [UNKNOWN[bits & 1]]},
        {"redirectTo": [_outside(bits)], "stopProcessingRules": True},
        {"redirectTo": [_inside(bits)]},
        {"forwardAsAttachmentTo": [UNKNOWN[0] if bits & 1 else _outside(bits)]},
        {"delete": True},
        {"permanentDelete": True, "stopProcessingRules": True},
        {"assignCategories": ["Red category"], "markImportance": "high"},
        {"markAsRead": True, "stopProcessingRules": True},
    )


def rules(mailbox: Mailbox) -> list[Item]:
    many = COUNTS[mix(mailbox.seed, mailbox.number, 50) % len(COUNTS)]
    return [_rule(mailbox, mix(mailbox.seed, mailbox.number, 900 + number), number) for number in range(1, many + 1)]


def rule_id(mailbox: int, number: int) -> str:
    """Short, and unlike the ids of everything else: eight bytes, with padding."""
    return base64.urlsafe_b64encode(struct.pack(">II", 1 << 24, (mix(0, mailbox, 51) + number) & 0xFFFFFFFF)).decode()


def _rule(mailbox: Mailbox, bits: int, number: int) -> Item:
    conditions = CONDITIONS[bits >> 4 & 7]
    props: Json = {
        "id": rule_id(mailbox.number, number),
        "displayName": NAMES[(bits >> 8) % len(NAMES)],
        "sequence": number if bits >> 12 & 7 else number * 10,
        "isEnabled": bits >> 16 & 3 != 0,
        "hasError": bits >> 20 & 31 == 0,
        "isReadOnly": bits >> 26 & 31 == 1,
        **({} if conditions is None else {"conditions": conditions}),
        **({"exceptions": EXCEPTIONS[bits % 3]} if bits >> 32 & 7 == 0 else {}),
        "actions": _actions(mailbox.number, bits >> 36)[bits & 15],
    }
    return Item(number, 0, props)
