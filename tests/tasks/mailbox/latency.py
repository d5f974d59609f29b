"""What a sweep of several reports costs beside each of them alone where all time is the service's: the clock stands
while bulkmail or the simulator works. `python -m tests.tasks.mailbox.latency 10000`; `batch` and a latency may follow.

A task runs below the whole stack with its built-in limits, and the simulator's Graph answers with no socket in between.
"""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response, Transport
from bulkmail.run.alarm import AlarmSettings
from bulkmail.sim import Settings, Simulator, every_role
from bulkmail.sim.graph.service import Service
from bulkmail.sim.http.http import Connection
from bulkmail.sim.http.http import Request as Asked
from bulkmail.sim.http.server import Server
from bulkmail.tasks import Task
from bulkmail.tasks.mailbox.parts import PARTS
from bulkmail.tasks.mailbox.report import mailbox_report
from bulkmail.testing import run
from bulkmail.transport import StackSettings, stack
from tests.run.stage import BASE, ListSource, Stage

FULL = 20
APP, SECRET = "6a1f0f5e-0000-4000-8000-000000000001", "pass-c4n4ry-9b1d"


class Waited(NamedTuple):
    """Requests, those in batches as well; posts of batches; seconds of the service; and how many requests were under
    way on average."""

    requests: int
    posts: int
    seconds: float
    in_flight: float


class Straight:
    """A terminal that hands each request to the simulator."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._nowhere = Connection(server.answer, set())
        self._loop = asyncio.get_running_loop()
        self.requests = self.posts = 0
        self.waited = 0.0  # seconds, for all requests together

    async def send(self, request: Request, /) -> Response:
        begun, body = self._loop.time(), request.body or b""
        parts = len(orjson.loads(body)["requests"]) if request.path == "/$batch" else 0
        self.requests += parts or 1
        self.posts += bool(parts)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = await self._server.answer(Asked(request.method, f"/v1.0{request.path}", headers, body, self._nowhere))
        self.waited += (self._loop.time() - begun) * (parts or 1)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, told, orjson.loads(answer.body) if answer.body else None)


class Known:
    """A source of the one token that the simulator has given."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        assert not refused, claims
        return self._token


def opened(settings: Settings) -> tuple[Server, str]:
    """The simulator without its listeners, and a token for all that there is."""
    simulator, now = Simulator(settings), asyncio.get_running_loop().time
    simulator.register(APP, roles=every_role(), secret=SECRET)
    entra = simulator.entra
    server = Server(entra, Service(simulator.world, entra, now))
    server.base, entra.base, entra.graph = BASE, BASE.removesuffix("/v1.0"), BASE.removesuffix("/v1.0")
    form = {"grant_type": "client_credentials", "client_id": APP, "client_secret": SECRET}
    form["scope"] = f"{entra.graph}/.default"
    body: Any = entra.token(simulator.tenant_id, form, now()).body
    return server, body["access_token"]


async def waited(task: Task, settings: Settings, *, batch: bool = False) -> Waited:
    """What a task costs in all mailboxes. Raises AssertionError unless each of them is ok."""
    server, token = opened(settings)
    terminal = Straight(server)
    async with stack(terminal, Known(token), StackSettings(batch=FULL * batch), lambda _: None) as built:
        options = task.options() if task.once is None else await _once(task, built.transport)
        addresses = server.world.tenant.addresses(None)
        listed = [Mailbox(address, row) for row, address in enumerate(addresses, start=2)]
        chunks = [listed[first : first + 1000] for first in range(0, len(listed), 1000)]
        stage = Stage(
            ListSource(chunks), built.transport, chosen=task, options=options, lanes=built.lanes, workers=4096,
            watched=AlarmSettings(permission="all of them"),
        )  # fmt: skip
        begun, terminal.waited = asyncio.get_running_loop().time(), 0.0
        await stage.run()
        seconds = asyncio.get_running_loop().time() - begun
    assert {*stage.statuses().values()} == {"ok"}
    return Waited(terminal.requests, terminal.posts, seconds, terminal.waited / seconds)


async def _once(task: Task, transport: Transport) -> Any:
    assert task.once is not None
    return await task.once(Graph(transport, BASE), task.options())


def told(tasks: Iterable[Task], settings: Settings, *, batch: bool) -> dict[str, Waited]:
    """The costs of each, and prints them as they come."""
    costs: dict[str, Waited] = {}
    for task in tasks:
        cost = costs[task.name] = run(waited(task, settings, batch=batch))
        posts = f" in {cost.posts:,} posts" if cost.posts else ""
        print(f"{task.name}: {cost.requests:,} requests{posts}, {cost.seconds:.2f} s, {cost.in_flight:,.0f} in flight")
    return costs


def main() -> None:
    size, words = int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:]
    latency = float(words[1]) if len(words) > 1 else 0.2
    settings = Settings(size, seed=11, latency=latency, absent=0.0, denied=0.0, moving=0.0, tls=False)
    costs = told([*PARTS.values(), mailbox_report], settings, batch="batch" in words)
    sweep = costs.pop(mailbox_report.name)
    longest = max(costs.values(), key=lambda cost: cost.seconds)
    shares = sweep.requests / longest.requests, sweep.seconds / longest.seconds
    print("beside the longest part: {:.2f} of the requests, {:.2f} of the time".format(*shares))


if __name__ == "__main__":
    main()
