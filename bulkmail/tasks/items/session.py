"""Leave to import into one mailbox: an address that is a secret and is good for a while. Renewed before its time is
over, and when it is refused.

learn.microsoft.com/graph/import-exchange-mailbox-item. No text and no row shows the address.
"""

import math
from datetime import UTC, datetime
from typing import Any

from bulkmail.address import Address
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.graph.shared import Shared
from bulkmail.model import Change, Effect
from bulkmail.streams import Pieces
from bulkmail.tasks.kit import expect

MARGIN = 600.0
"""Seconds before its end at which a session is renewed: longer than the limits may hold back a request. Of a session
that is short anyway it is a fifth of its life."""

RENEWALS = 5
"""Times that one item is sent again because its session was refused."""

REFUSED = frozenset({401, 403})
JSON = {"Content-Type": "application/json"}


class Session:
    """The session of a mailbox, one for all that is on its way at the same time. A plan has none, and sends nothing."""

    def __init__(self, graph: Graph, exchange: Graph) -> None:
        self._graph = graph
        self._exchange = exchange
        self._address = Shared()
        self._until = math.inf  # not known before there is one

    def __repr__(self) -> str:
        return "<Session>"

    async def send(self, body: Pieces, change: Change) -> Any:
        """The answer to an import; None in a plan. Raises OutcomeUnknown where the answer is lost, and GraphError."""
        for left in reversed(range(RENEWALS)):
            held = self._held()
            address = None if self._graph.planning else await held.get("address", self._made)
            try:
                return await self._graph.direct.send(
                    "POST", address, body, effect=Effect.KEYED, change=change, headers=JSON
                )
            except GraphError as error:
                if error.status not in REFUSED or not left:
                    raise
                if self._address is held:  # no other item has renewed it meanwhile
                    self._address = Shared()
        raise AssertionError

    def _held(self) -> Shared:
        """Where the address is, or will be: those that need a new one at the same time wait for the same."""
        if _now() >= self._until:
            self._address, self._until = Shared(), math.inf
        return self._address

    async def _made(self) -> Address:
        answer = await self._exchange.post("/createImportSession", effect=Effect.READ)
        session = expect.an_object(answer, "an import session")
        url = expect.text(session, "importUrl")
        if not url:
            raise GraphError(200, "NotAnImportSession", "the answer holds no importUrl")
        self._until = _end(expect.text(session, "expirationDateTime"))
        return Address(url)


def _end(text: str) -> float:
    """When to renew: in seconds since 1970, by our own clock. Without a time that can be read, in MARGIN."""
    now = _now()
    try:
        life = datetime.fromisoformat(text).timestamp() - now
    except ValueError:
        return now + MARGIN
    return now + life - min(MARGIN, life / 5)


def _now() -> float:
    return datetime.now(UTC).timestamp()
