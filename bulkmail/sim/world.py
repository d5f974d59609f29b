"""What routes may look at and change: the tenant, its mailboxes, the books. A plain bundle without behaviour."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bulkmail.sim.faults.script import Script
from bulkmail.sim.limits.settings import Settings
from bulkmail.sim.limits.throttle import Throttle
from bulkmail.sim.tenant.groups import Groups
from bulkmail.sim.tenant.mailbox import Mailboxes
from bulkmail.sim.tenant.people import Tenant
from bulkmail.sim.witness.books import Books
from bulkmail.sim.witness.causality import Answers


@dataclass(slots=True)
class World:
    """`asked` counts how often a moving mailbox was asked for; `links` says what each pre-authenticated address is for.

    A new `epoch` makes the service forget what its delta links stood for; `forgotten` counts that by mailbox. `kept` is
    for what a family keeps of the whole tenant, under its own name.
    """

    settings: Settings
    tenant: Tenant
    groups: Groups
    mailboxes: Mailboxes
    books: Books
    throttle: Throttle
    script: Script
    latency: float
    answers: Answers = field(default_factory=Answers)
    asked: Counter[int] = field(default_factory=Counter)
    links: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    apps: dict[str, Any] = field(default_factory=dict)  # those that may sign in, by client id
    roles: frozenset[str] = frozenset()  # the permissions that there are
    epoch: int = 0
    forgotten: Counter[int] = field(default_factory=Counter)
    ahead: float = 0.0  # seconds by which the Date header of answers is ahead
    foreign: str = ""  # the address of a host that is not Graph
    signed: str = ""  # the address of the host of pre-authenticated addresses, which is not Graph's either


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
