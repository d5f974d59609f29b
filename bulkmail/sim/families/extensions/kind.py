"""What can be extended, how it is found, and who may read and write its extensions."""

from collections.abc import Callable
from dataclasses import dataclass

from bulkmail.sim.families.calendars.events import EVENTS, event_of
from bulkmail.sim.families.calendars.kind import FULL_READ as CALENDAR_READ
from bulkmail.sim.families.calendars.kind import WRITE as CALENDAR_WRITE
from bulkmail.sim.families.contacts.kind import READ as CONTACT_READ
from bulkmail.sim.families.contacts.kind import WRITE as CONTACT_WRITE
from bulkmail.sim.families.contacts.routes import BELOW, contact_of
from bulkmail.sim.families.contacts.routes import ROOT as CONTACTS
from bulkmail.sim.families.messages.kind import READ as MAIL_READ
from bulkmail.sim.families.messages.kind import WRITE as MAIL_WRITE
from bulkmail.sim.families.messages.reading import FOLDERS, message_of
from bulkmail.sim.families.users.content import not_found
from bulkmail.sim.graph.call import Call
from bulkmail.sim.graph.table import Service, roles
from bulkmail.sim.world import World

OF_ITEMS = "Microsoft.OutlookServices.OpenTypeExtension."
"""Begins the id of an extension of a thing in a mailbox; that of a user's is its name alone."""


@dataclass(frozen=True, slots=True)
class Owner:
    """`find` gives the number of the thing that a call names, below its own key at `key`. Raises Refusal."""

    name: str
    paths: tuple[str, ...]
    find: Callable[[World, Call, int], int]
    read: frozenset[str]
    write: frozenset[str]
    service: Service = "mailbox"
    prefix: str = OF_ITEMS


def _user(world: World, call: Call, _: int) -> int:
    number = world.tenant.find(call.keys[0])
    if number < 0:
        raise not_found(call.keys[0])
    call.user = number
    return 0


OWNERS = (
    Owner(
        "user", ("/users/{}",), _user, roles("User.Read.All User.ReadWrite.All"), roles("User.ReadWrite.All"),
        "directory", "",
    ),
    Owner(
        "message", ("/users/{}/messages/{}", f"{FOLDERS}/{{}}"), lambda world, call, _: message_of(world, call).number,
        MAIL_READ, MAIL_WRITE,
    ),
    Owner(
        "event", tuple(f"{path}/{{}}" for path in EVENTS), lambda world, call, key: event_of(world, call, key).number,
        CALENDAR_READ, CALENDAR_WRITE,
    ),
    Owner(
        "contact", (f"{CONTACTS}/{{}}", f"{BELOW}/{{}}"), lambda world, call, key: contact_of(world, call, key).number,
        CONTACT_READ, CONTACT_WRITE,
    ),
)  # fmt: skip
