"""What the tests of writing tasks share: a task below the whole stack against the simulator, and its ledger by ear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bulkmail.core.effect import writes
from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown
from bulkmail.graph import Graph
from bulkmail.model import NOTHING, Change, Direct, Event, Made, Mailbox, Request, Response, Row, TokenSource, Transport
from bulkmail.tasks import Options, Task, check_options, find
from bulkmail.testing import MemoryLedger, collect
from bulkmail.testing.store import MemoryStore
from bulkmail.transport import StackSettings, stack
from bulkmail.transport.direct import Aside, DirectSettings, direct
from bulkmail.transport.plan import Planning
from bulkmail.transport.wire import WireSettings, wire
from tests.sim.desk import Desk, rehearse

BASE = "https://graph.example/v1.0"
ADA = Mailbox("ada@example.com", 2)


@dataclass(slots=True)
class Ledger:
    """A wrapper that keeps the changes whose requests passed, those with an answer below 400 as certain."""

    inner: Transport
    entries: list[Made | None] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def made(self) -> list[Made]:
        return [one for one in self.entries if one is not None]

    async def send(self, request: Request, /) -> Response:
        self.requests.append(request)
        if request.change is None:
            assert not writes(request), f"{request} writes and does not say what"
            return await self.inner.send(request)
        place = len(self.entries)  # others may be on their way
        self.entries.append(Made(request.change, certain=False))
        response = await self.inner.send(request)
        body = response.body if isinstance(response.body, dict) else {}
        named = body.get("id") or body.get("itemId", "")
        self.entries[place] = Made(request.change, named) if response.status < 400 else None
        return response


class Killed(BaseException):
    """The process is gone."""


@dataclass(slots=True)
class Deadly:
    """A wrapper that kills whoever sends the request number `fatal`: before it leaves, or when it has been answered."""

    inner: Transport
    fatal: int
    answered: bool
    sent: int = 0

    async def send(self, request: Request, /) -> Response:
        self.sent += 1
        if self.sent < self.fatal:
            return await self.inner.send(request)
        if self.answered and self.sent == self.fatal:
            await self.inner.send(request)
        raise Killed


@dataclass(slots=True)
class Settling:
    """A wrapper that lets the service settle: when an answer was lost, no request leaves for so many seconds."""

    inner: Transport
    seconds: float
    until: float = 0.0

    async def send(self, request: Request, /) -> Response:
        now = asyncio.get_running_loop().time
        while (left := self.until - now()) > 0:  # noqa: ASYNC110 - the end may move
            await asyncio.sleep(left)
        try:
            return await self.inner.send(request)
        except OutcomeUnknown:
            self.until = now() + self.seconds
            raise


@dataclass(frozen=True, slots=True)
class Token(TokenSource):
    text: str

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        return self.text


@dataclass(slots=True)
class Bench:
    """One task and a simulated tenant. What a run changed is in `made`, its requests are in `requests`."""

    desk: Desk
    task: Task
    options: Options
    writing: Transport
    only_planning: Transport
    planned: list[Request]
    made: list[Made] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    store: MemoryStore = field(default_factory=MemoryStore)
    direct: Direct | None = None

    def mailbox(self, number: int = 0, columns: Mapping[str, str] = NOTHING) -> Mailbox:
        return Mailbox(self.desk.sim.tenant.address(number), number + 2, columns=columns)

    async def run(self, mailbox: Mailbox, *, earlier: Sequence[Made] = (), **changed: Any) -> list[Row]:
        """Applies the task, its options changed; `earlier` is what a process that died had changed."""
        return await self._rows(mailbox, changed, self.writing, planning=False, earlier=earlier)

    async def run_through(self, transport: Transport, mailbox: Mailbox, **changed: Any) -> list[Row]:
        """Applies the task with a transport of one's own."""
        return await self._rows(mailbox, changed, transport, planning=False)

    def rows(self, mailbox: Mailbox) -> AsyncIterator[Row]:
        """What applying the task yields, one by one."""
        graph = self._graph(mailbox, self.options, Ledger(self.writing), planning=False)
        return self.task.run(mailbox, graph, self.options)

    async def plan(self, mailbox: Mailbox, **changed: Any) -> list[Row]:
        self.planned.clear()
        return await self._rows(mailbox, changed, self.only_planning, planning=True)

    async def undo(self, mailbox: Mailbox, made: list[Made], *, planning: bool = False) -> list[Row]:
        assert self.task.undo is not None
        self.planned.clear()
        ledger = Ledger(self.only_planning if planning else self.writing)
        graph = self._graph(mailbox, self.options, ledger, planning=planning)
        rows = await collect(self.task.undo(mailbox, graph, self.options, made[::-1]))
        self.made, self.requests = ledger.made, ledger.requests
        return rows

    async def _rows(
        self,
        mailbox: Mailbox,
        changed: Mapping[str, Any],
        transport: Transport,
        *,
        planning: bool,
        earlier: Sequence[Made] = (),
    ) -> list[Row]:
        options = self.options.model_copy(update=changed)
        ledger = Ledger(transport)
        try:
            return await collect(
                self.task.run(mailbox, self._graph(mailbox, options, ledger, planning=planning, made=earlier), options)
            )
        finally:
            self.made, self.requests = ledger.made, ledger.requests

    def _graph(
        self, mailbox: Mailbox, options: Options, ledger: Ledger, *, planning: bool, made: Sequence[Made] = ()
    ) -> Graph:
        target = self.task.target(mailbox, options) if self.task.target else ""
        base = f"{self.desk.sim.graph_url}/v1.0"
        return Graph.of(
            mailbox, ledger, base,
            target=target, planning=planning, made=made, store=self.store, direct=self.direct,
        )  # fmt: skip

    @property
    def writes(self) -> list[str]:
        """Method and path of each write of the last run."""
        return [f"{one.method} {one.path}" for one in self.requests if one.method != "GET"]


def unheard(_event: Event) -> None:
    """Nobody listens."""


@asynccontextmanager
async def benched(desk: Desk, name: str, folder: Path, options: Mapping[str, Any]) -> AsyncIterator[Bench]:
    task = find(name, folder)
    ledger = MemoryLedger()
    rules = StackSettings(retries=RetryRules(base=0.01, cap=0.01))
    base, token = f"{desk.sim.graph_url}/v1.0", Token(desk.token)
    async with (
        wire(WireSettings(base, "bulkmail-tests")) as terminal,
        direct(DirectSettings(lambda *_: True, "bulkmail-tests")) as there,
        stack(terminal, token, rules, unheard, guard=lambda inner: Aside(inner, there)) as writing,
        stack(terminal, token, rules, unheard, guard=lambda inner: Planning(inner, ledger)) as planning,
    ):
        checked = check_options(task, options, folder)
        yield Bench(desk, task, checked, writing.transport, planning.transport, ledger.planned, direct=there)


def on_bench(
    name: str, folder: Path, act: Callable[[Bench], Awaitable[None]], options: Mapping[str, Any], **settings: Any
) -> dict[str, Any]:
    """Runs `act` with a task and a new tenant; returns the simulator's books."""

    async def main(desk: Desk) -> None:
        async with benched(desk, name, folder, options) as bench:
            await act(bench)

    return rehearse(main, **settings)


def changes(requests: list[Request]) -> list[Change | None]:
    return [one.change for one in requests]


def error_body(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}
