"""A TCP proxy that knows which process each connection is of, notes when that last sent, and can cut one off.

It lives in a thread of its own. A cut is a `stall` (nothing arrives in either direction, and all of it does afterwards,
as on a network that heals), `mute` (only what comes back stalls), or a `reset` (connections break, and no other is let
in). Times are of CLOCK_MONOTONIC.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PIECE = 1 << 16
TICK = 0.02


@dataclass(slots=True, eq=False)
class Way:
    """A connection: of which process, when it was opened, and each instant at which the process sent something."""

    pid: int
    opened: float
    sent: list[float] = field(default_factory=list)
    ends: list[asyncio.StreamWriter] = field(default_factory=list)


class Proxy:
    """`target` is where connections lead at the moment; `processes` are those that may be at their other end."""

    def __init__(self, target: Callable[[], tuple[str, int]], processes: Callable[[], Collection[int]]) -> None:
        self._target = target
        self._processes = processes
        self._loop = asyncio.new_event_loop()
        self._cuts: dict[int, str] = {}
        self._healed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.ways: list[Way] = []
        self.port = 0
        self.lag = 0.0
        """The longest time that this thread had to wait for its turn: so late may be what it notes."""

    def cut(self, pid: int, how: str) -> float:
        """Returns the instant from which it is cut."""
        return self._there(lambda: self._cut(pid, how))

    def heal(self, pid: int) -> float:
        """Returns the instant up to which it was cut."""
        return self._there(lambda: self._heal(pid))

    def busy(self, pid: int, since: float) -> bool:
        """Whether a process has sent something after that instant."""
        return any(way.pid == pid and way.sent and way.sent[-1] > since for way in list(self.ways))

    def sent(self, pid: int, begin: float, end: float) -> list[float]:
        """When a process has sent something between two instants."""
        return sorted(at for way in list(self.ways) if way.pid == pid for at in list(way.sent) if begin < at < end)

    def serve(self) -> None:
        """What its thread does."""
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._met, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        ticking = self._loop.create_task(self._tick())
        self._loop.run_forever()
        self._server.close()
        ticking.cancel()
        for way in self.ways:
            _abort(way)
        self._loop.run_until_complete(asyncio.sleep(TICK))
        self._loop.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _there(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def _cut(self, pid: int, how: str) -> float:
        self._cuts[pid] = how
        for way in self.ways if how == "reset" else ():
            if way.pid == pid:
                _abort(way)
        return time.monotonic()

    def _heal(self, pid: int) -> float:
        until = time.monotonic()
        self._cuts.pop(pid, None)
        self._healed.set()
        self._healed = asyncio.Event()
        return until

    async def _tick(self) -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(TICK)
            self.lag = max(self.lag, time.monotonic() - begun - TICK)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pid = owner(writer.get_extra_info("peername"), writer.get_extra_info("sockname"), self._processes())
        way = Way(pid, time.monotonic(), ends=[writer])
        self.ways.append(way)
        if self._cuts.get(pid) == "reset":
            _abort(way)
            return
        await self._flows(pid, upward=True)
        with suppress(OSError):
            inner, outer = await asyncio.open_connection(*self._target())
            way.ends.append(outer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, outer, way, upward=True))
                group.create_task(self._pump(inner, writer, way))
        _abort(way)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way, *, upward: bool = False
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if upward:
                    way.sent.append(time.monotonic())
                await self._flows(way.pid, upward=upward)
                writer.write(piece)
                await writer.drain()
            await self._flows(way.pid, upward=upward)
        writer.close()

    async def _flows(self, pid: int, *, upward: bool) -> None:
        while (how := self._cuts.get(pid)) == "stall" or (how == "mute" and not upward):
            await self._healed.wait()


def _abort(way: Way) -> None:
    for end in way.ends:
        end.transport.abort()


@contextmanager
def open_proxy(target: Callable[[], tuple[str, int]], processes: Callable[[], Collection[int]]) -> Iterator[Proxy]:
    """A proxy until the block ends."""
    proxy = Proxy(target, processes)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    while not proxy.port:
        time.sleep(TICK)
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


def owner(near: tuple[str, int], far: tuple[str, int], processes: Collection[int]) -> int:
    """Which of these processes has the near end of a connection of this machine; 0 for none of them."""
    inode = _inode(near, far)
    return next((pid for pid in processes if inode and f"socket:[{inode}]" in _opened(pid)), 0)


def _inode(near: tuple[str, int], far: tuple[str, int]) -> int:
    """As the kernel tells it of one connection: all of /proc/net/tcp takes as long as a lease where a machine is
    busy (man 7 sock_diag)."""
    ends = struct.pack("!HH", near[1], far[1]) + b"".join(
        socket.inet_aton(end[0]).ljust(16, b"\0") for end in (near, far)
    )
    question = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends + _ANY
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.send(struct.pack("=IHHII", 16 + len(question), _BY_FAMILY, 1, 0, 0) + question)
        answer = kernel.recv(4096)
    kind: int = struct.unpack_from("=H", answer, 4)[0]
    return int(struct.unpack_from("=I", answer, 16 + 68)[0]) if kind == _BY_FAMILY else 0


_SOCK_DIAG, _BY_FAMILY = 4, 20
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface and cookie


def _opened(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield str(handle.readlink())
