"""A few rows at a time below the same target; the others are parked, in their order, and hold up no other row."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bulkmail.errors import InputError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Rejected, Request, Response, Row, Status
from bulkmail.run.feed import Feed
from bulkmail.run.stop import TIME_BOX
from bulkmail.run.turns import AT_ONCE, PARKED, Turns
from bulkmail.tasks import Options, Task, task
from bulkmail.testing import JumpingLoop, Scripted, run
from tests.run.stage import COLUMNS, ListSource, Stage, zoned
from tests.transport.rig import cancelled


def rows_of(*targets: str, first: int = 2) -> list[Mailbox | Rejected]:
    """A row for each target, in this order."""
    return [Mailbox(f"user{row}@example.com", row, columns={"target": t}) for row, t in enumerate(targets, first)]


def named(mailbox: Mailbox) -> str:
    """The target that a row names; `bad` is a mistake of the task."""
    target = mailbox.columns["target"]
    if target == "bad":
        raise KeyError(target)
    return target


async def at_the_sender(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    yield {"zone": (await graph.get("/mailboxSettings"))["timeZone"]}


below: Task = task(
    "stage.below", summary="", permission="", columns=COLUMNS, target=lambda mailbox, options: named(mailbox)
)(at_the_sender)


def slow(request: Request) -> float:
    return 10.0 if request.mailbox == "news" else 0.1


def served(seconds: float | None = None) -> Scripted:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(slow(request) if seconds is None else seconds)
        return zoned(request)

    return Scripted(answer)


def test_the_rows_of_a_busy_sender_hold_up_no_other() -> None:
    """They come first, as in a list that is sorted by sender, and are far more than there are workers."""
    ended: dict[str, float] = {}

    class Timed(Scripted):
        async def send(self, request: Request, /) -> Response:
            response = await super().send(request)
            ended[request.mailbox] = asyncio.get_running_loop().time()
            return response

    async def answer(request: Request) -> Response:
        await asyncio.sleep(slow(request))
        return zoned(request)

    source = ListSource([rows_of(*["news"] * 60, *["idle"] * 5)])
    stage = Stage(source, Timed(answer), chosen=below, workers=20)

    async def main() -> None:
        await stage.run()
        assert ended == {"idle": pytest.approx(0.1, abs=0.01), "news": pytest.approx(80, abs=0.1)}

    run(main())
    stage.statuses()
    assert stage.totals.statuses == {"ok": 65}


def test_a_million_rows_of_one_sender_are_not_all_read() -> None:
    """The feed waits when so many are parked, and goes on as they have their turns."""
    number = PARKED + 3000

    async def main() -> None:
        source = ListSource([rows_of(*["news"] * 1000, first=2 + 1000 * chunk) for chunk in range(number // 1000)])
        turns = Turns(Feed(source), named)
        working = [await turns.next() for _ in range(AT_ONCE)]
        waiting = asyncio.create_task(turns.next())
        await asyncio.sleep(1)
        assert not waiting.done()
        assert source.counts.unique <= PARKED + 2000
        order = []
        while working:
            mailbox = working.pop(0)
            assert isinstance(mailbox, Mailbox)
            order.append(mailbox.row)
            turns.leave(mailbox)
            working.extend(row for row in [turns.take()] if row is not None)
            await asyncio.sleep(0)
        assert await waiting is None
        assert order == list(range(2, 2 + len(order)))
        assert len(order) == source.counts.unique == number // 1000 * 1000
        assert repr(turns) == "<Turns {}, 0 parked>"

    run(main())


def test_a_sender_is_the_same_in_any_case_of_letters() -> None:
    async def main() -> None:
        turns = Turns(Feed(ListSource([rows_of(*["News"] * 5, *["news"] * 5)])), named)
        given_ = [await turns.next() for _ in range(AT_ONCE)]
        assert [row.row for row in given_ if row] == list(range(2, 2 + AT_ONCE))
        assert await turns.next() is None
        assert [row.row for row in turns.at_hand()] == [10, 11]

    run(main())


def test_a_worker_that_is_cancelled_as_it_is_woken_wakes_another() -> None:
    """It waited for a parking space; the row that it would have read is read all the same."""

    async def main() -> None:
        rows = rows_of(*["news"] * (AT_ONCE + PARKED), "idle")
        turns = Turns(Feed(ListSource([rows])), named)
        first = [await turns.next() for _ in range(AT_ONCE)]
        waiting = [asyncio.create_task(turns.next()) for _ in range(3)]
        await asyncio.sleep(1)
        await cancelled(waiting[0])
        assert isinstance(first[0], Mailbox)
        turns.leave(first[0])
        turns.take()
        waiting[1].cancel()  # in the same turn of the loop as it is woken
        assert await asyncio.wait_for(waiting[2], 5) == rows[-1]

    run(main())


class Machine(RuleBasedStateMachine):
    """Workers take and leave in any order. Beside it stands a model: who holds turns, and who is behind whom."""

    MOST = 5

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=JumpingLoop)
        self.inside: list[Mailbox] = []
        self.behind: dict[str, list[int]] = defaultdict(list)  # rows of a target that were not handed out yet

    @initialize(named_=st.lists(st.sampled_from(["", "bad", "a", "A", "b"]), max_size=80))
    def fill(self, named_: list[str]) -> None:
        rows = rows_of(*named_)
        self.turns = Turns(Feed(ListSource([rows[:50], rows[50:]])), named, self.MOST)
        for row, target in enumerate(named_, 2):
            self.behind[target.lower()].append(row)

    @rule()
    def take(self) -> None:
        row = self.runner.run(self._next())
        if row is None:
            free = [target for target, rows in self.behind.items() if rows and self._held(target) < AT_ONCE]
            assert not free or repr(self.turns).endswith(f"{self.MOST} parked>"), "a row could begin"
            return
        assert isinstance(row, Mailbox)
        target = row.columns["target"].lower()
        assert self.behind[target].pop(0) == row.row, "out of order"
        self.inside.append(row)

    async def _next(self) -> Mailbox | Rejected | None:
        """The next row, or None if a worker would wait."""
        asking = asyncio.create_task(self.turns.next())
        await asyncio.wait([asking], timeout=1)
        if asking.done():
            return asking.result()
        await cancelled(asking)
        return None

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.turns.leave(self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1))))

    def _held(self, target: str) -> int:
        return sum(mailbox.columns["target"].lower() == target for mailbox in self.inside)

    @invariant()
    def few_at_a_time(self) -> None:
        assert all(self._held(target) <= AT_ONCE for target in ("a", "b"))

    def teardown(self) -> None:
        if hasattr(self, "turns"):
            parked = [row.row for row in self.turns.at_hand()]
            assert len(parked) <= self.MOST
            assert {*parked} <= {row for rows in self.behind.values() for row in rows}
        self.runner.close()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=60)


TARGETS = st.sampled_from(["", "news", "News", "other", "bad"])


@example(  # one worker more than one waits for a parking space when the last parked row is taken
    targets=[["", *["news"] * 9]], workers=10, stop_at=None, cancel_after=None, grace=0.0, broken=False, parked=1
)
@given(
    targets=st.lists(st.lists(TARGETS, max_size=40), max_size=6),
    workers=st.integers(1, 30),
    stop_at=st.none() | st.floats(0, 20),
    cancel_after=st.none() | st.floats(0, 40),
    grace=st.sampled_from([0.0, 0.5, 30.0]),
    broken=st.booleans(),
    parked=st.sampled_from([1, 3, PARKED]),
)
def test_rows_in_are_outcomes_out_below_targets_too(
    targets: list[list[str]], workers: int, stop_at: float | None, cancel_after: float | None, grace: float,
    broken: bool, parked: int,
) -> None:  # fmt: skip
    chunks, first = [], 2
    for chunk in targets:
        chunks.append(rows_of(*chunk, first=first))
        first += len(chunk)
    source = ListSource(chunks, error=InputError("broken") if broken else None, pause=lambda: asyncio.sleep(0.3))
    stage = Stage(source, served(2.0), chosen=below, workers=workers, grace=grace, parked=parked)

    async def main() -> None:
        sweeping = asyncio.create_task(stage.run())
        if stop_at is not None:
            await asyncio.sleep(stop_at)
            stage.stop.ask(TIME_BOX)
            if cancel_after is not None:
                await asyncio.sleep(cancel_after)
                sweeping.cancel()
        await asyncio.wait([sweeping])
        error = None if sweeping.cancelled() else sweeping.exception()
        assert error is None or isinstance(error, InputError)
        stage.check_accounts()

    run(main())
    if stop_at is None:
        assert stage.totals.statuses[Status.NOT_RUN] == 0
        assert stage.totals.statuses[Status.FAILED] == sum(chunk.count("bad") for chunk in targets)
        assert stage.source.counts.unique == sum(map(len, targets))
