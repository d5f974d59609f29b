"""What may not leave any more does not, on any of the ways out; it is asked behind the connection."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from bulkmail.address import Address
from bulkmail.errors import Lapsed, Unanswered
from bulkmail.leaving import Leaving
from bulkmail.model import Request
from bulkmail.testing import collect
from bulkmail.transport.direct import DirectSettings, direct
from bulkmail.transport.wire import WireSettings, wire
from tests.transport.rig import get, post
from tests.transport.servers import Server, saying, serving, whole

GOOD = saying(whole(b"[]"))
Way = Callable[[Server, Leaving, Request], Awaitable[Any]]


def by_wire(*, lean: bool, fresh: bool = False) -> Way:
    async def send(server: Server, leaving: Leaving, request: Request) -> None:
        async with wire(WireSettings(server.base, "bulkmail/1", lean=lean, leaving=leaving)) as sender:
            await sender.send(request._replace(fresh=fresh))

    return send


def listed(*_place: Any) -> bool:
    return True


def addressed(server: Server) -> Address:
    return Address(f"http://127.0.0.1:{URL(server.base).port}/x")


async def aside(server: Server, leaving: Leaving, request: Request) -> None:
    async with direct(DirectSettings(listed, "bulkmail/1", leaving=leaving)) as there:
        await there.exchange(request._replace(content=b"x"), addressed(server))


WAYS = {
    "line": by_wire(lean=True), "session": by_wire(lean=False), "fresh": by_wire(lean=True, fresh=True), "direct": aside
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("request_", [get("/x"), post("/x")], ids=["read", "write"])
def test_nothing_is_sent_without_leave_which_is_asked_behind_the_connection(way: Way, request_: Request) -> None:
    async def main() -> None:
        connected: list[int] = []

        def leaving() -> None:
            connected.append(1)
            raise Lapsed("the lease has ended")

        async with serving(GOOD) as server:
            with pytest.raises(Lapsed):
                await way(server, leaving, request_)
            assert connected == [1]
            assert server.heard == []
            await way(server, lambda: None, request_)
            assert len(server.heard) == 1

    asyncio.run(main())


def test_content_of_an_address_is_not_asked_for_without_leave() -> None:
    def leaving() -> None:
        raise Lapsed("the lease has ended")

    async def main() -> None:
        async with serving(GOOD) as server, direct(DirectSettings(listed, "bulkmail/1", leaving=leaving)) as there:
            with pytest.raises((Lapsed, Unanswered)):
                await collect(there.read(addressed(server), most=10))
            assert server.heard == []

    asyncio.run(main())


def test_a_kept_connection_is_asked_for_too() -> None:
    """The one that was used before needs no connecting, and what is sent on it leaves just the same."""
    asked: list[bool] = []

    def leaving() -> None:
        asked.append(True)
        if len(asked) == 2:
            raise Lapsed("the lease has ended")

    async def main(*, lean: bool) -> None:
        asked.clear()
        async with (
            serving(GOOD) as server,
            wire(WireSettings(server.base, "bulkmail/1", lean=lean, leaving=leaving)) as sender,
        ):
            await sender.send(get("/a"))
            with pytest.raises(Lapsed):
                await sender.send(get("/b"))
            await sender.send(get("/c"))
            assert [heard.line.split()[1].rpartition("/")[2] for heard in server.heard] == ["a", "c"]

    asyncio.run(main(lean=True))
    asyncio.run(main(lean=False))
