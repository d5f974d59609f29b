"""Posts: gathered, split, answered; each part its own answer, none lost and none doubled."""

import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.core.batch import Alone, Readmit
from bulkmail.core.throttle import Scope, refusal
from bulkmail.model import Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.transport.batch import batching
from tests.transport.posts import all_of, echo, free
from tests.transport.rig import Unbatching, get, part_requests, post, together


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(1, 20))
def test_each_part_gets_its_own_answer(count: int, size: int) -> None:
    async def main() -> None:
        service = Unbatching(echo)
        ends = await all_of(service, [get(f"/{number}") for number in range(count)], size)
        assert [end.body["path"] for end in ends if isinstance(end, Response)] == [f"/{n}" for n in range(count)]
        assert sum(map(len, service.posts)) == count
        assert max(map(len, service.posts)) <= size

    run(main())


def test_two_equal_requests_are_two_parts() -> None:
    service = Unbatching(echo)
    ends = run(all_of(service, [post(), post()]))
    assert len(ends) == 2
    assert [len(parts) for parts in service.posts] == [2]


def test_what_cannot_travel_in_a_batch_goes_plain() -> None:
    service = Unbatching(echo)
    run(all_of(service, [get("/1", batchable=False), Request("PUT", "/2", body=b"\xff\xd8")]))
    assert [request.path for request in service.plain] == ["/1", "/2"]
    assert not service.posts


@settings(max_examples=30)
@given(st.sets(st.integers(0, 19)), st.sampled_from([400, 403, 404, 405, 413, 415, 431]))
def test_a_refused_post_is_halved_until_the_one_to_blame_stands_alone(guilty: set[int], status: int) -> None:
    def answer(request: Request) -> Response:
        if request.path != "/$batch":
            return Response(418)
        parts = part_requests(request)
        if any(int(part.path[1:]) in guilty for part in parts):
            return Response(status)
        entries = [{"id": str(n), "status": 200, "body": {"path": part.path}} for n, part in enumerate(parts)]
        return Response(200, body={"responses": entries})

    service = Scripted(answer)
    ends = run(all_of(service, [get(f"/{number}") for number in range(20)]))
    for number, end in enumerate(ends):
        assert isinstance(end, Response)
        assert end.status == 418 if number in guilty else end.body == {"path": f"/{number}"}
    plain = [request.path for request in service.requests if request.path != "/$batch"]
    assert sorted(plain) == sorted(f"/{number}" for number in guilty)


def test_heavy_parts_are_spread_over_posts() -> None:
    service = Unbatching(echo)
    ends = run(all_of(service, [Request("POST", f"/{n}", body={"x": "y" * 1_500_000}) for n in range(5)], 5))
    assert all(isinstance(end, Response) and end.status == 200 for end in ends)
    assert [len(parts) for parts in service.posts] == [2, 2, 1]


@pytest.mark.parametrize("status", [302, 401, 429, 509])
def test_a_refusal_of_the_post_is_the_answer_to_each_part(status: int) -> None:
    service = Scripted(lambda _request: Response(status, {"retry-after": "7"}))
    ends = run(all_of(service, [get(f"/{number}") for number in range(5)]))
    assert [end.status for end in ends if isinstance(end, Response)] == [status] * 5
    assert len(service.requests) == 1


def test_a_refusal_of_the_post_concerns_the_application() -> None:
    body = {"error": {"code": "ApplicationThrottled"}}
    for end in run(all_of(Scripted(lambda _request: Response(429, {}, body)), [get(), get()])):
        assert isinstance(end, Response)
        refused = refusal(end)
        assert refused is not None
        assert refused.scope is Scope.APP


def test_a_424_around_good_parts_is_taken_apart() -> None:
    entries = [{"id": "1", "status": 424}, {"id": "0", "status": 200, "body": {}}]
    ends = run(all_of(Scripted(lambda _request: Response(424, body={"responses": entries})), [get(), get()]))
    assert ends == [Response(200, {}, {}), Response(424)]


def test_no_post_leaves_before_the_time_that_a_503_of_a_post_names_and_plain_requests_do() -> None:
    async def main() -> None:
        answers = iter([Response(503, {"retry-after": "30"})])

        async def answer(request: Request) -> Response:
            came.append((asyncio.get_running_loop().time(), request.path))
            return await Unbatching(echo).send(request) if (first := next(answers, None)) is None else first

        came: list[tuple[float, str]] = []
        async with batching(Scripted(answer), size=2, held=free, linger=0.1, dice=lambda: 0.0) as packer:
            posting = [asyncio.create_task(packer.send(get(f"/{n}"))) for n in range(3)]
            await asyncio.wait(posting)
            assert [type(task.exception()) for task in posting] == [Alone, Alone, Readmit], (
                "the third waited for company"
            )
            for seconds in (0, 29.8, 0.6):
                await asyncio.sleep(seconds)
                await packer.send(get("/x"))
        assert [(round(at, 1), path) for at, path in came] == [
            (0.0, "/$batch"), (0.1, "/x"), (29.9, "/x"), (30.5, "/$batch")
        ]  # fmt: skip

    run(main())


def test_parts_wait_for_company_only_while_a_post_is_under_way() -> None:
    async def main() -> list[tuple[float, int]]:
        came: list[tuple[float, int]] = []

        async def answer(request: Request) -> Response:
            came.append((round(asyncio.get_running_loop().time(), 1), len(part_requests(request))))
            await asyncio.sleep(1)
            return await Unbatching(echo).send(request)

        async with batching(Scripted(answer), size=20, held=free, linger=0.1) as packer, asyncio.TaskGroup() as group:
            for seconds, parts in ((0, 2), (0.5, 1), (0.05, 2), (2.15, 1)):
                await asyncio.sleep(seconds)
                for number in range(parts):
                    group.create_task(packer.send(get(f"/{number}")))
        return came

    assert run(main()) == [(0.0, 2), (0.6, 3), (2.7, 1)]


def test_a_post_with_a_fresh_part_takes_a_fresh_connection() -> None:
    service = Scripted(lambda _request: Response(500))
    run(all_of(service, [get(), get(fresh=True)]))
    assert [(request.path, request.fresh) for request in service.requests] == [("/$batch", True)]


@pytest.mark.parametrize(
    ("sick", "shrunk"), [(Response(429), True), (Response(503), True), (Response(504), True), (Response(401), False)]
)
@pytest.mark.parametrize("whole", [True, False])
def test_posts_shrink_while_they_are_refused_and_grow_again(sick: Response, whole: bool, shrunk: bool) -> None:
    async def main() -> None:
        well = Unbatching(echo)
        ill = Scripted(lambda _request: sick) if whole else Unbatching(Scripted(lambda _request: sick).send)
        doctor = iter([ill] * 2)

        async def answer(request: Request) -> Response:
            return await next(doctor, well).send(request)

        async with batching(Scripted(answer), size=20, held=free) as packer:
            for _ in range(2):
                asked = [asyncio.create_task(packer.send(get())) for _ in range(packer.statistics().size)]
                await asyncio.wait(asked)
                assert all(task.exception() is None or isinstance(task.exception(), Alone) for task in asked)
            falls = shrunk and (whole or sick.status == 429)
            assert packer.statistics().size == (5 if falls else 20)
            for _ in range(60):
                await together(*(packer.send(get()) for _ in range(20)))
            assert len(well.posts[0]) == (5 if falls else 20)
            assert len(well.posts[-1]) == 20
            assert packer.statistics().size == 20

    run(main())


@pytest.mark.parametrize("wrong", [Request("GET", "/\ud800", "ada"), get(headers={"X": "\udfff"})])
def test_a_request_that_json_cannot_say_harms_no_other(wrong: Request) -> None:
    requests = [get(f"/{number}") for number in range(9)]
    ends = run(all_of(Unbatching(echo), [*requests[:4], wrong, *requests[4:]]))
    assert isinstance(ends.pop(4), TypeError)
    assert [end.body["path"] for end in ends if isinstance(end, Response)] == [request.path for request in requests]


def test_an_error_of_a_part_has_the_ids_of_its_post() -> None:
    """A part has none of its own as a rule; Microsoft's support asks for both."""
    entries = [{"id": "0", "status": 404}, {"id": "1", "status": 403, "headers": {"Request-Id": "own"}},
               {"id": "2", "status": 200}]  # fmt: skip
    post = Response(200, {"request-id": "r", "client-request-id": "c", "date": "d"}, {"responses": entries})
    ends = run(all_of(Scripted(lambda _request: post), [get(), get(), get()]))
    assert [end.headers for end in ends if isinstance(end, Response)] == [
        {"request-id": "r", "client-request-id": "c"}, {"request-id": "own", "client-request-id": "c"}, {},
    ]  # fmt: skip


def test_bodies_arrive_as_they_were_sent() -> None:
    body: Any = {"a": [1, None, "ä\u2028"], "b": {"c": True}}
    service = Scripted(lambda _request: Response(500))
    run(all_of(service, [Request("PATCH", "/x", body=body)]))
    assert orjson.loads(service.requests[0].body)["requests"][0]["body"] == body
