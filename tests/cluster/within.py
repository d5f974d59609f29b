"""Workers within this process: tasks of its loop, whose calls are pickled as they would be on their way."""

import asyncio
import pickle
from collections.abc import Callable, Collection, Container, Mapping
from typing import Any

from bulkmail.app.sweeping import Sweeping, Work
from bulkmail.cluster.calls import Handler
from bulkmail.cluster.hosts import Started
from bulkmail.cluster.messages import Gone, Lost
from bulkmail.cluster.sweeping import Crew
from bulkmail.cluster.worker import Session


class Line:
    """A worker's coordinator. While it is not `open`, no call arrives, and none is answered; from a `dead` worker, none
    ever comes."""

    def __init__(self, hosts: "Within", name: str, key: str) -> None:
        self._hosts = hosts
        self._name = name
        self.key = key
        self.open = asyncio.Event()
        self.open.set()
        self.dead = False

    async def call(self, name: str, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        self._hosts.note(self._name)
        await self.open.wait()
        if self.dead:
            raise Gone("killed")
        session = self._hosts.known(self.key)
        if session is None:
            raise Gone("given up")
        sent = pickle.loads(pickle.dumps(arguments))
        answer = await self._hosts.handlers[name](session, *sent)
        await self.open.wait()
        if name == "rows" and self._hosts.is_lethal(answer):
            self._hosts.kill(self._name)
            raise Gone("killed")
        return pickle.loads(pickle.dumps(answer))


class Running:
    """Of a process that was killed nothing is known, or that it is `lost`."""

    def __init__(self, task: asyncio.Task[None], line: Line, *, lost: bool) -> None:
        self.task = task
        self.line = line
        self._lost = lost

    def ended(self) -> bool:
        return self.task.done() and (self._lost or not self.line.dead)

    async def failure(self) -> BaseException | None:
        return Lost("died too often") if self.line.dead else self.task.exception()


class Within:
    """`number` workers. The worker that makes one of the `fatal` calls, counted over all, is killed, and another comes
    in its place: by another name, or, `again`, by the same one, where it begins the same session as Dask has it do. Of
    those that are `lost`, Dask says that they died too often. The line of one that makes a call that is `cut` is cut
    for so many `seconds`. One that is given a row with the address `lethal` is killed as well."""

    def __init__(
        self, number: int, *, fatal: Container[int] = (), again: bool = False, lost: bool = False,
        cut: Container[int] = (),
        seconds: float = 1.5, lethal: str = "",
    ) -> None:  # fmt: skip
        self.alive = [f"worker {one}" for one in range(number)]
        self.lines: dict[str, Line] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.running: dict[str, Running] = {}
        self.handlers: Mapping[str, Handler] = {}
        self.known: Callable[[str], Any] = lambda _: None
        self.troubles = 0
        self._fatal, self._again, self._cut, self._seconds = fatal, again, cut, seconds
        self._lost, self._lethal = lost, lethal
        self._calls = 0

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        self.handlers, self.known = handlers, known

    async def close(self) -> None:
        self.known = lambda _: None
        for task in self.tasks.values():
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks.values())

    async def names(self) -> Collection[str]:
        return list(self.alive)

    async def want(self, number: int) -> None:
        self.alive += [f"worker {one}" for one in range(len(self.alive), number)]

    def begin(self, name: str, key: str) -> Started:
        line = self.lines[name] = Line(self, name, key)
        task = self.tasks[name] = asyncio.create_task(self._work(line))
        running = self.running[name] = Running(task, line, lost=self._lost)
        return running

    async def _work(self, line: Line) -> None:
        order = await line.call("hello")
        await Session(line, order).run()

    def note(self, name: str) -> None:
        """A worker makes a call."""
        self._calls += 1
        if self._calls in self._fatal:
            self.troubles += 1
            self.kill(name)
        if self._calls in self._cut:
            self.troubles += 1
            line = self.lines[name]
            line.open.clear()
            asyncio.get_running_loop().call_later(self._seconds, line.open.set)

    def is_lethal(self, given: Any) -> bool:
        return bool(self._lethal) and any(self._lethal in one for one in given or ())

    def kill(self, name: str) -> None:
        """At once: it says nothing any more."""
        self.lines[name].dead = True
        self.tasks[name].cancel()
        if self._again:
            self._begin_again(name)
        elif name in self.alive:
            self.alive.remove(name)
            self.alive.append(f"{name}'")

    def _begin_again(self, name: str) -> None:
        before, running = self.lines[name], self.running[name]
        running.line = self.lines[name] = Line(self, name, before.key)
        running.task = self.tasks[name] = asyncio.create_task(self._work(running.line))


def within(hosts: Within) -> Sweeping:
    """A run by these workers."""

    async def sweep(work: Work) -> None:
        await Crew(work, hosts, len(await hosts.names())).run()

    return sweep
