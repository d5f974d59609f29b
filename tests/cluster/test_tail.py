"""Workers of different speeds end together: rows go where they are begun, and none waits behind a slow worker."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from bulkmail.cluster.coordinator import Coordinator
from bulkmail.cluster.desk import Session
from bulkmail.cluster.ends import Rows
from bulkmail.cluster.messages import plain_outcome
from bulkmail.cluster.rates import Rates
from bulkmail.config.tables import Cluster
from bulkmail.model import Mailbox, Outcome, Status
from bulkmail.run.feed import Feed
from bulkmail.run.stop import Stop
from bulkmail.run.sweep import SweepSettings
from bulkmail.run.writer import Finished
from bulkmail.rundir.totals import Totals
from bulkmail.testing import run
from tests.run.stage import ListSource, mailboxes

WAY = 0.01
"""Seconds of a call."""


class Sized(ListSource):
    """Says how many it has, unless it does not know."""

    def __init__(self, number: int, *, known: bool) -> None:
        rows = mailboxes(number)
        super().__init__([rows[start : start + 512] for start in range(0, number, 512)])
        self._size = number if known else None

    def size(self) -> int | None:
        return self._size


class Written:
    """A writer that keeps rows in the order in which they ended."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    async def room(self) -> None:
        """There always is."""

    def add(self, items: Sequence[Finished]) -> None:
        self.rows += [one.outcome.mailbox.row for one in items]


class Worker:
    """Takes so many `seconds` for a mailbox, and has several hands."""

    def __init__(self, coordinator: Coordinator, seconds: float, hands: int = 4) -> None:
        self._coordinator = coordinator
        self._session: Session = coordinator.sessions[coordinator.open("one")]
        self._seconds = seconds
        self._hands = hands
        self.done = 0

    async def call(self, name: str, *arguments: Any) -> Any:
        await asyncio.sleep(WAY)
        answer = await self._coordinator.handlers[name](self._session, *arguments)
        await asyncio.sleep(WAY)
        return answer

    async def run(self) -> None:
        feed = Feed(Rows(self, {}, {}, {}), ahead=None)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._hands):
                group.create_task(self._pull(feed))
        await feed.close()

    async def _pull(self, feed: Feed) -> None:
        while (row := await feed.next()) is not None:
            assert isinstance(row, Mailbox)
            await asyncio.sleep(self._seconds)
            self.done += 1
            await self.call("done", [plain_outcome(Outcome(row, Status.OK), [])], [], [])


def shared(number: int, seconds: Sequence[float], *, known: bool = True) -> tuple[list[Worker], float]:
    """The workers, one for each of the `seconds` that a mailbox takes it, and how long it took them together."""

    async def main() -> tuple[list[Worker], float]:
        source, written = Sized(number, known=known), Written()
        work: Any = SimpleNamespace(
            source=source, stop=Stop(), settings=SweepSettings(), options=None,
            outputs=SimpleNamespace(writer=written, reached={}, totals=Totals()),
            writes=SimpleNamespace(unsettled={}, made={}, settle=1.0, ledger=None),
            prepared=SimpleNamespace(
                source=source, task=SimpleNamespace(target=None), mask=None, job=SimpleNamespace(cluster=Cluster()),
            ),
            alarm=SimpleNamespace(hear=lambda _: None),
        )  # fmt: skip
        coordinator = Coordinator(work, lambda _: work, Rates(1))
        workers = [Worker(coordinator, one) for one in seconds]
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker.run())
        took = asyncio.get_running_loop().time() - began
        await coordinator.close()
        assert coordinator.finished
        assert max(Counter(written.rows).values()) == 1
        assert len(written.rows) == number
        return workers, took

    return run(main())


def test_a_short_list_is_shared_by_those_that_are_there() -> None:
    workers, _ = shared(60, [5.0, 5.0])
    assert [one.done for one in workers] == [30, 30]


@pytest.mark.parametrize("known", [True, False])
def test_a_slow_worker_is_not_waited_for(known: bool) -> None:
    """A hand more than what the four of a slow one have begun is what there is to wait for, and a shard of a second."""
    seconds = [0.1, 0.1, 2.0]
    _, took = shared(3_000, seconds, known=known)
    together = sum(4 / (one + 2 * WAY) for one in seconds)
    assert took < 3_000 / together + 2.0 + 2.0


def test_long_mailboxes_are_given_one_by_one() -> None:
    workers, took = shared(16, [60.0, 60.0])
    assert [one.done for one in workers] == [8, 8]
    assert took < 121


def test_one_alone_does_all() -> None:
    workers, _ = shared(1_000, [0.01])
    assert workers[0].done == 1_000
