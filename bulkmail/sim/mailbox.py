"""What is inside the mailboxes: computed when looked at, kept only when written to."""

from collections import OrderedDict
from copy import deepcopy
from functools import cached_property, lru_cache

import orjson

from bulkmail.sim import belongings, ids
from bulkmail.sim.call import Json
from bulkmail.sim.content import mailbox_settings
from bulkmail.sim.folders import folders
from bulkmail.sim.letters import messages
from bulkmail.sim.shelf import Item, Shelf
from bulkmail.sim.tenant import Tenant

REMEMBERED = 512  # untouched mailboxes whose content is kept at hand
PACKED = 1 << 14  # mailboxes whose settings are kept as JSON, about 1 KB each: a rehearsal reads them most of all


class Mailbox:
    """One mailbox; each part is computed when it is first looked at."""

    def __init__(self, tenant: Tenant, number: int) -> None:
        self.seed = tenant.seed
        self.number = number
        self.address = tenant.address(number)
        self.purpose = tenant.purpose(number)

    def _shelf(self, kind: int, items: list[Item]) -> Shelf:
        return Shelf(self.number, kind, items)

    @cached_property
    def settings(self) -> Json:
        return deepcopy(mailbox_settings(self.seed, self.number, self.purpose))

    @cached_property
    def folders(self) -> Shelf:
        return self._shelf(ids.FOLDER, folders(self.seed, self.number))

    @cached_property
    def messages(self) -> Shelf:
        return self._shelf(ids.MESSAGE, messages(self.seed, self.number, self.address))

    @cached_property
    def rules(self) -> Shelf:
        return self._shelf(ids.RULE, belongings.rules(self.seed, self.number))

    @cached_property
    def categories(self) -> Shelf:
        return self._shelf(0, belongings.categories(self.seed, self.number))

    @cached_property
    def contact_folders(self) -> Shelf:
        return self._shelf(ids.CONTACT_FOLDER, belongings.contact_folders(self.seed, self.number))

    @cached_property
    def contacts(self) -> Shelf:
        return self._shelf(ids.CONTACT, belongings.contacts(self.seed, self.number))

    @cached_property
    def calendars(self) -> Shelf:
        return self._shelf(ids.CALENDAR, belongings.calendars(self.address))

    @cached_property
    def permissions(self) -> Shelf:
        return self._shelf(0, belongings.permissions(self.seed, self.number))

    @cached_property
    def events(self) -> Shelf:
        return self._shelf(ids.EVENT, belongings.events(self.seed, self.number, self.address))

    @cached_property
    def attachments(self) -> Shelf:
        """Of all messages; the parent is the message's number. Kept only for messages that got theirs by the API."""
        return self._shelf(ids.ATTACHMENT, [])


class Mailboxes:
    """All mailboxes of a tenant. Memory grows with what is written, not with what is read."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.written: dict[int, Mailbox] = {}
        self._read: OrderedDict[int, Mailbox] = OrderedDict()
        self._packed_settings = lru_cache(PACKED)(self._pack_settings)

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

    def packed_settings(self, number: int, base: str) -> Json | orjson.Fragment:
        """The settings as they go out, with their context: ready-made JSON, unless the mailbox was written to."""
        if number in self.written:
            return {"@odata.context": self._context(number, base), **self.written[number].settings}
        return self._packed_settings(number, base)

    def _pack_settings(self, number: int, base: str) -> orjson.Fragment:
        body = {"@odata.context": self._context(number, base), **self.settings(number)}
        return orjson.Fragment(orjson.dumps(body))

    def _context(self, number: int, base: str) -> str:
        return f"{base}/$metadata#users('{self.tenant.guid(number)}')/mailboxSettings"

    def settings(self, number: int) -> Json:
        """The settings of a mailbox, without a detour for one that nobody wrote to."""
        mailbox = self.written.get(number)
        return mailbox.settings if mailbox else mailbox_settings(self.tenant.seed, number, self.tenant.purpose(number))
