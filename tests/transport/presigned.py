"""What the tests of pre-signed addresses share: work with an address of a server on this machine, and how it ends."""

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from yarl import URL

from bulkmail.address import Address
from bulkmail.errors import TransportError, Unreachable
from bulkmail.model import Effect, Request, Response
from bulkmail.testing import collect
from bulkmail.transport.direct import Directly, DirectSettings, direct
from tests.transport.servers import Reply, Server, serving

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)
SECRET = "S3cretS1gnature"
CSV = b"Content-Type: application/octet-stream\r\n"
Work = Callable[[Directly, Address], Coroutine[Any, Any, T]]


def told(reply: Reply, work: Work[T], **settings: Any) -> tuple[T, Server]:
    """What comes of `work` with an address of a server that replies so, and the server."""

    async def main() -> tuple[T, Server]:
        async with serving(reply) as server:
            port = URL(server.base).port

            def listed(*place: Any) -> bool:
                return place == ("http", "127.0.0.1", port)

            given = DirectSettings(**{"listed": listed, "user_agent": "bulkmail/1", "stall": 5.0, **settings})
            async with direct(given) as there:
                return await work(there, Address(f"http://127.0.0.1:{port}/{SECRET}/a%2Fb?sig={SECRET}%3d")), server

    return asyncio.run(main())


def failing(reply: Reply, work: Work[Any], kind: type[E], **settings: Any) -> tuple[E, Server]:
    """The error that `work` ends in, which shows nothing of the address, and the server."""

    async def tried(there: Directly, address: Address) -> E:
        with pytest.raises(kind) as raised:
            await work(there, address)
        said = "".join(traceback.format_exception(raised.value))
        assert SECRET not in said + repr(raised.value) + repr(there) + repr(address) + str(address)
        return raised.value

    return told(reply, tried, **settings)


def given_up(reply: Reply, work: Work[Any], kind: type[TransportError]) -> None:
    """When its time is over, `work` ends with this error; it has more time where a machine is slow to connect."""
    for total in (0.02, 0.2, 2.0, 20.0):
        error, _ = failing(reply, work, TransportError, total=total)
        if not isinstance(error, Unreachable):
            break
    assert isinstance(error, kind)


def reading(most: int = 1 << 20, start: int = 0) -> Work[bytes]:
    async def work(there: Directly, address: Address) -> bytes:
        return b"".join(await collect(there.read(address, most=most, start=start)))

    return work


def putting(content: bytes = b"abc", **fields: Any) -> Work[Response]:
    async def work(there: Directly, address: Address) -> Response:
        request = Request("PUT", "/pre-signed", "ada", content=content, effect=Effect.NONE, address=address, **fields)
        return await there.exchange(request, address)

    return work
