"""The server's witness: who goes on after a refusal was read is early, and who was only slow to read it is not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bulkmail.testing import JumpingLoop
from tests.bench.server import Exchange, Settings, Tenant


class Nowhere:
    """Where the answers go."""

    def write(self, _: bytes) -> None: ...


def early(sends: Callable[[list[Exchange]], Awaitable[None]], **settings: Any) -> int:
    """Requests that the witness of a tenant holds to be early; it takes one, and then refuses for ten seconds."""

    async def main() -> int:
        tenant = Tenant(Settings(rate=0.001, burst=3, retry_after=10, **settings))
        connections = [Exchange(tenant) for _ in range(3)]
        for connection in connections:
            connection.connection_made(Nowhere())
            await ask(connection)
        await sends(connections)
        return tenant.books["early"]

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main())


async def ask(connection: Exchange) -> None:
    connection.data_received(b"GET /v1.0/users/ada/mailboxSettings HTTP/1.1\r\n\r\n")
    await asyncio.sleep(0.1)


async def goes_on(connections: list[Exchange]) -> None:
    for _ in range(6):
        for connection in connections:
            await ask(connection)


async def goes_on_alone(connections: list[Exchange]) -> None:
    for _ in range(9):
        await ask(connections[0])


async def is_slow(connections: list[Exchange]) -> None:
    await ask(connections[0])
    for connection in connections[1:]:  # they were sent before, and were long on their way
        await asyncio.sleep(2)
        await ask(connection)


async def obeys(connections: list[Exchange]) -> None:
    await is_slow(connections)
    await asyncio.sleep(11)
    await is_slow(connections)


def test_a_client_that_goes_on_after_a_refusal_is_early() -> None:
    assert early(goes_on) > 0
    assert early(goes_on_alone) > 0
    assert early(goes_on, latency=0.05) > 0


def test_a_client_that_is_slow_to_read_is_not() -> None:
    assert early(is_slow) == early(obeys) == 0
    assert early(is_slow, latency=0.05) == 0
