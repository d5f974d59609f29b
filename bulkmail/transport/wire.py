"""The end of the stack: one request, one HTTP exchange. Knows aiohttp and nothing of limits, retries or tokens.

Redirects are not followed, cookies and .netrc are not used, and the address is always the configured endpoint: a token
cannot go anywhere else. aiohttp would repeat an idempotent request by itself when a kept connection turns out closed;
that is prevented, because every attempt has to pass the limiter.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from bulkmail.core.content import content_of
from bulkmail.core.pace.pace import CEILING
from bulkmail.errors import OutcomeUnknown, TransportError, Unreachable
from bulkmail.model import Request, Response
from bulkmail.text import one_line


@dataclass(frozen=True, slots=True)
class WireSettings:
    """`base` is the endpoint with its version, such as `https://graph.microsoft.com/v1.0`. Times in seconds, sizes in
    bytes."""

    base: str
    user_agent: str
    tls: ssl.SSLContext | None = None  # None: the system's certificate authorities
    proxy: Callable[[str], str | None] = lambda _url: None  # proxy for an address, or None
    connections: int = CEILING  # as many as may be in flight: who waited for one would wait where no fence is seen
    connect: float = 10.0
    stall: float = 60.0  # no byte for so long; Graph answers slow calls within a minute or with 504
    total: float = 300.0
    largest: int = 64 * 1024 * 1024  # of one answer, decompressed


class Wire:
    """Sends with a pool of kept connections; open it with `wire()`."""

    def __init__(self, settings: WireSettings, pooled: aiohttp.ClientSession, fresh: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._pooled = pooled
        self._fresh = fresh
        self._proxy = settings.proxy(settings.base)
        self._base = URL(settings.base, encoded=True)
        self._ids = str(uuid4())[:24]  # the rest of a GUID is the number of the attempt: unique, and cheap
        self._sent = count()

    async def send(self, request: Request, /) -> Response:
        sent = f"{self._ids}{next(self._sent):012x}"
        try:
            return await self._exchange(request, sent)
        except TransportError as error:
            error.client_request_id = sent
            raise

    async def _exchange(self, request: Request, sent: str) -> Response:
        """One attempt, named `sent`."""
        session = self._fresh if request.fresh else self._pooled
        headers = CIMultiDict(request.headers)
        headers["client-request-id"] = sent
        data = content_of(request)
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        # The path goes out as it is, with its query. To take the whole address apart each time costs three times this.
        url = self._base.with_path(self._base.raw_path + request.path, encoded=True)
        try:
            async with session.request(
                request.method, url, data=data, headers=headers, allow_redirects=False, proxy=self._proxy
            ) as answer:
                content = await self._read(answer)
        except (aiohttp.ClientError, OSError) as error:
            raise OutcomeUnknown(f"the answer of {url.host} was lost: {_short(error)}") from None
        named = _joined(answer.headers)
        if named.setdefault("client-request-id", sent) != sent:
            raise OutcomeUnknown("the answer belongs to another request")
        if request.raw and answer.status < 300:
            return Response(answer.status, named, content)
        return Response(answer.status, named, _decoded(answer.status, named, content))

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        largest = self._settings.largest
        declared = answer.content_length
        if declared is not None and declared <= largest and "Content-Encoding" not in answer.headers:
            return await answer.read()
        content = bytearray()
        async for block in answer.content.iter_any():
            content += block
            if len(content) > largest:
                answer.close()
                raise OutcomeUnknown(f"an answer is larger than {largest} bytes")
        return bytes(content)


@asynccontextmanager
async def wire(settings: WireSettings) -> AsyncIterator[Wire]:
    """Opens the connections and closes them. After a 503 a repetition wants another connection: that is the second
    pool."""
    limits = aiohttp.ClientTimeout(
        total=settings.total, sock_connect=settings.connect, sock_read=settings.stall, connect=settings.total
    )

    def session(*, fresh: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=settings.connections, ssl=settings.tls or True, ttl_dns_cache=60, force_close=fresh,
        )  # fmt: skip
        return aiohttp.ClientSession(
            connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
            headers={"User-Agent": settings.user_agent, "Accept": "application/json"}, max_line_size=16_384,
            middlewares=(_once,),
        )  # fmt: skip

    async with session(fresh=False) as pooled, session(fresh=True) as fresh:
        yield Wire(settings, pooled, fresh)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """One attempt, and what became of it if it fails: a request that was not handed to a connection never began.

    aiohttp sends again what ended in errors of its own, so none of these may reach it.
    """
    try:
        return await send(request)
    except (aiohttp.ClientError, OSError) as error:
        if request.response is None:
            raise Unreachable(f"no connection to {request.url.host}: {_short(error)}") from None
        raise OutcomeUnknown(f"the answer of {request.url.host} was lost: {_short(error)}") from None


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Names in lower case; the values of a header that came more than once are joined by commas (RFC 9110, 5.3)."""
    named = {name.lower(): value for name, value in headers.items()}
    if len(named) == len(headers):
        return named  # none came twice: nearly every answer
    named.clear()
    for name, value in headers.items():
        lower = name.lower()
        named[lower] = f"{named[lower]}, {value}" if lower in named else value
    return named


def _decoded(status: int, headers: dict[str, str], content: bytes) -> Any:
    """JSON where it is JSON. An answer that should be JSON and is not was cut off, or comes from something in
    between."""
    if not content:
        return None
    if "json" not in headers.get("content-type", "").lower():
        return content
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if status >= 400:
            return content
        raise OutcomeUnknown("the answer is not the JSON that it claims to be") from None


def _short(error: BaseException) -> str:
    """What went wrong, without the address of a proxy, which may hold a password, and on one line."""
    said = f"status {error.status}" if isinstance(error, aiohttp.ClientResponseError) else str(error)
    return one_line(f"{type(error).__name__}: {said}").rstrip(": ")
