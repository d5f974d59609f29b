"""What the tenant holds, for whoever judges a rehearsal: told without a token, a limit or a count in the books."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from bulkmail.sim.call import Json, bad_request
from bulkmail.sim.folders import SENT
from bulkmail.sim.mailbox import Mailbox
from bulkmail.sim.marks import key_of
from bulkmail.sim.shelf import Item, Shelf
from bulkmail.sim.world import World

SHELVES: Mapping[str, Callable[[Mailbox], Shelf]] = {
    "calendars": lambda mailbox: mailbox.calendars,
    "categories": lambda mailbox: mailbox.categories,
    "contact_folders": lambda mailbox: mailbox.contact_folders,
    "contacts": lambda mailbox: mailbox.contacts,
    "events": lambda mailbox: mailbox.events,
    "folders": lambda mailbox: mailbox.folders,
    "messages": lambda mailbox: mailbox.messages,
    "permissions": lambda mailbox: mailbox.permissions,
    "rules": lambda mailbox: mailbox.rules,
    "sent": lambda mailbox: mailbox.messages,
}
HELD = (*SHELVES, "settings")


def holdings(world: World, kind: str, address: str = "") -> Iterator[Json]:
    """Rows of one kind: of this mailbox, or of all that were written to. Raises Refusal for what is unknown."""
    if kind not in HELD:
        raise bad_request(f"Nothing is called {kind[:40]!r}; there are {', '.join(HELD)}.")
    for number in _numbers(world, address):
        mailbox = world.mailboxes.read(number)
        told = {"mailbox": world.tenant.address(number)}
        if kind == "settings":
            yield told | mailbox.settings
            continue
        shelf = SHELVES[kind](mailbox)
        yield from (told | _row(shelf, item) for item in shelf if kind != "sent" or _is_sent(item))


def _numbers(world: World, address: str) -> Iterable[int]:
    if not address:
        return sorted(world.mailboxes.written)
    number = world.tenant.find(address)
    if number < 0:
        raise bad_request(f"There is no mailbox {address[:80]!r}.")
    return [number]


def _is_sent(item: Item) -> bool:
    """Sent by the API: what was in Sent Items from the beginning has no version, as nobody touched it."""
    return item.parent == SENT and item.version > 0 and not item.props["isDraft"]


def _row(shelf: Shelf, item: Item) -> Json:
    """`key` is the value of its first extended property, `due` when it arrives, in seconds of the simulator's clock."""
    named = {"id": shelf.id_of(item), "immutableId": shelf.id_of(item, immutable=True)} if shelf.kind else {}
    return named | {"key": key_of(item.props), "parent": item.parent, "due": item.due, **item.props}
