"""The messages of an untouched mailbox: few in most, hundreds in some. Computed from (seed, mailbox, number)."""

import math
from statistics import NormalDist
from zlib import crc32

from bulkmail.sim.families.folders.content import ARCHIVE, DELETED, DRAFTS, HISTORY, INBOX, JUNK, SENT
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.tenant.seeded import guid, mix, share
from bulkmail.sim.tenant.store import Item

PLACES = (INBOX,) * 8 + (SENT,) * 3 + (DELETED, DELETED, ARCHIVE, JUNK, HISTORY)
SUBJECTS = (
    *words.SUBJECTS, "Newsletter {n}", "Re: delivery", "=cmd|' /C calc'!A0", "\x1b[31mRed\x1b[0m\x07 alert",
    "gnp.\u202eexe", "<script>alert(1)</script>", "../../etc/passwd", "O'Neil\u2019s 100% \"offer\", a;b", "  spaces  ",
    "Lang: " + "ß" * 250, "📨 דואר",
)  # fmt: skip
DOUBLINGS = (0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 8, 12)
"""How often the size of a message is doubled: most are small, and a few have most of the bytes."""

SPREAD, NORMAL = 1.8, NormalDist()
"""Of the logarithm of sizes around a typical one. With 30 KB and the ends at 1 KB and 20 MB, the mean is 150 KB: three
items of a hundred are at the least, one of a hundred has 2 MB or more, and one of seven thousand is at the most."""

THREADS = 8
"""Conversations that a mailbox's messages belong to for every sixteen of them, so that some are long."""
SIZES = ((3, 18),) * 6 + ((20, 40),) * 3 + ((60, 140),)  # from, spread; one mailbox in 64 has 400
IMPORTANCE = ("normal",) * 6 + ("high", "low")


def count(seed: int, mailbox: int) -> int:
    bits = mix(seed, mailbox, 40)
    least, spread = SIZES[bits % len(SIZES)]
    return 400 if bits >> 8 & 63 == 0 else least + (bits >> 16) % spread


def messages(mailbox: Mailbox) -> list[Item]:
    seed, number, sizes = mailbox.seed, mailbox.number, mailbox.item_sizes
    many = mailbox.items or count(seed, number)
    found = [message(mix(seed, number, 1000 + n), n, mailbox.address) for n in range(1, many + 1)]
    if sizes[-1]:
        for item in found:
            item.props["bytes"] = size(*sizes, share(seed, number, 5_000_000 + item.number))
    return found


def size(least: int, typical: int, most: int, place: float) -> int:
    """Bytes of a message. Without a `typical` size, as many are up to ten times the least as from there to a hundred
    times. With one, half are smaller, most of the bytes are in a few, and what is beyond the ends is put there."""
    if not typical:
        return int(least * math.pow(most / least, place))
    return int(min(most, max(least, typical * math.exp(SPREAD * NORMAL.inv_cdf(place or 0.5)))))


def message(bits: int, number: int, address: str) -> Item:
    parent = DRAFTS if bits & 31 == 0 else PLACES[(bits >> 5) & 15]
    own, other = recipient(address), recipient(_correspondent(bits))
    sent = parent in {SENT, DRAFTS}
    stamp = (
        f"20{20 + (bits >> 10) % 7}-{1 + (bits >> 14) % 12:02d}-{1 + (bits >> 18) % 28:02d}"
        f"T{bits >> 22 & 15:02d}:{(bits >> 26) % 60:02d}:{number % 60:02d}Z"
    )
    text = f"Message {number}: {words.REPLIES[(bits >> 32) % 12]}"
    props = blank_message(stamp) | {
        "hasAttachments": bits >> 40 & 7 == 0,
        "internetMessageId": f"<{guid(bits, number)}@tenant.example>",
        "subject": SUBJECTS[(bits >> 44) % len(SUBJECTS)].replace("{n}", str(number)),
        "bodyPreview": text[:255],
        "importance": IMPORTANCE[bits >> 48 & 7],
        "conversationId": f"AAQk{mix(crc32(address.encode()), number // 16 * THREADS + bits % THREADS, 41) >> 8:014x}=",
        "isRead": bits >> 51 & 3 != 0 or sent,
        "isDraft": parent == DRAFTS,
        "categories": ["Red category"] if bits >> 53 & 15 == 0 else [],
        "body": {"contentType": "html", "content": f"<html><body>{text}</body></html>"},
        "sender": own if sent else other,
        "from": own if sent else other,
        "toRecipients": [other if sent else own],
        "bytes": 2000 + ((bits >> 20) % 4000 << DOUBLINGS[(bits >> 33) % len(DOUBLINGS)]),
    }
    return Item(number, parent, props)


def blank_message(stamp: str) -> Json:
    """All properties that a message has; `bytes`, its size, comes on top and is not shown as it is."""
    return {
        "createdDateTime": stamp,
        "lastModifiedDateTime": stamp,
        "categories": [],
        "receivedDateTime": stamp,
        "sentDateTime": stamp,
        "hasAttachments": False,
        "internetMessageId": "",
        "subject": "",
        "bodyPreview": "",
        "importance": "normal",
        "conversationId": "",
        "isDeliveryReceiptRequested": None,
        "isReadReceiptRequested": False,
        "isRead": False,
        "isDraft": True,
        "webLink": "https://outlook.office365.com/owa/",
        "inferenceClassification": "focused",
        "body": {"contentType": "text", "content": ""},
        "sender": None,
        "from": None,
        "toRecipients": [],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "flag": {"flagStatus": "notFlagged"},
    }


def _correspondent(bits: int) -> str:
    first, last = words.FIRST[(bits >> 3) % 20], words.LAST[(bits >> 9) % 20]
    return f"{first}.{last}@{'partner.example' if bits & 4 else 'tenant.example'}"
