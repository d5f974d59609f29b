"""What is inside the mailboxes: computed when looked at, kept only when written to. Knows no kind of thing."""

from collections import OrderedDict

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.people import Tenant
from bulkmail.sim.tenant.store import Store

REMEMBERED = 512  # untouched mailboxes whose content is kept at hand


class Mailbox:
    """One mailbox. Families keep things in `stores`, by the names of their kinds, and single objects in `objects`."""

    __slots__ = ("address", "item_sizes", "items", "number", "objects", "purpose", "seed", "stores")

    def __init__(self, tenant: Tenant, number: int) -> None:
        self.seed = tenant.seed
        self.number = number
        self.items, self.item_sizes = tenant.items, tenant.item_sizes
        self.address = tenant.address(number)
        self.purpose = tenant.purpose(number)
        self.stores: dict[str, Store] = {}
        self.objects: dict[str, Json] = {}


class Mailboxes:
    """All mailboxes of a tenant. Memory grows with what is written, not with what is read."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.written: dict[int, Mailbox] = {}
        self._read: OrderedDict[int, Mailbox] = OrderedDict()

    def read(self, number: int) -> Mailbox:
        """A mailbox to look at; its content must not be changed."""
        mailbox = self.written.get(number) or self._read.get(number)
        if mailbox is None:
            mailbox = self._read[number] = Mailbox(self.tenant, number)
            if len(self._read) > REMEMBERED:
                self._read.popitem(last=False)
        return mailbox

    def write(self, number: int) -> Mailbox:
        """A mailbox to change, kept from now on."""
        mailbox = self.written[number] = self.read(number)
        self._read.pop(number, None)
        return mailbox
