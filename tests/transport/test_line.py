"""What is the line's own: which aiohttp it is for, which connection is next, and what it writes."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from bulkmail.errors import NOT_SENT, Unreachable
from bulkmail.transport.line import Line, fits
from tests.transport.rig import together
from tests.transport.servers import JSON, Heard, Server, saying, serving, whole

COMMON = {"User-Agent": "bulkmail/1", "Accept": "application/json"}
LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=5.0, sock_read=5.0)
GOOD = saying(whole(b"[]"))


@pytest.mark.parametrize(("version", "so"), [
    ("3.13.5", False), ("3.14.0", True), ("3.14.12", True), ("3.15.0", False), ("4.0.0a1", False),
])  # fmt: skip
def test_only_an_aiohttp_that_was_tried_is_used(version: str, so: bool) -> None:
    assert fits(version) is so


def test_the_one_that_is_installed_is_used() -> None:
    assert fits(), "raise the range of bulkmail.transport.line once its tests pass with this aiohttp"


def with_line(
    work: Callable[[Line], Coroutine[Any, Any, None]], reply: Any = GOOD, connections: int = 9, **line: Any
) -> Server:
    """Does `work` with a line to a server that replies so; returns the server."""

    async def main() -> Server:
        async with serving(reply) as server, aiohttp.TCPConnector(limit=0) as connector:
            line_ = Line(connector, URL(server.base), COMMON, LIMITS, connections, **line)
            try:
                await work(line_)
            finally:
                line_.close()
            return server

    return asyncio.run(main())


async def get(line: Line, path: str = "/x", headers: Mapping[str, str] | None = None) -> bytes:
    async with line.exchange("GET", path, CIMultiDict(headers or {}), None) as answer:
        return await answer.content.read()


def test_a_connection_is_kept_and_the_one_used_last_is_next() -> None:
    async def work(line: Line) -> None:
        await together(get(line), get(line), get(line))
        assert repr(line) == "<Line to 127.0.0.1: 3 kept>"
        for _ in range(5):
            assert await get(line) == b"[]"

    server = with_line(work)
    assert server.connections == 3
    assert sorted(heard.place for heard in server.heard) == [0, 0, 0, 1, 2, 3, 4, 5]


def test_what_was_not_used_for_long_is_closed() -> None:
    async def work(line: Line) -> None:
        await together(get(line), get(line), get(line))
        await asyncio.sleep(0.05)
        await get(line)
        assert repr(line) == "<Line to 127.0.0.1: 1 kept>"

    with_line(work, kept=0.04)


def test_an_answer_that_was_not_read_closes_its_connection() -> None:
    async def slowly(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")

    async def work(line: Line) -> None:
        async with line.exchange("GET", "/x", CIMultiDict(), None) as answer:
            assert answer.status == 200
        assert repr(line) == "<Line to 127.0.0.1: 0 kept>"

    with_line(work, slowly)


def test_there_are_no_more_connections_than_allowed_and_who_waits_has_not_sent() -> None:
    async def work(line: Line) -> None:
        async with line.exchange("GET", "/first", CIMultiDict(), None):
            second = asyncio.create_task(get(line, "/second"))
            third = asyncio.create_task(get(line, "/third"))
            await asyncio.sleep(0)
            third.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await third
            assert NOT_SENT in cancelled.value.__notes__
        assert await second == b"[]"

    server = with_line(work, connections=1)
    assert [heard.line.split()[1] for heard in server.heard] == ["/first", "/second"]


def test_headers_of_a_request_stand_in_place_of_the_common_ones() -> None:
    async def work(line: Line) -> None:
        await get(line, headers={"accept": "text/csv"})
        await get(line)

    server = with_line(work)
    assert [heard.headers["accept"] for heard in server.heard] == ["text/csv", "application/json"]
    assert {heard.headers["user-agent"] for heard in server.heard} == {"bulkmail/1"}


@pytest.mark.parametrize(("method", "body", "length"), [
    ("POST", b"ab", "2"), ("POST", None, "0"), ("DELETE", None, None), ("GET", None, None), ("PATCH", b"", "0"),
])  # fmt: skip
def test_the_length_of_a_body_is_said(method: str, body: bytes | None, length: str | None) -> None:
    async def work(line: Line) -> None:
        async with line.exchange(method, "/x", CIMultiDict(), body) as answer:
            await answer.content.read()

    (heard,) = with_line(work).heard
    assert (heard.headers.get("content-length"), heard.body) == (length, body or b"")


@pytest.mark.parametrize(("path", "headers"), [
    ("/x HTTP/1.1\r\nEvil: 1", {}), ("/x\ny", {}), ("/x\0", {}), ("/x", {"A": "b\r\nEvil: 1"}), ("/x", {"A": "b\n c"}),
    ("/x", {"A": "b\rc"}), ("/x", {"A\r\nB": "c"}), ("/x", {"A": "b\0"}),
])  # fmt: skip
def test_what_would_end_a_line_never_leaves(path: str, headers: dict[str, str]) -> None:
    async def work(line: Line) -> None:
        with pytest.raises(ValueError, match="would end it"):
            await get(line, path, headers)

    assert with_line(work).connections == 0


def test_a_head_request_has_no_body_to_wait_for() -> None:
    async def work(line: Line) -> None:
        async with line.exchange("HEAD", "/x", CIMultiDict(), None) as answer:
            assert (answer.status, await answer.content.read()) == (200, b"")
        assert await get(line) == b"[]"

    async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
        answer = whole(b"[]", JSON)
        writer.write(answer[:-2] if heard.line.startswith("HEAD") else answer)

    assert with_line(work, reply).connections == 1


def test_endless_beginnings_are_no_answer() -> None:
    """1xx after 1xx, each in time."""

    async def work(line: Line) -> None:
        with pytest.raises(aiohttp.ClientPayloadError, match="does not come to its end"):
            await get(line)

    with_line(work, saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 40))


def test_a_connection_that_is_lost_as_it_is_taken_has_sent_nothing() -> None:
    async def work(line: Line) -> None:
        exchange = line.exchange("GET", "/x", CIMultiDict(), None)
        connection = await line.open()
        connection.close()
        with pytest.raises(Unreachable, match="before anything was sent"):
            await exchange._begun(connection)
        line.take_back(connection, whole=False)
        await exchange.__aexit__(None)

    assert not with_line(work).heard


def test_a_kept_connection_on_which_something_came_is_not_used_again() -> None:
    async def work(line: Line) -> None:
        await get(line)
        ((connection, _),) = line._kept
        assert connection.protocol is not None
        connection.protocol.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
        assert await get(line) == b"[]"
        assert [kept for kept, _ in line._kept] != [connection]

    assert [heard.place for heard in with_line(work).heard] == [0, 0]
