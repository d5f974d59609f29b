"""One small exchange on a kept connection, past what aiohttp's client does around each, which was
a quarter of the CPU that a mailbox costs.

aiohttp's connector opens the connections (names, TLS), its handler and its C parser read the answers. What is left out
is built anew for each request by its session and is the same for all of ours: a request with its headers, the address
taken apart, cookies, redirects, a response, timers. The head and the body leave in one write; connections are kept
here, and the one that was used last is used next.

These parts of aiohttp are public by name but not promised to stay: `fits` says whether they are as they were when this
was written. What has a proxy, a large body or content to stream goes through the session.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from bulkmail.deadlines import Deadline, Deadlines
from bulkmail.errors import NOT_SENT, Unreachable
from bulkmail.leaving import Leaving, always

TESTED = ((3, 14), (3, 15))
"""The versions of aiohttp that this was tested with, from and below."""

KEPT = 15.0
"""Seconds that a connection is kept without use, as aiohttp keeps them."""

LINE, FIELD, FIELDS = 16_384, 8_190, 128
"""Bytes of a line of a head and of a header, and headers, at most."""

SENDING = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say how long their body is, also where they have none."""

BUFFER = 1 << 16
"""Bytes of an answer that are buffered before its connection is paused."""

EARLY = 16
"""1xx answers before the answer: more than any service has to say."""


class Head(NamedTuple):
    """What comes before the body of an answer."""

    status: int
    headers: Mapping[str, str]
    content: aiohttp.StreamReader


def fits(version: str = aiohttp.__version__) -> bool:
    """Whether aiohttp is one that this was tested with."""
    major, minor, *_ = version.split(".")
    return TESTED[0] <= (int(major), int(minor)) < TESTED[1]


@asynccontextmanager
async def line_to(
    base: URL, common: Mapping[str, str], limits: aiohttp.ClientTimeout, connections: int, tls: ssl.SSLContext | None,
    leaving: Leaving = always,
) -> AsyncIterator["Line"]:  # fmt: skip
    """Opens a line to the origin of `base`, with so many connections at most, and closes it. `common` are headers of
    every request that does not have its own. `leaving` is asked when a request has its connection."""
    connector = aiohttp.TCPConnector(limit=0, ssl=tls or True, ttl_dns_cache=60)
    line = Line(connector, base, common, limits, connections, leaving=leaving)
    try:
        yield line
    finally:
        line.close()
        await connector.close()


class Line:
    """Connections to one origin; open it with `line_to`."""

    def __init__(
        self, connector: aiohttp.BaseConnector, base: URL, common: Mapping[str, str], limits: aiohttp.ClientTimeout,
        connections: int, kept: float = KEPT, leaving: Leaving = always,
    ) -> None:  # fmt: skip
        self.leaving = leaving
        self._connector = connector
        self._limits = limits
        self._keeping = kept
        self._free = asyncio.Semaphore(connections)
        self._origin = aiohttp.ClientRequest("GET", base, loop=asyncio.get_running_loop())
        self._host = f"Host: {base.host_port_subcomponent}\r\n"
        self._common = common
        self._common_lines = "".join(f"{name}: {value}\r\n" for name, value in common.items())
        self._kept: deque[tuple[Connection, float]] = deque()  # the one that was used last is the last
        self._clock = asyncio.get_running_loop().time
        self.stall = limits.sock_read
        self.stalls = Deadlines(limits.sock_read or 0.0)  # one timer for all

    def __repr__(self) -> str:
        return f"<Line to {self._origin.url.host}: {len(self._kept)} kept>"

    def exchange(self, method: str, target: str, headers: "CIMultiDict[str]", body: bytes | None) -> "Exchange":
        """To be entered: gives the Head of the answer. Raises ValueError for what would end a line of the head."""
        common = self._common_lines
        if any(name in headers for name in self._common):
            common = "".join(f"{name}: {value}\r\n" for name, value in self._common.items() if name not in headers)
        if body is not None or method in SENDING:
            headers["Content-Length"] = str(len(body or b""))
        own = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        first = f"{method} {target}"
        if own.count("\n") + own.count("\r") != 2 * len(headers) or not first.isprintable() or "\0" in own:
            raise ValueError("a line of the head of a request holds what would end it")
        head = f"{first} HTTP/1.1\r\n{self._host}{common}{own}\r\n".encode()
        return Exchange(self, head + body if body else head, method == "HEAD")

    async def open(self) -> Connection:
        """A connection on which nothing is under way, and nothing has come that was not asked for. What it raises is
        noted as NOT_SENT. It is given back by `take_back`."""
        try:
            await self._free.acquire()
            try:
                return self._quiet() or await self._connector.connect(self._origin, [], self._limits)
            except BaseException:
                self._free.release()
                raise
        except BaseException as error:
            error.add_note(NOT_SENT)
            raise

    def _quiet(self) -> Connection | None:
        while self._kept:
            connection, _ = self._kept.pop()
            if is_quiet(connection.protocol):
                return connection
            connection.close()
        return None

    def take_back(self, connection: Connection, *, whole: bool) -> None:
        """An exchange is over; if the `whole` answer was read, the connection is kept. Those that were not used for
        long are closed."""
        self._free.release()
        if not whole or not is_quiet(connection.protocol):
            connection.close()
            return
        now = self._clock()
        self._kept.append((connection, now))
        while now - self._kept[0][1] > self._keeping:
            self._kept.popleft()[0].close()

    def close(self) -> None:
        """No exchange is under way any more, and none will be. What is kept goes back to the connector, which waits
        until it is closed: a loop that ended before would leave sockets open."""
        self.stalls.stop()
        while self._kept:
            self._kept.pop()[0].release()


def is_quiet(handler: ResponseHandler | None) -> bool:
    """Whether a connection is open, and has nothing that no request has asked for."""
    return handler is not None and handler.is_connected() and not handler.should_close


class Exchange:
    """One exchange on a connection, which is kept if all of the answer was read, and closed else."""

    def __init__(self, line: Line, sent: bytes, bodiless: bool) -> None:  # noqa: FBT001 - a fact of the method
        self._line = line
        self._sent = sent
        self._bodiless = bodiless
        self._connection: Connection | None = None

    async def __aenter__(self) -> Head:
        connection = self._connection = await self._line.open()
        try:
            return await self._begun(connection)
        except HttpProcessingError:
            self._line.take_back(connection, whole=False)
            raise aiohttp.ClientPayloadError("it is not HTTP") from None
        except BaseException:
            self._line.take_back(connection, whole=False)
            raise

    async def _begun(self, connection: Connection) -> Head:
        handler, transport, line = connection.protocol, connection.transport, self._line
        if handler is None or transport is None:
            raise Unreachable("the connection was closed before anything was sent")
        handler.set_response_params(
            skip_payload=self._bodiless, read_until_eof=True, read_bufsize=BUFFER, max_line_size=LINE,
            max_field_size=FIELD, max_headers=FIELDS,
        )  # fmt: skip
        line.leaving()
        transport.write(self._sent)
        for _ in range(EARLY):
            with Deadline(line.stalls):
                message, content = await handler.read()
            if not 100 <= message.code < 200 or message.code == 101:
                if not content.is_eof():  # the rest is watched by aiohttp, with a timer each: few answers have one
                    handler.read_timeout = line.stall
                    handler.start_timeout()
                return Head(message.code, message.headers, content)
        raise aiohttp.ClientPayloadError("it does not come to its end")

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is not None:
            self._line.take_back(self._connection, whole=kind is None)
