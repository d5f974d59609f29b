"""What a family of resources says of itself: one frozen value, which its folder calls `FAMILY`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bulkmail.sim.graph.call import Json
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import Route
from bulkmail.sim.tenant.mailbox import Mailbox
from bulkmail.sim.world import World

Rows: TypeAlias = Callable[[Mailbox], Iterable[Json]]


@dataclass(frozen=True, slots=True)
class Family:
    """`uses` names the families that this one builds on; it imports no other.

    `signed` are pre-authenticated addresses: `/_name` on Graph's host, each its own key, refused with a token, free of
    limits. `ways` are longer ways to what has a shorter one, by pattern. `views` are rows that a witness may ask for
    beside those of the `kinds`, by name; `changes` are what a judge may do to the tenant beside its requests, and raise
    ValueError for a wrong wish.
    """

    routes: tuple[Route, ...]
    kinds: tuple[Kind, ...] = ()
    uses: tuple[str, ...] = ()
    signed: tuple[Route, ...] = ()
    ways: Mapping[str, str] = field(default_factory=dict)
    views: Mapping[str, Rows] = field(default_factory=dict)
    changes: Mapping[str, Callable[[World, Any], None]] = field(default_factory=dict)
