"""A worker that is given up meanwhile: its changes do not leave, its outcomes do not count, its rows stay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulkmail.cluster.coordinator import Coordinator
from bulkmail.cluster.desk import Session
from bulkmail.cluster.messages import Done, Gone, plain_request
from bulkmail.cluster.rates import Rates
from bulkmail.errors import OutputError
from bulkmail.model import Effect, Ending, Mailbox, Outcome, Request, Status
from bulkmail.run.stop import Stop
from bulkmail.run.writer import Finished
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


class Full:
    """A writer that has room for one, and again once it is `open`."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.waited = asyncio.Event()
        self.outcomes: list[Outcome] = []

    async def room(self) -> None:
        if not self.open.is_set():
            self.waited.set()
        await self.open.wait()

    def add(self, items: Sequence[Finished]) -> None:
        self.outcomes += [one.outcome for one in items]
        if items:
            self.open.clear()


class Lacking:
    """A depot whose files are not what was committed."""

    def recover(self, *_: Any, **__: Any) -> None:
        raise OutputError("items.tar lacks what was committed")


def coordinating(ledger: Any = None, writer: Any = None) -> Coordinator:
    work: Any = SimpleNamespace(
        source=nothing(), stop=Stop(), outputs=SimpleNamespace(writer=writer, reached={}, totals=Totals()),
        prepared=SimpleNamespace(
            source=SimpleNamespace(size=lambda: None), depot=lambda _folder: Lacking(),
            task=SimpleNamespace(target=None),
        ),
        writes=SimpleNamespace(unsettled={}, made={}, settle=1.0, ledger=ledger), folder=Path("run"),
        alarm=SimpleNamespace(hear=lambda _outcome: None),
    )  # fmt: skip
    return Coordinator(work, lambda _: work, Rates(1))


def held(coordinator: Coordinator, *mailboxes: Mailbox) -> Session:
    """A session that holds these."""
    session = coordinator.sessions[coordinator.open("one")]
    for mailbox in mailboxes:
        assert coordinator._desk.take(session, mailbox, 0.0) is mailbox
    return session


def test_a_worker_that_was_given_up_meanwhile_is_told_so_and_the_change_is_unsent() -> None:
    async def main() -> None:
        ledger = Noting()
        ledger.coordinator = coordinator = coordinating(ledger)
        session = held(coordinator)
        request = Request("PATCH", "/x", "ada", effect=Effect.IDEMPOTENT, row=2)
        with pytest.raises(Gone):
            await coordinator.intend(session, [(False, plain_request(request))])
        assert ledger.ended == [(7, Ending.UNSENT)]
        assert not session.open

    run(main())


def test_an_outcome_of_a_worker_that_was_given_up_while_the_disk_was_slow_does_not_count() -> None:
    """What it had left of blobs is cut off meanwhile: its rows begin again."""
    ada, alan = Mailbox("ada", 2), Mailbox("alan", 3)

    async def main() -> None:
        writer = Full()
        coordinator = coordinating(writer=writer)
        session = held(coordinator, ada, alan)
        told = [Done(Outcome(one, Status.OK, 0), (), {"seen": 1}) for one in (ada, alan)]
        telling = asyncio.create_task(coordinator.done(session, [], told, []))
        await writer.waited.wait()
        assert [one.mailbox for one in writer.outcomes] == [ada]
        session.ended = True
        writer.open.set()
        await telling
        assert [one.mailbox for one in writer.outcomes] == [ada]
        assert list(session.held) == [alan.row]

    run(main())


def test_blobs_that_cannot_be_cut_back_end_the_run_and_no_row_is_lost() -> None:
    ada = Mailbox("ada", 2)

    async def main() -> None:
        coordinator = coordinating(writer=Full())
        session = held(coordinator, ada)
        await coordinator.end(session)
        assert (type(coordinator.failure), coordinator.finished) == (OutputError, True)
        assert coordinator._desk.rest() == [ada]
        assert session.over.is_set()

    run(main())
