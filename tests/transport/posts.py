"""What the tests of posts share: requests sent at the same time through one packer, and services that answer."""

import asyncio

from bulkmail.model import Request, Response, Transport
from bulkmail.testing import Scripted
from bulkmail.transport.batch import batching


def free(_mailbox: str) -> bool:
    return False


async def echo(request: Request) -> Response:
    return Response(200, {"content-type": "application/json"}, {"path": request.path, "sent": request.body})


async def all_of(inner: Transport, requests: list[Request], size: int = 20) -> list[Response | BaseException]:
    """How each of `requests` ends, sent at the same time through one packer."""
    async with batching(inner, size=size, held=free) as packer:
        asked = [asyncio.create_task(packer.send(request)) for request in requests]
        await asyncio.wait(asked)
    return [task.exception() or task.result() for task in asked]


def failing(error: Exception) -> Scripted:
    def fail(_request: Request) -> Response:
        raise error

    return Scripted(fail)
