"""What the tenant holds, for the judge of a rehearsal: told without a token, a limit or a count in the books."""

from collections.abc import Iterable, Iterator

from bulkmail.sim.families import families, kinds
from bulkmail.sim.graph.call import Json, bad_request
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.witness.marks import row
from bulkmail.sim.world import World


def holdings(world: World, name: str, address: str = "") -> Iterator[Json]:
    """Rows of one kind or view: of this mailbox, or of all that were written to. Raises Refusal for what is unknown."""
    for number in _numbers(world, address):
        told = {"mailbox": world.tenant.address(number)}
        yield from (told | held for held in rows(world.mailboxes.read(number), name))


def rows(mailbox: Mailbox, name: str) -> Iterable[Json]:
    kind = kinds().get(name)
    if kind is not None:
        store = kind.of(mailbox)
        return (row(store, item) for item in store)
    views = {view: make for family in families().values() for view, make in family.views.items()}
    if name not in views:
        raise bad_request(f"Nothing is called {name[:40]!r}; there are {', '.join(sorted([*kinds(), *views]))}.")
    return views[name](mailbox)


def _numbers(world: World, address: str) -> Iterable[int]:
    if not address:
        return sorted(world.mailboxes.written)
    number = world.tenant.find(address)
    if number < 0:
        raise bad_request(f"There is no mailbox {address[:80]!r}.")
    return [number]
