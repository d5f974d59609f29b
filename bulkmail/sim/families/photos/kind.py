"""What has a photo, and who may read and change it."""

from collections.abc import Callable
from dataclasses import dataclass

from bulkmail.sim.families.contacts.kind import READ as CONTACT_READ
from bulkmail.sim.families.contacts.kind import WRITE as CONTACT_WRITE
from bulkmail.sim.families.contacts.routes import BELOW, ROOT, contact_of
from bulkmail.sim.graph.call import Call
from bulkmail.sim.graph.table import roles
from bulkmail.sim.world import World

READ = roles("ProfilePhoto.Read.All ProfilePhoto.ReadWrite.All User.Read.All User.ReadBasic.All User.ReadWrite.All")
WRITE = roles("ProfilePhoto.ReadWrite.All User.ReadWrite.All")


@dataclass(frozen=True, slots=True)
class Sitter:
    """`find` gives the number of the thing that a call names, 0 for the user himself. Raises Refusal."""

    path: str
    find: Callable[[World, Call], int]
    read: frozenset[str]
    write: frozenset[str]


def _contact(world: World, call: Call) -> int:
    return contact_of(world, call).number


SITTERS = (
    Sitter("/users/{}", lambda *_: 0, READ, WRITE),
    Sitter(f"{ROOT}/{{}}", _contact, CONTACT_READ, CONTACT_WRITE),
    Sitter(f"{BELOW}/{{}}", _contact, CONTACT_READ, CONTACT_WRITE),
)
