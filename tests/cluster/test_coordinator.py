"""A change of a worker that was given up while it was noted does not leave."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from bulkmail.cluster.coordinator import Coordinator
from bulkmail.cluster.messages import Gone, plain_request
from bulkmail.cluster.rates import Rates
from bulkmail.model import Effect, Ending, Mailbox, Request
from bulkmail.run.stop import Stop
from bulkmail.rundir.totals import Totals
from bulkmail.testing import run


class Noting:
    """A ledger, while whose disk is slow a session ends."""

    def __init__(self) -> None:
        self.coordinator: Any = None
        self.ended: list[tuple[int, Ending]] = []

    async def intend(self, _request: Request, /) -> int:
        for session in self.coordinator.sessions.values():
            session.ended = True
        return 7

    def conclude(self, number: int, _request: Request, ending: Ending, _id: str = "", /) -> None:
        self.ended.append((number, ending))


async def nothing() -> AsyncIterator[list[Mailbox]]:
    for chunk in list[list[Mailbox]]():
        yield chunk


def test_a_worker_that_was_given_up_meanwhile_is_told_so_and_the_change_is_unsent() -> None:
    async def main() -> None:
        ledger = Noting()
        work: Any = SimpleNamespace(
            source=nothing(), stop=Stop(), outputs=SimpleNamespace(writer=None, reached={}, totals=Totals()),
            prepared=SimpleNamespace(source=SimpleNamespace(size=lambda: None)),
            writes=SimpleNamespace(unsettled={}, made={}, settle=1.0, ledger=ledger),
        )  # fmt: skip
        ledger.coordinator = coordinator = Coordinator(work, lambda _: work, Rates(1))
        session = coordinator.sessions[coordinator.open("one")]
        request = Request("PATCH", "/x", "ada", effect=Effect.IDEMPOTENT, row=2)
        with pytest.raises(Gone):
            await coordinator.intend(session, [(False, plain_request(request))])
        assert ledger.ended == [(7, Ending.UNSENT)]
        assert not session.open

    run(main())
