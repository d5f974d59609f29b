"""A kind of thing in a mailbox, as a row of facts. Knows no query and no route."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from bulkmail.sim.tenant.ids import item_id
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.tenant.store import Item, Store

Made: TypeAlias = Callable[[Mailbox], Iterable[Item]]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """`name` is that of its store in a mailbox; `path` and `type` are Graph's; `made` is what an untouched mailbox has.

    `ids` tells its ids from those of other kinds, from 1 to 255; 0 where the id is one of the properties. `steady` ids
    outlive a move. `parents` is the `ids` of the kind that `parentFolderId` names, 0 without one. `page` and `most` are
    the default and the largest page. `versioned` items have an etag and a changeKey.
    """

    name: str
    path: str
    type: str
    made: Made
    ids: int = 0
    steady: bool = False
    parents: int = 0
    page: int = 10
    most: int = 1000
    versioned: bool = True

    def of(self, mailbox: Mailbox) -> Store:
        """The things of this kind in a mailbox, computed when they are first looked at."""
        store = mailbox.stores.get(self.name)
        if store is None:
            store = mailbox.stores[self.name] = Store(mailbox.number, self.ids, self.made(mailbox), steady=self.steady)
        return store

    def id(self, mailbox: int, number: int) -> str:
        """The id of a thing that was never moved, by the numbers of its mailbox and its own."""
        return item_id(mailbox, self.ids, number)


def none(_: Mailbox) -> tuple[Item, ...]:
    """For a kind of which an untouched mailbox has nothing."""
    return ()
