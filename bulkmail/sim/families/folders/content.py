"""The folders of a mailbox: the well-known ones, in the mailbox's language, and a few of its own. Computed."""

from typing import NamedTuple

from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.store import Item


class WellKnown(NamedTuple):
    name: str
    english: str
    german: str
    parent: int
    hidden: bool = False


ROOT, INBOX, DRAFTS, SENT, DELETED, JUNK, ARCHIVE, OUTBOX, HISTORY, RECOVERABLE, DIGEST = range(1, 12)
FEEDS = 15  # after the mailbox's own
WELL_KNOWN = {
    ROOT: WellKnown("msgfolderroot", "Top of Information Store", "Oberste Ebene des Informationsspeichers", 0),
    INBOX: WellKnown("inbox", "Inbox", "Posteingang", ROOT),
    DRAFTS: WellKnown("drafts", "Drafts", "Entwürfe", ROOT),
    SENT: WellKnown("sentitems", "Sent Items", "Gesendete Elemente", ROOT),
    DELETED: WellKnown("deleteditems", "Deleted Items", "Gelöschte Elemente", ROOT),
    JUNK: WellKnown("junkemail", "Junk Email", "Junk-E-Mail", ROOT),
    ARCHIVE: WellKnown("archive", "Archive", "Archiv", ROOT),
    OUTBOX: WellKnown("outbox", "Outbox", "Postausgang", ROOT),
    HISTORY: WellKnown("conversationhistory", "Conversation History", "Verlauf", ROOT, hidden=True),
    RECOVERABLE: WellKnown("recoverableitemsdeletions", "Deletions", "Deletions", 0, hidden=True),
}
NUMBERS = {folder.name: number for number, folder in WELL_KNOWN.items()}


def folders(mailbox: Mailbox) -> list[Item]:
    bits = mix(mailbox.seed, mailbox.number, 30)
    german = (mix(mailbox.seed, mailbox.number, 20) >> 4) % 8 == 2  # as in the mailbox's settings
    found = [
        Item(number, known.parent, {"displayName": known.german if german else known.english, "isHidden": known.hidden})
        for number, known in WELL_KNOWN.items()
    ]
    if bits & 7 == 0:
        search = {
            "displayName": "Weekly digests",
            "isHidden": False,
            "@odata.type": "#microsoft.graph.mailSearchFolder",
        }
        found.append(Item(DIGEST, ROOT, search))
    for place in range(bits >> 8 & 3):
        number = DIGEST + 1 + place
        parent = INBOX if place == 0 else number - 1  # each inside the one before
        name = words.FOLDERS[(bits >> 12 + 4 * place) % len(words.FOLDERS)]
        found.append(Item(number, parent, {"displayName": f"{name} {place + 1}", "isHidden": False}))
    if bits >> 30 & 3:  # as Outlook makes it: an ordinary folder, which its owner may delete
        found.append(Item(FEEDS, ROOT, {"displayName": "RSS-Feeds" if german else "RSS Feeds", "isHidden": False}))
    return found
