"""What the tests of the wire share: one request to a server on this machine, by both ways to the service."""

import asyncio
from typing import Any

import pytest

from bulkmail.errors import TransportError
from bulkmail.model import Request, Response
from bulkmail.transport.wire import WireSettings, wire
from tests.transport.rig import get
from tests.transport.servers import Reply, Server, saying, serving, whole

WAY = {"lean": True}


def wired(base: str, **settings: Any) -> Any:
    usual = {"base": base, "user_agent": "bulkmail/1", "stall": 5.0, "connect": 5.0, **WAY}
    return wire(WireSettings(**{**usual, **settings}))


def told(reply: Reply, request: Request | None = None, **settings: Any) -> tuple[Response, Server]:
    """The answer to one request, and the server that gave it."""

    async def main() -> tuple[Response, Server]:
        async with serving(reply) as server, wired(server.base, **settings) as sender:
            return await sender.send(request or get("/x")), server

    return asyncio.run(main())


def lost(reply: Reply, request: Request | None = None, **settings: Any) -> tuple[TransportError, Server]:
    """The error that one request ends in, and the server that caused it."""

    async def main() -> tuple[TransportError, Server]:
        async with serving(reply) as server, wired(server.base, **settings) as sender:
            with pytest.raises(TransportError) as raised:
                await sender.send(request or get("/x"))
            return raised.value, server

    return asyncio.run(main())


GOOD = saying(whole(b'{"a": 1}'))
