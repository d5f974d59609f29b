"""One request, one exchange: against servers on this machine that answer well, badly, or not at all."""

import asyncio
import gzip
import json
import tracemalloc
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from bulkmail.errors import OutcomeUnknown, Unreachable
from bulkmail.leaving import always
from bulkmail.model import Effect, Request
from bulkmail.transport.wire import Wire, _Quiet
from tests.patient import patiently
from tests.transport.rig import cancelled, get, post, together
from tests.transport.servers import CHUNKED, JSON, Heard, saying, serving, whole
from tests.transport.wired import GOOD, lost, told, wired

pytestmark = pytest.mark.usefixtures("way")


def test_an_exchange_and_what_it_says() -> None:
    request = Request("PATCH", "/users/a%2Fb%27%20c@x/y?$filter=a%20eq%20%27%2B%27&t=%c3%a4", "ada",
                      {"If-Match": "e"}, {"ä": [1]}, Effect.IDEMPOTENT)  # fmt: skip
    answer, server = told(saying(whole(b'{"a": 1}', JSON + b"X-Y: 1\r\nx-y: 2\r\n")), request)
    assert (answer.status, answer.body) == (200, {"a": 1})
    assert answer.headers["x-y"] == "1, 2"
    heard = server.heard[0]
    assert heard.line == "PATCH /v1.0" + request.path + " HTTP/1.1"
    assert json.loads(heard.body) == {"ä": [1]}
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["if-match"] == "e"
    assert heard.headers["user-agent"] == "bulkmail/1"
    assert heard.headers["accept"] == "application/json"
    assert "cookie" not in heard.headers
    assert answer.headers["client-request-id"] == heard.headers["client-request-id"]


def test_bytes_and_a_content_type_of_its_own_are_kept() -> None:
    request = Request("PUT", "/x", headers={"content-type": "image/jpeg"}, body=b"\xff\xd8")
    heard = told(GOOD, request)[1].heard[0]
    assert (heard.body, heard.headers["content-type"]) == (b"\xff\xd8", "image/jpeg")


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (whole(b"", b""), (200, None)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, None)),
        (whole(b"<html>", b"Content-Type: text/html\r\n"), (200, b"<html>")),
        (whole(b"{cut", JSON, b"502 Bad Gateway"), (502, b"{cut")),
        (whole(gzip.compress(b'{"a": 1}'), JSON + b"Content-Encoding: gzip\r\n"), (200, {"a": 1})),
        (CHUNKED + b"3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n", (200, [1, 2])),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + whole(b"[]"), (200, [])),
        (whole(b"", b"Location: http://127.0.0.2:9/stolen\r\n", b"302 Found"), (302, None)),
        (whole(b"", b"Location: /elsewhere\r\n", b"307 Temporary Redirect"), (307, None)),
        (whole(b"", b"Set-Cookie: a=b\r\n", b"401 Unauthorized"), (401, None)),
    ],
)  # fmt: skip
def test_answers_of_all_kinds(raw: bytes, answer: tuple[int, Any]) -> None:
    response, server = told(saying(raw))
    assert (response.status, response.body) == answer
    assert len(server.heard) == 1, "no redirect is followed, and nothing is sent twice"


@pytest.mark.parametrize(
    "raw",
    [
        b"",  # before the answer
        b"HTTP/1.1 200 OK\r\nContent-Ty",  # within its head
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 50\r\n\r\n",  # after it
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 50\r\n\r\n{\"a\": 1",  # within its body
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[1,2]\r\n",
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nXYZ\r\n",
        whole(b"no gzip at all", JSON + b"Content-Encoding: gzip\r\n"),
        whole(gzip.compress(b'{"a": 1}' * 99)[:-20], JSON + b"Content-Encoding: gzip\r\n"),
        whole(b'{"a": 1', JSON),
        b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n{\"a\":",  # without a length, until the end
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        whole(b"[]", JSON + b"client-request-id: another\r\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("request_", [get("/x"), post("/x")], ids=["GET", "POST"])
def test_an_answer_that_is_damaged_is_lost_and_the_request_was_sent_once(raw: bytes, request_: Request) -> None:
    error, server = lost(saying(raw, close=True), request_)
    assert isinstance(error, OutcomeUnknown)
    assert len(server.heard) == 1
    assert error.client_request_id == server.heard[0].headers["client-request-id"]
    assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("after", [b"", b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 9\r\n\r\n["])
def test_a_stall_is_a_lost_answer(after: bytes) -> None:
    error, _ = lost(saying(after), stall=0.05)
    assert isinstance(error, OutcomeUnknown)


def test_the_whole_time_is_bounded_too() -> None:
    async def drip(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    def given_up(times: int) -> None:
        error, _ = lost(drip, total=0.1 * times)
        assert isinstance(error, OutcomeUnknown), "it has left"

    patiently(given_up)


def test_a_request_that_got_no_connection_in_all_its_time_never_left() -> None:
    async def main() -> None:
        came = asyncio.Event()

        async def silent(_heard: Heard, _writer: asyncio.StreamWriter) -> None:
            came.set()

        async with serving(silent) as server, wired(server.base, connections=1, small=0.2, lean=False) as sender:
            first = asyncio.create_task(sender.send(get("/x")._replace(raw=True)))  # may take longer
            await came.wait()
            with pytest.raises(Unreachable):
                await sender.send(get("/y"))
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert [heard.line.split()[1] for heard in server.heard] == ["/v1.0/x"]

    asyncio.run(main())


def test_a_reset_is_a_lost_answer() -> None:
    async def reset(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    error, server = lost(reset)
    assert isinstance(error, OutcomeUnknown)
    assert len(server.heard) == 1


def test_kept_connections_are_used_again_and_fresh_ones_are_not() -> None:
    async def main() -> None:
        async with serving(GOOD) as server, wired(server.base) as sender:
            for _ in range(5):
                await sender.send(get())
            assert server.connections == 1
            await sender.send(get(fresh=True))
            await sender.send(get(fresh=True))
            assert server.connections == 3
            await sender.send(get())
            assert server.connections == 3

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS", "POST", "PATCH"])
def test_nothing_below_sends_a_request_twice(method: str) -> None:
    """aiohttp repeats idempotent requests when a kept connection ends: the server must see each of ours once."""

    async def close_on_the_second(heard: Heard, writer: asyncio.StreamWriter) -> None:
        if heard.place == 0:
            writer.write(whole(b"[]"))
        else:
            writer.close()

    async def main() -> None:
        async with serving(close_on_the_second) as server, wired(server.base) as sender:
            await sender.send(get("/first"))
            with pytest.raises(OutcomeUnknown):
                await sender.send(Request(method, "/second"))
            assert [heard.line.split()[1] for heard in server.heard] == ["/v1.0/first", "/v1.0/second"]
            assert (await sender.send(get("/third"))).status == 200

    asyncio.run(main())


def test_once_the_service_repeats_ids_an_answer_without_one_is_not_believed() -> None:
    async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
        given = heard.headers["client-request-id"].encode()
        repeated = b"" if heard.line.split()[1].endswith("/bare") else b"client-request-id: " + given + b"\r\n"
        writer.write(whole(b"[]", JSON + repeated))

    async def main() -> None:
        async with serving(reply) as server, wired(server.base) as sender:
            assert (await sender.send(get("/bare"))).status == 200
            assert (await sender.send(get("/x"))).status == 200
            with pytest.raises(OutcomeUnknown, match="to which request it belongs"):
                await sender.send(get("/bare"))

    asyncio.run(main())


def test_every_attempt_has_an_id_of_its_own() -> None:
    async def main() -> None:
        async with serving(GOOD) as server, wired(server.base) as sender:
            request = get(headers={"Client-Request-Id": "mine"})
            await together(*(sender.send(request) for _ in range(20)))
            ids = [heard.headers["client-request-id"] for heard in server.heard]
            assert set(ids) == {f"{ids[0][:24]}{number:012x}" for number in range(20)}
            assert sender.sent == 20

    asyncio.run(main())


def large_zip() -> bytes:
    return whole(gzip.compress(b"[" + b" " * 30_000_000 + b"]"), JSON + b"Content-Encoding: gzip\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        whole(b"[" + b" " * 300_000 + b"]"),
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n40000\r\n" + b" " * 0x40000 + b"\r\n",
        large_zip(),
    ],
    ids=["declared", "chunked", "bomb"],
)
def test_an_answer_over_the_bound_is_lost_and_fills_no_memory(raw: bytes) -> None:
    tracemalloc.start()
    try:
        error, _ = lost(saying(raw), largest=100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, OutcomeUnknown)
    assert "larger than 100000 bytes" in str(error)
    assert peak < 8_000_000


def test_a_kept_connection_on_which_something_came_is_not_used_again() -> None:
    """Whether it comes before the connection is given back, as above, or later."""
    limits = aiohttp.ClientTimeout(total=5)

    async def main() -> None:
        async with serving(GOOD) as server, _Quiet(always) as connector:
            there = aiohttp.ClientRequest("GET", URL(server.base), loop=asyncio.get_running_loop())

            async def used(then: bytes = b"") -> ResponseHandler:
                """The connection that the next request gets, on which something comes once it is given back."""
                connection = await connector.connect(there, [], limits)
                handler = connection.protocol
                assert handler is not None
                connection.release()
                if then:
                    handler.data_received(then)
                return handler

            first = await used()
            assert await used(then=b"HTTP/1.1 200 OK\r\n\r\n") is first
            assert await used() is not first

    asyncio.run(main())


def test_a_cancelled_request_gives_its_connection_up() -> None:
    async def only_the_second(heard: Heard, writer: asyncio.StreamWriter) -> None:
        begun.set()
        if "slow" not in heard.line:
            writer.write(whole(b"[]"))

    begun = asyncio.Event()

    async def main() -> None:
        async with serving(only_the_second) as server, wired(server.base) as sender:
            slow = asyncio.create_task(sender.send(get("/slow")))
            await begun.wait()
            await cancelled(slow)
            assert (await sender.send(get("/quick"))).body == []
            assert isinstance(sender, Wire)

    asyncio.run(main())


def test_answers_match_their_requests() -> None:
    async def echo(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(len(heard.line) % 5 / 1000)
        writer.write(whole(json.dumps(heard.line.split()[1]).encode()))

    async def main() -> None:
        async with serving(echo) as server, wired(server.base, connections=7) as sender:
            paths = [f"/{'x' * (number % 11)}{number}" for number in range(60)]
            answers = await together(*(sender.send(get(path)) for path in paths))
            assert [answer.body for answer in answers] == ["/v1.0" + path for path in paths]
            assert server.connections <= 7

    asyncio.run(main())


def test_a_header_that_would_end_the_head_is_a_bug_and_nothing_leaves() -> None:
    async def main() -> None:
        async with serving(GOOD) as server, wired(server.base) as sender:
            with pytest.raises((ValueError, Unreachable)):
                await sender.send(get(headers={"X": "a\r\nHost: evil.example"}))
            assert not server.heard

    asyncio.run(main())


def test_a_token_that_a_header_repeats_is_left_out() -> None:
    token = "eyJ0eXAi.eyJhdWQi.c2lnbmF0dXJl"
    repeated = whole(b"[]", b"X-Echo: Bearer %s\r\nRequest-Id: 7\r\n" % token.encode() + JSON)
    answer, _ = told(saying(repeated), get("/x", headers={"Authorization": f"Bearer {token}"}))
    assert (answer.headers["x-echo"], answer.headers["request-id"]) == ("Bearer ", "7")
