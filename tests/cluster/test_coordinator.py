"""A worker that is given up meanwhile: its changes do not leave, its outcomes do not count, its rows stay."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulkmail.cluster.coordinator import Coordinator
from bulkmail.cluster.desk import Session
from bulkmail.cluster.messages import Done, Gone, plain_request
from bulkmail.cluster.rates import Rates
from bulkmail.errors import OutputError
from bulkmail.model import Effect, Ending, Mailbox, Outcome, Rejected, Request, Status
from bulkmail.run.stop import Stop
from bulkmail.run.writer import Finished, Part
from bulkmail.rundir.entries import Reached
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


async def listed(rows: Sequence[Mailbox | Rejected]) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
    yield rows


class Full:
    """A writer that has room for so `many`, and again once it is `open`."""

    def __init__(self, many: int = 1) -> None:
        self.many = many
        self.open = asyncio.Event()
        self.open.set()
        self.waited = asyncio.Event()
        self.items: list[Finished | Part | Rejected] = []

    async def room(self) -> None:
        if not self.open.is_set():
            self.waited.set()
        await self.open.wait()

    @property
    def outcomes(self) -> list[Outcome]:
        return [one.outcome for one in self.items if isinstance(one, Finished)]

    def add(self, items: Sequence[Finished | Part | Rejected]) -> None:
        self.items += items
        if len(self.items) >= self.many:
            self.open.clear()

    async def put(self, item: Finished | Part | Rejected) -> None:
        await self.room()
        self.add([item])


class Slow:
    """A depot that takes until it is `done` to be cut back."""

    def __init__(self) -> None:
        self.done = threading.Event()

    def recover(self, *_: Any, **__: Any) -> None:
        self.done.wait()


class Lacking:
    """A depot whose files are not what was committed."""

    def recover(self, *_: Any, **__: Any) -> None:
        raise OutputError("items.tar lacks what was committed")


def coordinating(
    ledger: Any = None, writer: Any = None, depot: Any = None, rows: Sequence[Any] = (), barred: Sequence[int] = ()
) -> Coordinator:
    outputs = SimpleNamespace(writer=writer, reached={}, totals=Totals(), durable=lambda _mailbox: 0)
    work: Any = SimpleNamespace(
        source=listed(rows), stop=Stop(), outputs=outputs, settings=SimpleNamespace(barred=barred),
        prepared=SimpleNamespace(
            source=SimpleNamespace(size=lambda: None), depot=lambda _folder: depot or Lacking(),
            task=SimpleNamespace(target=None), job=SimpleNamespace(cluster=SimpleNamespace(shard=10)),
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


async def cut_off(call: Coroutine[Any, Any, Any], begun: asyncio.Event) -> None:
    """A call that is under way when no calls are answered any more."""
    calling = asyncio.create_task(call)
    await begun.wait()
    calling.cancel()
    await asyncio.wait([calling])
    assert calling.cancelled()


def test_the_rows_of_a_worker_that_is_just_ending_when_the_run_does_have_an_outcome() -> None:
    """As after a wish to stop: the run waits for no worker that has said goodbye."""
    rows = [Mailbox("ada", row) for row in (2, 3, 4)]

    async def main() -> None:
        depot, writer = Slow(), Full(many=10)
        coordinator = coordinating(writer=writer, depot=depot)
        session = held(coordinator, rows[0])
        other = coordinator.sessions[coordinator.open("other")]
        assert [coordinator._desk.take(other, one, 0.0) for one in rows[1:]] == [None, None]
        assert list(session.kept) == rows[1:]
        await cut_off(coordinator.end(session), session.over)
        depot.done.set()
        await coordinator.account()
        assert [one.status for one in writer.outcomes] == [Status.NOT_RUN] * 3
        assert {one.mailbox.row for one in writer.outcomes} == {2, 3, 4}

    run(main())


@pytest.mark.parametrize("row", [Mailbox("ada", 2), Rejected(2, "blank", "")])
def test_a_row_for_no_worker_is_not_lost_when_the_run_ends_while_there_is_no_room(row: Mailbox | Rejected) -> None:
    async def main() -> None:
        writer = Full(many=10)
        writer.open.clear()
        coordinator = coordinating(writer=writer, rows=[row], barred=[2])
        await cut_off(coordinator.rows(held(coordinator)), writer.waited)
        writer.open.set()
        await coordinator.account()
        assert [item.outcome.mailbox if isinstance(item, Finished) else item for item in writer.items] == [row]

    run(main())


def test_a_checkpoint_that_was_not_taken_is_not_known() -> None:
    ada, alan = Mailbox("ada", 2), Mailbox("alan", 3)

    async def main() -> None:
        writer = Full()
        coordinator = coordinating(writer=writer)
        told = [Done(Outcome(ada, Status.OK, 0), (), {"seen": 1}), Done(Reached(alan, 5, {}, {}))]
        call = coordinator.done(held(coordinator, ada, alan), [], told, [])
        await cut_off(call, writer.waited)
        assert not coordinator._work.outputs.reached

    run(main())
