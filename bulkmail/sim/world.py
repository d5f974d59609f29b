"""What routes may look at and change: the tenant, its mailboxes, the books. A plain bundle without any conduct."""

from collections import Counter
from dataclasses import dataclass, field

from bulkmail.sim.books import Books
from bulkmail.sim.faults import Script
from bulkmail.sim.groups import Groups
from bulkmail.sim.mailbox import Mailboxes
from bulkmail.sim.settings import Settings
from bulkmail.sim.tenant import Tenant
from bulkmail.sim.throttle import Throttle


@dataclass(slots=True)
class World:
    """`asked` counts how often a moving mailbox was asked for; `links` are the pre-authenticated addresses given out.

    A new `epoch` makes the service forget what its delta links stood for.
    """

    settings: Settings
    tenant: Tenant
    groups: Groups
    mailboxes: Mailboxes
    books: Books
    throttle: Throttle
    script: Script
    latency: float
    asked: Counter[int] = field(default_factory=Counter)
    links: dict[str, int] = field(default_factory=dict)
    epoch: int = 0
    foreign: str = ""  # the address of a host that is not Graph


def build(settings: Settings) -> World:
    tenant, books = Tenant(settings), Books()
    return World(
        settings,
        tenant,
        Groups(tenant),
        Mailboxes(tenant),
        books,
        Throttle(settings.limits, books),
        Script(settings.faults, settings.seed, books.faults),
        settings.latency,
    )
