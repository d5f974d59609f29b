"""One small exchange on a kept connection, with what aiohttp's client does around each left out: half of its cost.

aiohttp's connector opens, keeps and closes the connections, its handler and its C parser read the answers. What is left
out is built anew for each request by its session and is the same for all of ours: a request with its headers, the
address taken apart, cookies, redirects, a response. So the head and the body leave in one write.

These parts of aiohttp are public by name but not promised to stay: `fits` says whether they are as they were when this
was written, and what has a proxy, a large body or content to stream goes through the session.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from bulkmail.errors import NOT_SENT, Unreachable

TESTED = ((3, 14), (3, 15))
"""The versions of aiohttp that this was tested with, from and below."""

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


class Line:
    """Kept connections to the origin of `base`, opened and kept by `connector`."""

    def __init__(self, connector: aiohttp.BaseConnector, base: URL, timeout: aiohttp.ClientTimeout) -> None:
        self._connector = connector
        self._timeout = timeout
        self._origin = aiohttp.ClientRequest("GET", base, loop=asyncio.get_running_loop())
        self._host = base.host_port_subcomponent

    def __repr__(self) -> str:
        return f"<Line to {self._origin.url.host}>"

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> "Exchange":
        """To be entered: gives the Head of the answer. Raises ValueError for what would end a line of the head."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None or method in SENDING:
            lines.append(f"Content-Length: {len(body or b'')}")
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1 or "\0" in head:
            raise ValueError("a line of the head of a request holds what would end it")
        return Exchange(self, b"%s\r\n\r\n%s" % (head.encode(), body or b""), method == "HEAD")

    async def open(self) -> aiohttp.connector.Connection:
        """A connection on which nothing is under way. What it raises is noted as NOT_SENT."""
        try:
            return await self._connector.connect(self._origin, [], self._timeout)
        except BaseException as error:
            error.add_note(NOT_SENT)
            raise

    @property
    def stall(self) -> float | None:
        """Seconds that an answer may pause."""
        return self._timeout.sock_read


class Exchange:
    """One exchange on a connection, which is kept if all of the answer was read, and closed else."""

    def __init__(self, line: Line, sent: bytes, bodiless: bool) -> None:  # noqa: FBT001 - a fact of the method
        self._line = line
        self._sent = sent
        self._bodiless = bodiless
        self._connection: aiohttp.connector.Connection | None = None

    async def __aenter__(self) -> Head:
        connection = self._connection = await self._line.open()
        try:
            return await self._begun(connection)
        except HttpProcessingError:
            connection.close()
            raise aiohttp.ClientPayloadError("it is not HTTP") from None
        except BaseException:
            connection.close()
            raise

    async def _begun(self, connection: aiohttp.connector.Connection) -> Head:
        handler, transport = connection.protocol, connection.transport
        if handler is None or transport is None:
            raise Unreachable("the connection was closed before anything was sent")
        handler.set_response_params(
            skip_payload=self._bodiless, read_until_eof=True, read_timeout=self._line.stall, read_bufsize=BUFFER,
            max_line_size=LINE, max_field_size=FIELD, max_headers=FIELDS,
        )  # fmt: skip
        transport.write(self._sent)
        handler.start_timeout()
        for _ in range(EARLY):
            message, content = await handler.read()
            if not 100 <= message.code < 200 or message.code == 101:
                return Head(message.code, message.headers, content)
        raise aiohttp.ClientPayloadError("it does not come to its end")

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._connection is not None:
            (self._connection.release if kind is None else self._connection.close)()
