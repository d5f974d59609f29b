"""The law of a sweep: every mailbox that was read ends in exactly one outcome, whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bulkmail.errors import (
    BulkmailError,
    Defect,
    InputError,
    OutcomeUnknown,
    OutputError,
    PermissionMissing,
    ServiceDown,
    SignInError,
    ThrottledOut,
    Unreachable,
)
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Rejected, Request, Response, Row, Status
from bulkmail.run.alarm import AlarmSettings
from bulkmail.run.stop import INTERRUPTED, TIME_BOX, Reason
from bulkmail.tasks import Options, Task, task
from bulkmail.testing import Scripted, run
from tests.run.stage import COLUMNS, ListSource, Stage, mailboxes, zoned

Answer = Callable[[Request], Response | Awaitable[Response]]


def error_body(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


ANSWERS: dict[str, tuple[Response | Exception, str]] = {
    "ok": (Response(200, body={"timeZone": "UTC"}), "ok"),
    "absent": (Response(404, body=error_body("MailboxNotEnabledForRESTAPI")), "absent"),
    "no item": (Response(404, body=error_body("ErrorItemNotFound")), "failed"),
    "denied": (Response(403, body=error_body("ErrorAccessDenied")), "denied"),
    "server": (Response(500, body=error_body("InternalServerError")), "failed"),
    "strange": (Response(200, body=["no settings"]), "failed"),
    "unknown": (OutcomeUnknown("lost"), "unknown"),
    "unreachable": (Unreachable("no route"), "failed"),
    "throttled": (ThrottledOut("too long"), "failed"),
    "accident": (RuntimeError("in the transport"), "defect"),
}
EXPECTED = [name for name in ANSWERS if name != "accident"]


def scripted(names: list[str], delays: list[float]) -> Answer:
    """Answers the mailbox of row 2 by the first name, and so on, after its delay."""

    async def answer(request: Request) -> Response:
        place = int(request.mailbox.partition("@")[0].removeprefix("user")) - 2
        await asyncio.sleep(delays[place % len(delays)])
        what, _ = ANSWERS[names[place]]
        if isinstance(what, Exception):
            raise what
        return what

    return answer


def play(stage: Stage, *, meanwhile: Callable[[Stage], Awaitable[None]] | None = None) -> BaseException | None:
    """How the sweep ended; checks the accounts either way."""

    async def main() -> BaseException | None:
        sweeping = asyncio.create_task(stage.run())
        if meanwhile is not None:
            await meanwhile(stage)
        await asyncio.wait([sweeping])
        error = asyncio.CancelledError() if sweeping.cancelled() else sweeping.exception()
        stage.check_accounts()
        return error

    return run(main())


@pytest.mark.parametrize("name", EXPECTED)
def test_an_expected_end_is_the_outcome_of_its_mailbox_alone(name: str) -> None:
    stage = Stage(ListSource([mailboxes(3)]), Scripted(scripted(["ok", name, "ok"], [0.0])))
    assert play(stage) is None
    assert [stage.statuses()[f"user{row}@example.com"] for row in (2, 3, 4)] == ["ok", ANSWERS[name][1], "ok"]


@example(
    names=["ok"],
    delays=[1.0],
    sizes=[1],
    rejected=[],
    workers=1,
    stop_at=1.0,
    cancel_after=0.015625,  # while the last outcome waits for others to be written with
    grace=0.0,
    broken=False,
)
@given(
    names=st.lists(st.sampled_from(EXPECTED), max_size=80),
    delays=st.lists(st.sampled_from([0.0, 0.1, 1.0, 60.0]), min_size=1, max_size=7),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    rejected=st.lists(st.sampled_from(["blank", "invalid", "duplicate"]), max_size=10),
    workers=st.integers(1, 40),
    stop_at=st.none() | st.floats(0, 70),
    cancel_after=st.none() | st.floats(0, 40),
    grace=st.sampled_from([0.0, 0.5, 30.0]),
    broken=st.booleans(),
)
def test_rows_in_are_outcomes_out(  # noqa: PLR0917 - hypothesis names them all
    names: list[str],
    delays: list[float],
    sizes: list[int],
    rejected: list[Any],
    workers: int,
    stop_at: float | None,
    cancel_after: float | None,
    grace: float,
    broken: bool,
) -> None:
    rows = mailboxes(len(names))
    for number, reason in enumerate(rejected):
        rows.insert(number * 3 % (len(rows) + 1), Rejected(1000 + number, reason, "x"))
    chunks: list[list[Mailbox | Rejected]] = []
    while rows:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(rows[:size])
        rows = rows[size:]
    error = InputError("a quote is not closed") if broken else None
    source = ListSource(chunks, error=error, pause=lambda: asyncio.sleep(0.3))
    watched = AlarmSettings(stop_if_denied=0, stop_if_absent=0)
    stage = Stage(source, Scripted(scripted(names, delays)), workers=workers, grace=grace, watched=watched)

    async def trouble(stage: Stage) -> None:
        sweeping = next(task for task in asyncio.all_tasks() if task is not asyncio.current_task())
        if stop_at is not None:
            await asyncio.sleep(stop_at)
            stage.stop.ask(TIME_BOX)
            if cancel_after is not None:
                await asyncio.sleep(cancel_after)
                sweeping.cancel()

    ended = play(stage, meanwhile=trouble)
    assert ended is None or isinstance(ended, InputError | asyncio.CancelledError)
    if stop_at is None:
        assert stage.totals.statuses[Status.NOT_RUN] == 0
        assert isinstance(ended, InputError) == broken
        assert stage.source.counts.unique == len(names)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(SignInError("no token"), SignInError), (Defect("a bug"), Defect), (PermissionMissing("no"), PermissionMissing)],
)
def test_what_is_not_about_a_mailbox_ends_the_run(error: BulkmailError, kind: type[BulkmailError]) -> None:
    async def answer(request: Request) -> Response:
        if request.mailbox == "user40@example.com":
            raise error
        await asyncio.sleep(1.0 if request.mailbox < "user40" else 2.0)
        return zoned(request)

    stage = Stage(ListSource([mailboxes(100)]), Scripted(answer), workers=20)
    assert isinstance(play(stage), kind)
    assert stage.totals.statuses[Status.NOT_RUN] > 0
    assert stage.totals.statuses[Status.OK] > 0


def test_a_service_that_is_down_for_too_long_stops_the_run_and_fails_no_mailbox() -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(1.0)
        if request.mailbox >= "user40":
            raise ServiceDown("Graph does not answer (503) for 3600 s; the job allows 3600 s")
        return zoned(request)

    stage = Stage(ListSource([mailboxes(100)]), Scripted(answer), workers=20)
    assert play(stage) is None
    assert stage.stop.reason == Reason(5, "Graph does not answer (503) for 3600 s; the job allows 3600 s")
    assert set(stage.totals.statuses) == {Status.OK, Status.NOT_RUN}
    assert stage.totals.statuses.total() == 100


def test_an_accident_below_graph_is_a_defect() -> None:
    stage = Stage(ListSource([mailboxes(2)]), Scripted(scripted(["ok", "accident"], [0.0])))
    assert isinstance(play(stage), Defect)


def test_a_source_that_breaks_keeps_what_was_read() -> None:
    source = ListSource([mailboxes(10)], error=InputError("broken"))
    stage = Stage(source, Scripted(scripted(["ok"] * 10, [5.0])), workers=3)
    assert isinstance(play(stage), InputError)
    assert set(stage.statuses().values()) == {"ok"}


def test_a_bug_in_a_source_ends_the_run_with_it() -> None:
    source = ListSource([mailboxes(2)], error=ZeroDivisionError())
    assert isinstance(play(Stage(source, Scripted(zoned))), ZeroDivisionError)


@pytest.mark.parametrize("largest", [0, 100, 5000])
def test_a_full_disk_ends_the_run_at_once(largest: int) -> None:
    """Even though far more outcomes are on their way than the queue holds, and all workers wait for it."""
    stage = Stage(ListSource([mailboxes(5000)]), Scripted(zoned), workers=3000, largest=largest)

    async def main() -> None:
        with pytest.raises(OutputError):
            await stage.run()
        assert stage.totals.done == len(stage.outcomes.lines()) < 5000
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_a_full_disk_ends_a_run_that_tells_what_did_not_run() -> None:
    """Even though more was in hand than the queue holds."""

    async def slow(request: Request) -> Response:
        await asyncio.sleep(60)
        return zoned(request)

    stage = Stage(ListSource([mailboxes(5000)]), Scripted(slow), workers=3000, grace=0.0)
    stage.outcomes.full = True

    async def main() -> None:
        sweeping = asyncio.create_task(stage.run())
        await asyncio.sleep(1)
        stage.stop.ask(TIME_BOX)
        await asyncio.wait([sweeping], timeout=600)
        assert sweeping.done()
        assert isinstance(sweeping.exception(), OutputError)
        assert len(asyncio.all_tasks()) == 1

    run(main())


def made(body: Callable[[Mailbox, Graph], AsyncIterator[Row]], columns: dict[str, str] = COLUMNS) -> Task:
    @task("stage.made", summary="", permission="", columns=columns)
    async def wrapped(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        async for row in body(mailbox, graph):
            yield row

    return wrapped


async def raises(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a row before the error"}
    raise KeyError("in the task")


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def unserialisable(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": Hostile()}


@pytest.mark.parametrize("body", [raises, unserialisable])
def test_an_accident_in_a_task_fails_its_mailbox_without_half_its_rows(
    body: Callable[[Mailbox, Graph], AsyncIterator[Row]], caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(ListSource([mailboxes(5)]), Scripted(zoned), chosen=made(body))
    assert play(stage) is None
    assert set(stage.statuses().values()) == {"failed"}
    assert stage.records.content == b""
    assert [line["error"]["code"] for line in stage.outcomes.lines()] == ["TaskError"] * 5
    assert len(caplog.records) == 3, "the first few accidents are logged"


async def two_rows(mailbox: Mailbox, graph: Graph) -> AsyncIterator[Row]:
    yield {"zone": "a"}
    yield {"zone": "b", "mailbox": "said by the task"}


def test_a_row_without_mailbox_gets_its_address() -> None:
    stage = Stage(ListSource([mailboxes(1)]), Scripted(zoned), chosen=made(two_rows))
    run(stage.run())
    assert stage.records.lines() == [
        {"mailbox": "user2@example.com", "zone": "a"},
        {"zone": "b", "mailbox": "said by the task"},
    ]
    assert stage.outcomes.lines()[0]["rows"] == 2


def test_a_report_without_that_column_gets_none() -> None:
    stage = Stage(ListSource([mailboxes(1)]), Scripted(zoned), chosen=made(two_rows, {"zone": ""}))
    run(stage.run())
    assert stage.records.lines()[0] == {"zone": "a"}


async def interrupt(stage: Stage) -> None:
    await asyncio.sleep(5)
    stage.stop.ask(INTERRUPTED[2])


def test_the_first_interrupt_finishes_what_is_in_flight() -> None:
    stage = Stage(ListSource([mailboxes(100)]), Scripted(scripted(["ok"] * 100, [20.0])), workers=10)
    assert play(stage, meanwhile=interrupt) is None
    assert stage.totals.statuses == {"ok": 10, "not_run": 90}
    assert stage.outcomes.lines()[-1]["error"]["message"] == "interrupted"


def test_what_is_not_done_after_the_grace_is_cancelled() -> None:
    stage = Stage(ListSource([mailboxes(100)]), Scripted(scripted(["ok"] * 100, [2.0, 1000.0])), workers=10, grace=9)
    assert play(stage, meanwhile=interrupt) is None
    assert stage.totals.statuses[Status.NOT_RUN] == 100 - stage.totals.statuses[Status.OK]


def test_a_stop_does_not_wait_for_mailboxes_that_have_not_begun() -> None:
    """They are not in flight, and the grace is for what is."""

    class Fenced:
        async def send(self, request: Request, /) -> Response:
            raise AssertionError("nothing may leave")

    @task("stage.waits", summary="", permission="", columns=COLUMNS)
    async def waits(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
        await asyncio.sleep(10_000)
        yield {}

    source = ListSource([mailboxes(5), mailboxes(5, 50)], pause=lambda: asyncio.sleep(1))
    stage = Stage(source, Fenced(), chosen=waits, grace=3600)

    async def main() -> float:
        running = asyncio.create_task(stage.run())
        await interrupt(stage)
        await running
        stage.check_accounts()
        return asyncio.get_running_loop().time()

    assert run(main()) < 60
    assert stage.totals.statuses == {"not_run": 10}


def test_a_stop_before_the_start_runs_nobody() -> None:
    service = Scripted(zoned)
    stage = Stage(ListSource([mailboxes(20)]), service)
    stage.stop.ask(TIME_BOX)
    assert play(stage) is None
    assert stage.totals.statuses == {"not_run": 20}
    assert service.requests == []


def test_finished_work_is_not_lost_when_its_worker_is_cancelled_at_the_full_queue() -> None:
    """It waits for the writer when the second interrupt comes; it was done, so its outcome says so."""
    service = Scripted(zoned)
    stage = Stage(ListSource([mailboxes(3000)]), service, workers=3000)

    async def main() -> None:
        running = asyncio.create_task(stage.run())
        while len(service.requests) < 2000:  # noqa: ASYNC110 - nobody tells that the queue is long full
            await asyncio.sleep(0)
        stage.stop.ask(INTERRUPTED[2])
        running.cancel()
        await asyncio.wait([running])
        stage.check_accounts()

    run(main())
    assert stage.totals.statuses[Status.OK] == len(service.requests) < 3000


@pytest.mark.parametrize(("limit", "most"), [(5, 12), (0.1, 208)])
def test_too_many_failures_stop_the_run(limit: float, most: int) -> None:
    stage = Stage(
        ListSource([mailboxes(1000)]),
        Scripted(scripted(["server"] * 1000, [1.0])),
        workers=8,
        watched=AlarmSettings(max_failures=limit),
    )
    assert play(stage) is None
    assert stage.stop.reason is not None
    assert stage.stop.reason.code == 5
    assert stage.totals.statuses[Status.FAILED] <= most


@pytest.mark.parametrize("number", [1, 24, 400])
def test_a_run_that_nobody_lets_in_misses_a_permission(number: int) -> None:
    stage = Stage(ListSource([mailboxes(number)]), Scripted(scripted(["denied"] * number, [1.0])), workers=30)
    assert isinstance(play(stage), PermissionMissing)
    assert stage.totals.statuses[Status.DENIED] <= 60
