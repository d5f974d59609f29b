"""Posts that are lost, cancelled or held: each part is known for what it is, and disturbs no other."""

import asyncio
from typing import Any

import pytest

from bulkmail.core.batch import Alone, Readmit
from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, SignInError, Unanswered, Unreachable
from bulkmail.model import Effect, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.batch import batching
from bulkmail.transport.retry import Retrying
from tests.transport.posts import all_of, echo, failing, free
from tests.transport.rig import Unbatching, cancelled, get, limiting, part_requests, post, unheard


@pytest.mark.parametrize(
    "answer",
    [
        Response(200, {"content-type": "text/html"}, b"<html>"),
        Response(200),
        Response(202),
        Response(204),
        Response(206, body={"responses": []}),
        *(Response(status) for status in (408, 500, 502, 503, 504, 507)),
        Response(200, body={"responses": [{"id": "0", "status": 200}, {"id": "0", "status": 200}]}),
        Response(200, body={"responses": [{"id": "77", "status": 200}]}),
        Response(424, body={"error": {}}),
    ],
)
def test_an_answer_that_leaves_a_doubt_is_no_answer_to_any_part(answer: Response) -> None:
    first, write, last = run(all_of(Scripted(lambda _request: answer), [get(), post(), get()]))
    assert isinstance(write, OutcomeUnknown)
    assert isinstance(first, Alone)
    assert isinstance(last, Alone)
    assert first.doubtful
    assert (bool(first.said), last.said) == (True, ""), "it is one failure"


@pytest.mark.parametrize(("lacking", "end"), [(get(), Alone), (post(), OutcomeUnknown)])
def test_a_part_that_the_answer_lacks_is_unknown_and_the_others_are_not(lacking: Request, end: type[Exception]) -> None:
    entries = [{"id": "2", "status": 200}, {"id": "0", "status": 201}]
    ends = run(all_of(Scripted(lambda _request: Response(200, body={"responses": entries})), [get(), lacking, get()]))
    assert isinstance(ends[1], end)
    assert [ends[0], ends[2]] == [Response(201), Response(200)]


@pytest.mark.parametrize("error", [SignInError("no token"), ZeroDivisionError("bug")])
def test_an_error_of_the_post_is_the_error_of_each_part(error: Exception) -> None:
    assert run(all_of(failing(error), [get(), get(), get()])) == [error] * 3


def test_a_post_that_never_left_sends_all_its_parts_alone() -> None:
    ends = run(all_of(failing(Unreachable("no route")), [get(), post(), get()]))
    assert [(end.said, end.doubtful) for end in ends if isinstance(end, Alone)] == [
        ("no connection", False), ("", False), ("", False),
    ]  # fmt: skip


def test_a_post_whose_answer_was_lost_sends_what_may_be_sent_again_alone() -> None:
    lost = OutcomeUnknown("lost")
    first, write, last = run(all_of(failing(lost), [get(), post(), get()]))
    assert write is lost
    assert isinstance(first, Alone)
    assert isinstance(last, Alone)
    assert [(end.said, end.doubtful) for end in (first, last)] == [("no answer", True), ("", True)]


@pytest.mark.parametrize("lost", [OutcomeUnknown("lost"), Response(503), Response(200, body={"responses": []})])
def test_after_a_lost_post_reads_are_repeated_and_writes_are_unknown(lost: Response | Exception) -> None:
    seen: list[list[str]] = []

    async def answer(request: Request) -> Response:
        seen.append([part.method for part in part_requests(request)] if request.path == "/$batch" else [request.method])
        if len(seen) == 1:
            if isinstance(lost, Exception):
                raise lost
            return lost
        return await Unbatching(echo).send(request)

    async def main() -> None:
        async with batching(Scripted(answer), size=4, held=free) as packer:
            transport = Retrying(limiting(packer), rules=RetryRules(), report=unheard)
            asked = [asyncio.create_task(transport.send(one)) for one in (get("/1"), post("/2"), get("/3"), post("/4"))]
            await asyncio.wait(asked)
        assert [asked[0].result().status, asked[2].result().status] == [200, 200]
        assert all(isinstance(asked[number].exception(), OutcomeUnknown) for number in (1, 3))

    run(main())
    assert sum(parts.count("POST") for parts in seen) == 2, "each write was sent once"
    assert sorted(seen[1:]) == [["GET"], ["GET"]], "alone"


def test_reads_that_never_got_an_answer_end_unanswered() -> None:
    async def main() -> None:
        async with batching(Scripted(lambda _r: Response(200)), size=4, held=free) as packer:
            transport = Retrying(limiting(packer), rules=RetryRules(attempts=3), report=unheard)
            with pytest.raises(Unanswered):
                await transport.send(get())

    run(main())


def test_a_cancelled_part_disturbs_no_other() -> None:
    async def main() -> None:
        async def slow(request: Request) -> Response:
            await asyncio.sleep(1)
            return await echo(request)

        service = Unbatching(slow)
        async with batching(service, size=3, held=free) as packer:
            asked = [asyncio.create_task(packer.send(get(f"/{number}"))) for number in range(3)]
            await asyncio.sleep(0.5)
            await cancelled(asked[1])
            assert [(await asked[number]).body["path"] for number in (0, 2)] == ["/0", "/2"]
            lingering = asyncio.create_task(packer.send(get("/3")))
            await asyncio.sleep(0)
            await cancelled(lingering)
            await asyncio.sleep(1)
        assert [len(parts) for parts in service.posts] == [3], "what was cancelled while it lingered did not leave"

    run(main())


@pytest.mark.parametrize(
    ("failure", "heard"),
    [(OutcomeUnknown("lost"), Alone), (SignInError("no token"), SignInError)],
    ids=["lost", "token"],
)
def test_a_cancelled_part_of_a_post_that_fails_stays_cancelled(failure: Exception, heard: type[Exception]) -> None:
    async def main() -> None:
        async def lose(_request: Request) -> Response:
            await asyncio.sleep(1)
            raise failure

        async with batching(Scripted(lose), size=2, held=free) as packer:
            asked = [asyncio.create_task(packer.send(get())) for _ in range(2)]
            await asyncio.sleep(0.5)
            await cancelled(asked[0])
            with pytest.raises(heard):
                await asked[1]
        assert asked[0].cancelled()

    run(main())


def test_a_part_of_a_held_mailbox_is_recalled() -> None:
    async def main() -> None:
        held = {"ada"}
        service = Unbatching(echo)
        async with batching(service, size=2, held=lambda mailbox: mailbox in held) as packer:
            asked = [asyncio.create_task(packer.send(get(f"/{key}", key))) for key in ("ada", "eve")]
            await asyncio.wait(asked)
        assert isinstance(asked[0].exception(), Readmit)
        assert asked[1].result().body["path"] == "/eve"
        assert "0 waiting, 1 posted" in repr(packer)

    run(main())


def test_a_part_whose_fence_rises_in_the_turn_in_which_its_post_is_launched_is_recalled() -> None:
    async def main() -> None:
        held: set[str] = set()
        service = Unbatching(echo)
        async with batching(service, size=2, held=held.__contains__) as packer:
            asked = [asyncio.create_task(packer.send(get(f"/{key}", key))) for key in ("ada", "eve")]
            asyncio.get_running_loop().call_soon(held.add, "ada")  # the second part launches the post before this
            await asyncio.wait(asked)
        assert isinstance(asked[0].exception(), Readmit)
        assert asked[1].result().body["path"] == "/eve"
        assert "0 waiting, 1 posted" in repr(packer)

    run(main())


def test_a_half_of_a_refused_post_does_not_leave_after_its_fence_rose() -> None:
    async def main() -> None:
        held: set[str] = set()

        def answer(request: Request) -> Response:
            held.add("ada")
            return Response(413)

        async with batching(Scripted(answer), size=2, held=held.__contains__) as packer:
            asked = [asyncio.create_task(packer.send(get(f"/{number}", "ada"))) for number in range(2)]
            await asyncio.wait(asked)
        assert all(isinstance(task.exception(), Readmit) for task in asked)

    run(main())


def test_the_end_waits_for_what_is_under_way_and_sends_what_lingers() -> None:
    async def main() -> None:
        service = Unbatching(echo)
        async with batching(service, size=20, held=free, linger=60) as packer:
            asked = [asyncio.create_task(packer.send(get(f"/{number}"))) for number in range(3)]
            await asyncio.sleep(0)
        assert [(await task).status for task in asked] == [200] * 3
        assert len(service.posts) == 1

    run(main())


@pytest.mark.parametrize("begun", [True, False])
def test_an_error_of_the_owner_leaves_nobody_waiting(begun: bool) -> None:
    async def stall(_request: Request) -> Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody answers")

    async def main() -> None:
        asked: list[asyncio.Task[Response]] = []

        async def owner() -> None:
            async with batching(Scripted(stall), size=2 if begun else 9, held=free) as packer:
                asked.extend(asyncio.create_task(packer.send(get())) for _ in range(2))
                await asyncio.sleep(0.001)
                raise LookupError

        with pytest.raises(ExceptionGroup):
            await owner()
        await asyncio.wait(asked)
        assert all(task.cancelled() for task in asked)

    run(main())


def test_a_single_part_of_a_refused_post_does_not_go_plain_after_its_fence_rose() -> None:
    async def main() -> None:
        held: set[str] = set()

        def answer(request: Request) -> Response:
            assert request.path == "/$batch"
            held.add("ada")
            return Response(400)

        async with batching(Scripted(answer), size=1, held=held.__contains__) as packer:
            with pytest.raises(Readmit):
                await packer.send(get())

    run(main())


@pytest.mark.parametrize(("status", "body"), [(200, None), (200, {"responses": []}), (204, None)])
def test_a_lost_part_has_the_ids_of_its_post(status: int, body: Any) -> None:
    post = Response(status, {"request-id": "r", "client-request-id": "c"}, body)
    write = Request("POST", "/x", "ada", body={}, effect=Effect.NONE)
    [end] = run(all_of(Scripted(lambda _request: post), [write]))
    assert isinstance(end, OutcomeUnknown)
    assert (end.request_id, end.client_request_id) == ("r", "c")
