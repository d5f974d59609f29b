"""HTTP/1.1 as a server speaks it, lean enough for thousands of answers a second. It does not know Graph.

A framework's request costs as much as all that the simulator does for an answer, so the little of HTTP that clients of
Graph use is spoken here: kept connections, bodies of a told length or in chunks, one request after the other.
"""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import TypeAlias, cast

from bulkmail.sim.witness.causality import NOTHING, Mark

LOG = logging.getLogger(__name__)
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 64 * 1024 * 1024
WAITING = 100  # requests of one connection that are read ahead
LINES: Mapping[int, str] = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Request:
    """One request; names of headers are in lower case. `connection` is for the faults that break it, and `behind` the
    mark of the answer that its client had read there."""

    __slots__ = ("behind", "body", "connection", "headers", "method", "target")

    def __init__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, connection: "Connection"
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.connection = connection
        self.behind = connection.mark


class Response:
    """One answer; with `pieces` it is streamed and has no `body`. `close` ends the connection after it; `written` is
    called when all of it is on its way, and gives its mark."""

    __slots__ = ("body", "close", "headers", "pieces", "status", "written")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        pieces: Iterable[bytes] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.pieces = pieces
        self.close = False
        self.written: Callable[[], Mark] | None = None


Answer: TypeAlias = Callable[[Request], Awaitable[Response]]


class Malformed(Exception):
    """What came is not HTTP, or is more than the server accepts."""


class Connection(asyncio.Protocol):
    """Reads requests, has each answered in turn, writes the answers. A client that is gone does not stop the work."""

    transport: asyncio.Transport

    def __init__(self, answer: Answer, connections: set["Connection"]) -> None:
        self._answer = answer
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._requests: deque[Request | None] = deque()  # None: no more will come
        self._wake: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None  # while the peer takes nothing more
        self._head: tuple[str, str, dict[str, str]] | None = None
        self.task: asyncio.Task[None] | None = None
        self.mark = NOTHING  # of the last answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self.task = self._loop.create_task(self._work())

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)
        self.resume_writing()
        self._put(None)

    def pause_writing(self) -> None:
        self._room = self._room or self._loop.create_future()

    def resume_writing(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while (request := self._next()) is not None:
                self._put(request)
        except (Malformed, ValueError):
            self._buffer.clear()
            self.transport.write(head(400, {"Connection": "close", "Content-Length": "0"}))
            self.transport.close()
        if len(self._requests) > WAITING:
            self.transport.pause_reading()

    def _put(self, request: Request | None) -> None:
        self._requests.append(request)
        wake, self._wake = self._wake, None
        if wake is not None and not wake.done():
            wake.set_result(None)

    def _next(self) -> Request | None:
        """The next request that has arrived completely."""
        if self._head is None:
            self._head = self._read_head()
            if self._head is None:
                return None
        method, target, headers = self._head
        if "transfer-encoding" in headers:
            body = unchunked(self._buffer)
        else:
            body = self._read_body(int(headers.get("content-length", 0)))
        if body is None:
            return None
        self._head = None
        return Request(method, target, headers, body, self)

    def _read_head(self) -> tuple[str, str, dict[str, str]] | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                raise Malformed
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        method, target, _ = first.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("expect") == "100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return method, target, headers

    def _read_body(self, length: int) -> bytes | None:
        if length == 0:
            return b""
        if not 0 < length <= LARGEST_BODY:
            raise Malformed
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    async def _work(self) -> None:
        """Answers request after request until the connection is lost."""
        requests = self._requests
        while True:
            while not requests:
                self._wake = self._loop.create_future()
                await self._wake
            request = requests.popleft()
            if request is None:
                return
            if not self.transport.is_reading() and not self.transport.is_closing():
                self.transport.resume_reading()
            response = await self._answered(request)
            if self.transport.is_closing():
                continue
            await self._say(response)
            if response.written is not None:
                self.mark = response.written()
            if response.close or request.headers.get("connection", "").lower() == "close":
                self.transport.close()

    async def _answered(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Exception:  # one mistake of the simulator must not end the connection for the requests behind it
            LOG.exception("the simulator failed at %s %.200s", request.method, request.target)
            return Response(500)

    async def drained(self) -> None:
        """Waits until the peer can receive more."""
        if self._room is not None:
            await self._room

    async def _say(self, response: Response) -> None:
        if response.pieces is None:
            told = {"Date": now(self._loop.time()), **response.headers}
            if response.status != 204:
                told["Content-Length"] = str(len(response.body))
            self.transport.write(head(response.status, told) + response.body)
            await self.drained()
            return
        told = {"Date": now(self._loop.time()), "Transfer-Encoding": "chunked"}
        self.transport.write(head(response.status, {**response.headers, **told}))
        for piece in response.pieces:
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self.drained()
        self.transport.write(b"0\r\n\r\n")


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The first line and the headers; a value that would end its line is cut there."""
    text = LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
    for name, value in headers.items():
        text += f"{name}: {value.splitlines()[0] if not value.isprintable() and value else value}\r\n"
    return (text + "\r\n").encode("latin-1", "replace")


def unchunked(buffer: bytearray) -> bytes | None:
    """Takes a whole body in chunks out of the buffer, or leaves it as it is and returns None."""
    body, place = bytearray(), 0
    while (end := buffer.find(b"\r\n", place)) >= 0:
        size = int(bytes(buffer[place:end]).partition(b";")[0], 16)
        if size < 0 or len(body) + size > LARGEST_BODY:
            raise Malformed
        if size == 0:
            last = end if buffer[end : end + 4] == b"\r\n\r\n" else buffer.find(b"\r\n\r\n", end)
            if last < 0:
                return None
            del buffer[: last + 4]
            return bytes(body)
        if len(buffer) < end + 2 + size + 2:
            return None
        body += buffer[end + 2 : end + 2 + size]
        place = end + 2 + size + 2
    return None


class _Now:
    """The Date header, made once a second."""

    def __init__(self) -> None:
        self.second = -1
        self.text = ""

    def __call__(self, moment: float) -> str:
        if int(moment) != self.second:
            self.second = int(moment)
            self.text = format_datetime(datetime.now(UTC), usegmt=True)
        return self.text


now = _Now()


class Listener:
    """One open port."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None) -> None:
        self._answer = answer
        self._context = context
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self, host: str, port: int) -> str:
        """Returns the address as a URL without a path."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._answer, self._connections), host, port, ssl=self._context, backlog=4096
        )
        number = self._server.sockets[0].getsockname()[1]
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self._context else 'http'}://{name}:{number}"

    async def close(self) -> None:
        """Ends what is in flight, too: a peer that keeps its side open would keep ours open."""
        if self._server is None:
            return
        self._server.close()
        tasks = []
        for connection in list(self._connections):
            connection.transport.abort()
            if connection.task is not None:
                connection.task.cancel()
                tasks.append(connection.task)
        if tasks:
            await asyncio.wait(tasks)
        await self._server.wait_closed()
