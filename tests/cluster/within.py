"""Workers within this process: tasks of its loop, whose calls are pickled as they would be on their way."""

import asyncio
import pickle
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bulkmail.app.sweeping import Sweeping, Work
from bulkmail.cluster.calls import Handler
from bulkmail.cluster.hosts import Started
from bulkmail.cluster.messages import Gone
from bulkmail.cluster.sweeping import Crew
from bulkmail.cluster.worker import Session


class Line:
    """A worker's coordinator. While it is not `open`, no call arrives, and none is answered."""

    def __init__(self, hosts: "Within", key: str) -> None:
        self._hosts = hosts
        self._key = key
        self.open = asyncio.Event()
        self.open.set()

    async def call(self, name: str, *arguments: Any) -> Any:
        await asyncio.sleep(0)
        await self.open.wait()
        session = self._hosts.known(self._key)
        if session is None:
            raise Gone("given up")
        sent = pickle.loads(pickle.dumps(arguments))
        answer = await self._hosts.handlers[name](session, *sent)
        await self.open.wait()
        return pickle.loads(pickle.dumps(answer))


class Running:
    def __init__(self, task: asyncio.Task[None]) -> None:
        self.task = task

    def ended(self) -> bool:
        return self.task.done() and not self.task.cancelled()  # of a process that was killed, nothing is known

    async def failure(self) -> BaseException | None:
        return self.task.exception()


class Within:
    """`number` workers. One that is killed is followed by another under a new name."""

    def __init__(self, number: int) -> None:
        self._names = [f"worker {one}" for one in range(number)]
        self.lines: dict[str, Line] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.handlers: Mapping[str, Handler] = {}
        self.known: Callable[[str], Any] = lambda _: None

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        self.handlers, self.known = handlers, known

    async def close(self) -> None:
        self.known = lambda _: None
        for task in self.tasks.values():
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks.values())

    async def names(self) -> Collection[str]:
        return list(self._names)

    def begin(self, name: str, key: str) -> Started:
        line = self.lines[name] = Line(self, key)
        task = self.tasks[name] = asyncio.create_task(self._work(line))
        return Running(task)

    async def _work(self, line: Line) -> None:
        order = await line.call("hello")
        await Session(line, order).run()

    def kill(self, name: str) -> None:
        self.tasks[name].cancel()
        self._names.remove(name)
        self._names.append(f"{name}'")


def within(hosts: Within, beside: Callable[[Within], Any] | None = None) -> Sweeping:
    """A run by these workers, with something that is done beside them."""

    async def sweep(work: Work) -> None:
        busy = asyncio.create_task(beside(hosts)) if beside is not None else None
        try:
            await Crew(work, hosts, len(await hosts.names())).run()
        finally:
            if busy is not None:
                busy.cancel()

    return sweep
