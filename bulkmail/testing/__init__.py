"""For authors of tasks, and for our own tests: a scripted service, a clock that jumps, and a task driven by hand.

Nothing here patches anything. A task, a wrapper or a whole stack is given these in place of the real thing:

    service = Scripted(lambda request: Response(200, body={"timeZone": "UTC"}))
    rows = run(collect(settings_report(mailbox, Graph.of(mailbox, service, BASE), Options())))

`bulkmail.testing.tenant` has a whole tenant to run a task against, `bulkmail.testing.fixtures` the same for pytest.
"""

import asyncio
import math
import selectors
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Executor
from contextvars import Context
from types import coroutine
from typing import Any, TypeVar, TypeVarTuple

from bulkmail.errors import TransportError
from bulkmail.model import Ending, Request, Response, Row

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Scripted:
    """A terminal that answers by a function, or by an async one, and keeps what it was asked in `requests`."""

    def __init__(self, answer: Callable[[Request], Response | Awaitable[Response]]) -> None:
        self._answer = answer
        self.requests: list[Request] = []

    async def send(self, request: Request, /) -> Response:
        self.requests.append(request)
        answer = self._answer(request)
        return answer if isinstance(answer, Response) else await answer


class Tokens:
    """A token source that hands out `token-1`, and the next number when one was refused."""

    def __init__(self) -> None:
        self.issued = 1
        self.claims: list[str] = []

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        if refused == f"token-{self.issued}":
            self.issued += 1
            self.claims.append(claims)
        return f"token-{self.issued}"


class MemoryLedger:
    """A ledger that keeps what it is told: `planned` requests, `intended` ones, and `ended` with how each ended."""

    def __init__(self) -> None:
        self.planned: list[Request] = []
        self.intended: list[Request] = []
        self.ended: list[tuple[Request, Ending, str]] = []

    async def plan(self, request: Request, /) -> None:
        self.planned.append(request)

    async def intend(self, request: Request, /) -> int:
        self.intended.append(request)
        return len(self.intended)

    def conclude(self, _number: int, request: Request, ending: Ending, id: str = "", /) -> None:  # noqa: A002
        self.ended.append((request, ending, id))


TURNS, CREEP = 5_000, 1e-6
"""After so many turns of the loop in one instant, so many seconds pass all the same."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a timer: moves the loop's clock to it instead, unless a thread is at work."""

    loop: "JumpingLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            self.loop.turned()
            return ready
        if self.loop.threads:
            return super().select(0.01)
        if timeout is None:
            raise RuntimeError("everything waits, and nothing is left that could happen")
        self.loop.jump(timeout)
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which time passes only by waiting, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.threads = 0
        self.turns = 0  # since time has passed
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        self.jump(0.0)

    def time(self) -> float:
        return self.now

    def turned(self) -> None:
        """Work takes time, too: without it, code that waits for a rounding error to pass would wait for ever."""
        self.turns += 1
        if self.turns == TURNS:
            self.jump(CREEP)

    def jump(self, seconds: float) -> None:
        self.turns = 0
        self.now += seconds
        self._clock_resolution = math.ulp(self.now)  # a timer is due at its instant, and not a little before

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, *args: Any) -> None:
        self.threads += 1  # its end is waited for in real time
        await super().shutdown_default_executor(*args)
        self.threads -= 1

    def _thread_done(self, _future: object) -> None:
        self.threads -= 1


def run(main: Coroutine[Any, Any, T], *, context: Context | None = None) -> T:
    """The result of `main` on a loop whose clock jumps: minutes of throttling take milliseconds."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main, context=context)


async def collect(rows: AsyncIterable[T]) -> list[T]:
    """All that an async iterator yields, such as a task."""
    return [row async for row in rows]


class Stepper:
    """Drives a task by hand, with no loop: each step gives the next request, each answer goes back in.

    Its `send` hands the request to the code that drives the coroutine. A task that awaits anything but its `graph`
    stops with a RuntimeError.
    """

    def __init__(self, start: Callable[["Stepper"], AsyncIterator[Row]]) -> None:
        self.rows: list[Row] = []
        self._rows = start(self)
        self._step: Generator[Any, Any, Row] | None = None

    async def send(self, request: Request, /) -> Response:
        return await _ask(request)

    def step(self, answer: Response | TransportError | None = None) -> Request | None:
        """The task's next request, or None when it has ended; `answer` is for the request before."""
        while True:
            step = self._step or self._rows.__anext__().__await__()
            self._step = None
            try:
                asked = step.throw(answer) if isinstance(answer, TransportError) else step.send(answer)
            except StopIteration as yielded:
                self.rows.append(yielded.value)
                answer = None
            except StopAsyncIteration:
                return None
            else:
                if not isinstance(asked, Request):
                    raise RuntimeError("a task may await nothing but its graph")  # noqa: TRY004 - the task's doing
                self._step = step
                return asked


@coroutine
def _ask(request: Request) -> Generator[Request, Response, Response]:
    answer = yield request
    return answer
