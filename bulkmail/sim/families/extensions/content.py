"""The extensions of an untouched mailbox: none. Kept by what they extend and by their names."""

from bulkmail.sim.families.extensions.kind import Owner
from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.mailbox import Mailbox


def extensions(mailbox: Mailbox, owner: Owner, number: int) -> Json:
    """Those of one thing, by their names in lower case, to be looked at."""
    found: Json = mailbox.objects.get(_place(owner), {}).get(str(number), {})
    return found


def kept(mailbox: Mailbox, owner: Owner, number: int) -> Json:
    """The same of a mailbox that is written, to be changed."""
    found: Json = mailbox.objects.setdefault(_place(owner), {}).setdefault(str(number), {})
    return found


def _place(owner: Owner) -> str:
    return f"extensions of {owner.name}s"
