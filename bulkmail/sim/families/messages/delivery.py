"""Messages that arrive while a rehearsal runs, as its judge wishes: a phish in some mailboxes, or many in one.

{"deliver": {"to": ["ada@tenant.example"], "sender": "billing@attacker.example", "subject": "Invoice",
             "folder": "inbox", "copies": 1, "message": {"isRead": false}}}
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from bulkmail.sim.families.folders.content import NUMBERS
from bulkmail.sim.families.messages.content import blank_message
from bulkmail.sim.families.messages.kind import MESSAGE
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import recipient
from bulkmail.sim.world import World

MOST = 1_000_000
ID = "<{}.{}@delivered.example>"  # of the subject and the copy: the same in all mailboxes
FIELDS = frozenset({"to", "sender", "subject", "folder", "copies", "received", "message"})


def deliver(world: World, wish: Any) -> None:
    """Lays `copies` into a folder of each mailbox, a second apart from `received` on. Raises ValueError."""
    given = _checked(wish)
    numbers = [world.tenant.find(str(address)) for address in given["to"]]
    folder = NUMBERS.get(str(given.get("folder", "inbox")).lower())
    if min(numbers, default=-1) < 0 or folder is None:
        raise ValueError("a mailbox or the folder is not known")
    received = datetime.fromisoformat(given.get("received", "2026-11-20T08:00:00Z"))
    for number in numbers:
        mailbox = world.mailboxes.write(number)
        store = MESSAGE.of(mailbox)
        base = _message(given, mailbox.address)
        for copy in range(given.get("copies", 1)):
            stamp = (received + timedelta(seconds=copy)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            id_ = ID.format(given["subject"].replace(" ", "-"), copy)
            store.add({**base, "receivedDateTime": stamp, "sentDateTime": stamp, "internetMessageId": id_}, folder)


def _checked(wish: Any) -> Json:
    given: Json = wish if isinstance(wish, dict) else {}
    if not given.keys() <= FIELDS or not {"to", "subject"} <= given.keys():
        raise ValueError(f"a delivery says to whom and which subject, and of {', '.join(sorted(FIELDS))} no other")
    copies, message = given.get("copies", 1), given.get("message", {})
    if type(copies) is not int or not 0 < copies <= MOST or not isinstance(message, dict):
        raise ValueError("copies is a number, and message an object")
    if strange := message.keys() - blank_message("").keys():
        raise ValueError(f"a message has no {min(strange)}")
    return given


def _message(given: Json, address: str) -> Json:
    sender = recipient(str(given.get("sender", "sender@delivered.example")))
    said = {"subject": given["subject"], "sender": sender, "from": sender, "toRecipients": [recipient(address)]}
    whole: Json = blank_message("2026-11-20T08:00:00Z") | said | {"isDraft": False, "bytes": 20_000}
    return {**whole, **given.get("message", {})}
