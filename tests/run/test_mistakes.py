"""A task's own mistake fails its mailbox, with the line in which it was made; the run goes on, and nothing has left."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from bulkmail.graph import Graph
from bulkmail.model import Change, Effect, Ending, Event, Mailbox, Request, Response, Row, Transport
from bulkmail.tasks import Options, Task, task
from bulkmail.testing import MemoryLedger, Scripted, Tokens, run
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.book import Booking
from tests.run.stage import COLUMNS, ListSource, Stage, mailboxes, zoned

BAD = 3
"""The row in which the mistake is made."""

Body = Callable[[Mailbox, Graph], AsyncIterator[Row]]


def made(body: Body, **given: Any) -> Task:
    @task("own.task", summary="", permission="", columns=COLUMNS, writes=True, **given)
    async def own(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        if mailbox.row == BAD:
            async for row in body(mailbox, graph):
                yield row
        else:
            await graph.patch("/mailboxSettings", {}, change=Change("settings", after={}))
            yield {"zone": "UTC"}

    return own


def unheard(_event: Event) -> None:
    """A reporter for tests that do not listen."""


def played(chosen: Task, *, batch: int = 0) -> tuple[Stage, list[Request], MemoryLedger]:
    """A sweep of five mailboxes above the whole stack, what has left, and what the ledger heard."""
    ledger = MemoryLedger()
    left: list[Request] = []

    def answer(request: Request) -> Response:
        left.append(request)
        if request.path != "/$batch":
            return zoned(request)
        parts = [{"id": str(number), "status": 200, "body": {}} for number in range(20)]
        return Response(200, body={"responses": parts[: str(request.body).count('"url"')]})

    def booked(inner: Transport) -> Transport:
        return Booking(inner, ledger, unheard)

    async def main() -> Stage:
        settings = StackSettings(batch=batch)
        async with stack(Scripted(answer), Tokens(), settings, unheard, guard=booked) as stacked:
            stage = Stage(ListSource([mailboxes(5)]), stacked.transport, chosen=chosen, lanes=stacked.lanes)
            await stage.run()
            return stage

    return run(main()), left, ledger


def problem_of(stage: Stage) -> dict[str, Any]:
    """The problem of the mailbox with the mistake; all others are ok."""
    lines = stage.outcomes.lines()
    assert {line["row"]: line["status"] for line in lines} == {
        row: "failed" if row == BAD else "ok" for row in range(2, 7)
    }
    (problem,) = [line["error"] for line in lines if line["status"] == "failed"]
    assert isinstance(problem, dict)
    return problem


async def leaves_its_mailbox(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    await graph.patch("/../bob@example.com/mailboxSettings", {}, change=Change("settings", after={}))
    yield {}


async def splits_the_request(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    await graph.delete("/messages/1\r\nHost: evil.example", change=Change("x", before={}))
    yield {}


async def writes_no_json(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    await graph.post("/messages", {"a": Decimal(1)}, effect=Effect.KEYED, change=Change("x", after={}))
    yield {}


async def changes_no_json(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    await graph.post("/messages", {}, effect=Effect.KEYED, change=Change("x", after={1, 2}))
    yield {}


async def sets_the_host(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    await graph.post("/messages", {}, headers={"Host": "evil.example"}, change=Change("x", after={}))
    yield {}


@pytest.mark.parametrize("batch", [0, 20])
@pytest.mark.parametrize(
    "body", [leaves_its_mailbox, splits_the_request, writes_no_json, changes_no_json, sets_the_host]
)
def test_what_cannot_be_sent_fails_its_mailbox(body: Body, batch: int) -> None:
    stage, left, ledger = played(made(body), batch=batch)
    problem = problem_of(stage)
    assert problem["code"] == "TaskMistake"
    assert "(test_mistakes.py:" in problem["message"]
    assert not [one for one in left if "bob" in f"{one.path}{one.body}" or "evil" in f"{one.path}{one.body}"]
    assert len(ledger.intended) == 4, "its change is not even noted"
    assert {ending for _, ending, _ in ledger.ended} == {Ending.DONE}


async def leaves_the_process(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a row before"}
    sys.exit(5)


async def interrupts(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a row before"}
    raise KeyboardInterrupt


async def cancels(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a row before"}
    raise asyncio.CancelledError


async def closes(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a row before"}
    raise GeneratorExit


async def leaves_in_a_gathering(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    async def leave() -> None:
        await graph.get("/mailboxSettings")
        sys.exit(5)

    await graph.gather(graph.get("/mailboxSettings"), leave())
    yield {}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (leaves_the_process, "SystemExit"),
        (interrupts, "KeyboardInterrupt"),
        (cancels, "CancelledError"),
        (closes, "GeneratorExit"),
        (leaves_in_a_gathering, "SystemExit"),
    ],
)
def test_a_task_cannot_end_the_run(body: Body, kind: str) -> None:
    problem = problem_of(played(made(body))[0])
    assert problem["code"] == "TaskError"
    assert problem["message"].startswith(f"the task raised {kind} (test_mistakes.py:")


@pytest.mark.parametrize("row", [5, None, "text", [("zone", "UTC")], ("zone",), Row], ids=repr)
def test_what_is_not_a_row(row: Any) -> None:
    ended = []

    async def yields(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Any]:
        try:
            yield row
        finally:
            ended.append(mailbox.row)

    stage, _, _ = played(made(yields))
    problem = problem_of(stage)
    assert problem["code"] == "TaskMistake"
    assert f"the task yielded {type(row).__name__}: a row is a dict of columns (test_mis" in problem["message"]
    assert ended == [BAD], "it is closed, and does not go on when the mailbox has ended"
    assert len(stage.records.lines()) == 4


def test_a_target_cannot_end_the_run() -> None:
    def target(mailbox: Mailbox, options: Options) -> str:
        return sys.exit(5) if mailbox.row == BAD else ""

    problem = problem_of(played(made(leaves_the_process, target=target))[0])
    assert (problem["code"], problem["message"]) == ("TaskMistake", "the task's target raised SystemExit")


def test_who_is_cancelled_from_outside_does_not_fail() -> None:
    """A worker that is cancelled accounts for its mailbox as not run, or as the run says."""

    async def main() -> dict[str, str]:
        async def answer(_request: Request) -> Response:
            await asyncio.sleep(100)
            return Response(200, body={})

        stage = Stage(ListSource([mailboxes(3)]), Scripted(answer), chosen=made(leaves_the_process))
        working = asyncio.create_task(stage.run())
        await asyncio.sleep(1)
        working.cancel()
        await asyncio.wait([working])
        assert working.cancelled()
        return stage.statuses()

    statuses = run(main())
    assert statuses["user2@example.com"] == statuses["user4@example.com"] == "not_run"
