"""What messages came with: one to three attachments of all kinds, some under hostile names.

Computed from (seed, mailbox, message), content and all, so that gigabytes of it take no memory.
"""

import base64
from collections.abc import Iterator
from hashlib import sha256

from bulkmail.sim.families.messages.enclosures import FILE, blank
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item
from bulkmail.sim.world import World

ITEM, REFERENCE = "#microsoft.graph.itemAttachment", "#microsoft.graph.referenceAttachment"
COMPUTED = 1 << 31  # numbers from here on are of attachments that messages came with
BLOCK = 1 << 16
OVERHEAD = 120  # bytes by which the size of an attachment is more than that of its content
LETTER = b"Subject: As agreed\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
FILES = (
    ("Quarterly figures.csv", "text/csv"),
    ("minutes.pdf", "application/pdf"),
    ("名簿.xlsx", "application/vnd.ms-excel"),
    ("../../../etc/passwd", "text/plain"),
    ("CON.txt", "text/plain"),
    ("invoice\u202egpj.exe", "application/x-msdownload"),
    ("a/b\\c:d?*.doc", "application/msword"),
    ("=cmd|' /C calc'!A0.csv", "text/csv"),
    (f"{'long ' * 50}.pdf", "application/pdf"),
    ("", "application/octet-stream"),
    (".hidden", "text/plain"),
    ("two\r\nlines\x00.txt", "text/plain"),
    ("trailing. ", ""),
)
INLINE = ("image001.png", "image/png")


def content(user: int, item: Item, start: int = 0) -> bytes | None:
    """The content of an attachment from byte `start` on; None of a link."""
    props = item.props
    if "contentBytes" in props:
        return base64.b64decode(props["contentBytes"])[start:]
    if props["@odata.type"] == FILE:
        return _computed(f"{user} {item.number}", props["size"] - OVERHEAD, start)
    return LETTER[start:] if props["@odata.type"] == ITEM else None


def _computed(key: str, size: int, start: int) -> bytes:
    """Bytes that look like nothing in particular."""
    pattern = sha256(key.encode()).digest() * (BLOCK // 32)
    first = start // BLOCK
    blocks = (number.to_bytes(8, "big") + pattern[8:] for number in range(first, -(-size // BLOCK)))
    return b"".join(blocks)[start - first * BLOCK : size - first * BLOCK]


def attached(world: World, user: int, message: Item) -> Iterator[Item]:
    """The attachments of a message that came with some."""
    bits = mix(world.tenant.seed, user, 3_000_000 + message.number)
    for place in range(1 + bits % 3):
        number = COMPUTED | message.number << 2 | place
        props = _props(world, bits >> 8 + 16 * place, message)
        yield Item(number, message.number, props | ({"isInline": False} if place == 0 else {}))


def _props(world: World, bits: int, message: Item) -> Json:
    moment = message.props["receivedDateTime"]
    if bits & 15 == 15:
        subject = f"Forwarded: {message.props['subject']}"
        return blank(ITEM, moment) | {"name": subject, "contentType": None, "size": 900}
    if bits & 15 == 14:
        return blank(REFERENCE, moment) | {"name": "Plans on the drive.docx", "contentType": None, "size": 300}
    size = world.settings.attachment or 100 + (bits >> 4) % 4000
    inline = bits & 15 == 13
    name, kind = INLINE if inline else FILES[(bits >> 4) % len(FILES)]
    told: Json = {"name": name, "contentType": kind or None, "size": size + OVERHEAD, "isInline": inline}
    return blank(FILE, moment) | told | ({"contentId": f"{name}@01D9"} if inline else {})
