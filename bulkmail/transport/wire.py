"""The end of the stack: one request, one HTTP exchange. Knows aiohttp and nothing of limits, retries or tokens.

Redirects are not followed, cookies and .netrc are not used, and the address is always the configured endpoint: a token
cannot go anywhere else, and what was sent as Authorization never comes back in an answer. aiohttp would repeat an
idempotent request by itself when a kept connection turns out closed; that is prevented, because every attempt has to
pass the limiter.

An answer belongs to its request by the order on its connection and by the `client-request-id` that the service repeats.
A connection on which more came than was asked for is not used again; and once the service has repeated an id, an answer
on a kept connection that has none is not believed.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import uuid4

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from bulkmail.core.content import content_of
from bulkmail.core.pace.pace import CEILING
from bulkmail.deadlines import Deadline, Deadlines
from bulkmail.errors import NOT_SENT, OutcomeUnknown, TransportError, Unreachable
from bulkmail.leaving import Leaving, always, ask
from bulkmail.model import Request, Response
from bulkmail.streams import Into, sendable
from bulkmail.text import shown
from bulkmail.transport.line import LINE, Head, Line, fits, line_to

LONG = 1 << 20
"""Bytes of a body from which on a request may take the whole time."""

CHUNK = 128 * 1024
"""Bytes of a chunk of what is given away as it comes, at the most."""

SLOWEST = 1 << 20
"""Bytes that have to come in the time that a long exchange may take; then it has that time again."""

VALUES = 2_000_000
"""Values of one JSON answer: far more than a page of 999 items has, and a few hundred megabytes as objects."""

SHORTEST = 16
"""Characters of a token that is looked for in answers; a shorter one could be a word."""

REQUEST_ID = "request-id"
"""What stands in place of a body that was given away: what the service calls the request."""

PARTIAL, NOTHING_BEHIND = 206, 416
"""Answers with a range of the content, and to a range that begins behind its end."""

Answer: TypeAlias = Head | aiohttp.ClientResponse

_OPEN = frozenset({401, 407, 408, 429})
"""Refusals that concern no mailbox and change nothing: they may come from something in between, which knows no ids."""


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
    total: float = 300.0  # with a large body, or one that is asked for as it is
    small: float = 100.0  # any other exchange; the service itself gives up after one minute
    largest: int = 64 * 1024 * 1024  # of one answer, decompressed
    lean: bool = True  # exchanges by `line` where they can be
    ids: str = ""  # what the ids of requests begin with: see `new_ids`
    leaving: Leaving = always  # asked when a request has its connection


def new_ids() -> str:
    """Half of a GUID: the rest of it is the number of the attempt, which is unique, and cheap."""
    return str(uuid4())[:24]


class Wire:
    """Sends with a pool of kept connections; open it with `wire()`."""

    def __init__(
        self, settings: WireSettings, pooled: aiohttp.ClientSession, fresh: aiohttp.ClientSession, line: Line | None
    ) -> None:
        self._settings = settings
        self._pooled = pooled
        self._fresh = fresh
        self._line = line
        self._proxy = settings.proxy(settings.base)
        self._base = URL(settings.base, encoded=True)
        self._long, self._short = Deadlines(settings.total), Deadlines(min(settings.small, settings.total))
        self._given_back = False  # the service repeats ids
        self._ids = settings.ids or new_ids()
        self.sent = 0  # attempts: the next one is named by it

    async def send(self, request: Request, /) -> Response:
        sent = f"{self._ids}{self.sent:012x}"
        self.sent += 1
        try:
            return await self._exchange(request, sent)
        except TransportError as error:
            error.client_request_id = sent
            raise

    def stop(self) -> None:
        """No request is under way any more."""
        self._long.stop()
        self._short.stop()

    async def _exchange(self, request: Request, sent: str) -> Response:
        """One attempt, named `sent`."""
        headers = CIMultiDict(request.headers)
        headers["client-request-id"] = sent
        data = content_of(request)
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        start = 0 if request.start is None else request.start()
        if request.start is not None:
            headers["Accept-Encoding"] = "identity"  # a range is one of what is encoded
        if start:
            headers["Range"] = f"bytes={start}-"
        long = request.raw or request.into is not None or (data is not None and len(data) > LONG)
        line = None if long or request.fresh else self._line
        try:
            with Deadline(self._long if long else self._short) as deadline:
                async with self._ahead(line, request, headers, data) as answer:
                    if request.into is not None and _is_content(answer, start):
                        return await self._pour(answer, request, request.into, start, headers, deadline)
                    content = await self._read(answer)
        except (aiohttp.ClientError, OSError) as error:
            host = self._base.host
            if NOT_SENT in getattr(error, "__notes__", ()):
                raise Unreachable(f"no connection to {host}: {_said(error, headers)}") from None
            raise OutcomeUnknown(f"the answer of {host} was lost: {_said(error, headers)}") from None
        named = _joined(answer.headers)
        self._check_id(request, answer.status, named, sent)
        if secret := _secret(headers):
            content, named = _without(secret, content, named)
        if request.raw and answer.status < 300:
            return Response(answer.status, named, content)
        return Response(answer.status, named, _decoded(answer.status, named, content))

    def _ahead(
        self, line: Line | None, request: Request, headers: CIMultiDict[str], data: bytes | None
    ) -> AbstractAsyncContextManager[Answer]:
        """The exchange, to be entered."""
        if line is not None:
            return line.exchange(request.method, self._base.raw_path + request.path, headers, data)
        session = self._fresh if request.fresh else self._pooled
        # The path goes out as it is, with its query. To take the whole address apart each time costs three times this.
        url = self._base.with_path(self._base.raw_path + request.path, encoded=True)
        return session.request(
            request.method, url, data=sendable(data), headers=headers, allow_redirects=False, proxy=self._proxy
        )

    def _check_id(self, request: Request, status: int, headers: dict[str, str], sent: str) -> None:
        """Raises OutcomeUnknown for an answer that is another request's, or may be."""
        given = headers.setdefault("client-request-id", "")
        if given == sent:
            self._given_back = True
        elif given:
            raise OutcomeUnknown("the answer belongs to another request")
        elif self._given_back and not request.fresh and status < 500 and status not in _OPEN:
            raise OutcomeUnknown("the answer does not say to which request it belongs")
        headers["client-request-id"] = sent

    async def _pour(
        self,
        answer: Answer,
        request: Request,
        into: Into,
        start: int,
        headers: Mapping[str, str],
        deadline: Deadline,
    ) -> Response:
        """Gives the body away as it comes: memory holds a chunk of it, however long it is. What lies before `start` is
        passed over, where the service sends all the same."""
        named = _joined(answer.headers)
        self._check_id(request, answer.status, named, headers["client-request-id"])
        if answer.status == NOTHING_BEHIND:
            return Response(200, named, {})
        passing, since, guard = _passed_over(answer, start), 0, _Guard(_secret(headers))
        async with into() as take:
            async for block in answer.content.iter_chunked(CHUNK):
                guard.check(block)
                if rest := block[passing:]:
                    await take(rest)
                passing, since = max(0, passing - len(block)), since + len(block)
                if since > SLOWEST:
                    deadline.renew()
                    since = 0
        return Response(answer.status, named, {REQUEST_ID: named.get(REQUEST_ID, "")})

    async def _read(self, answer: Answer) -> bytes:
        """The whole body. Raises OutcomeUnknown for one that is too large."""
        largest = self._settings.largest
        declared = answer.headers.get("Content-Length")
        if declared is not None and int(declared) <= largest and "Content-Encoding" not in answer.headers:
            return await answer.content.read()
        content = bytearray()
        async for block in answer.content.iter_any():
            content += block
            if len(content) > largest:
                raise OutcomeUnknown(f"an answer is larger than {largest} bytes")
        return bytes(content)


@asynccontextmanager
async def wire(settings: WireSettings) -> AsyncIterator[Wire]:
    """Opens the connections and closes them. After a 503 a repetition wants another connection: that is the second
    pool."""
    # The whole is bounded by deadlines of ours: a timer for each request costs a twelfth of it.
    limits = aiohttp.ClientTimeout(
        total=None, sock_connect=settings.connect, sock_read=settings.stall, connect=settings.total
    )

    common = {"User-Agent": settings.user_agent, "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}

    def session(*, fresh: bool) -> aiohttp.ClientSession:
        connector = _Quiet(
            settings.leaving, limit=settings.connections, ssl=settings.tls or True, ttl_dns_cache=60,
            force_close=fresh,
        )  # fmt: skip
        return aiohttp.ClientSession(
            connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
            headers=common, max_line_size=LINE, middlewares=(_once,),
        )  # fmt: skip

    lean = settings.lean and fits() and settings.proxy(settings.base) is None
    base, connections = URL(settings.base, encoded=True), settings.connections
    direct = line_to(base, common, limits, connections, settings.tls, settings.leaving) if lean else nullcontext()
    async with session(fresh=False) as pooled, session(fresh=True) as fresh, direct as line:
        opened = Wire(settings, pooled, fresh, line)
        try:
            yield opened
        finally:
            opened.stop()


class _Quiet(aiohttp.TCPConnector):
    """Uses a kept connection again only if nothing came on it while it was kept: that would be taken for the answer to
    the next request. `leaving` is asked at last: aiohttp sends the head in the same step."""

    def __init__(self, leaving: Leaving, **settings: Any) -> None:
        super().__init__(**settings)
        self._leaving = leaving

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(*args, **kwargs)
            if connection.protocol is None or not connection.protocol.should_close:
                ask(self._leaving, connection)
                return connection
            connection.close()


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """One attempt, and what became of it if it fails: a request that was not handed to a connection never began.

    aiohttp sends again what ended in errors of its own, so none of these may reach it.
    """
    try:
        return await send(request)
    except asyncio.CancelledError as cancelled:
        if request.response is None:
            cancelled.add_note(NOT_SENT)
        raise
    except (aiohttp.ClientError, OSError) as error:
        if request.response is None:
            raise Unreachable(f"no connection to {request.url.host}: {_said(error, request.headers)}") from None
        raise OutcomeUnknown(f"the answer of {request.url.host} was lost: {_said(error, request.headers)}") from None


def _is_content(answer: Answer, start: int) -> bool:
    """Whether an answer is what was asked for, or says that all of it has come before. A page without a `request-id` is
    that of a portal or a proxy."""
    if answer.status == NOTHING_BEHIND:
        return start > 0 and answer.headers.get("Content-Range", "") == f"bytes */{start}"
    is_page = "html" in answer.headers.get("Content-Type", "").lower() and "request-id" not in answer.headers
    return answer.status in (200, PARTIAL) and not is_page


class _Guard:
    """Looks for the token that was sent in an answer that is given away piece by piece."""

    def __init__(self, secret: str) -> None:
        self._sought = secret.encode()
        self._mark = b"." if b"." in self._sought else self._sought[:1]  # no base64 has the first: that is soon seen
        self._end = b""

    def check(self, block: bytes) -> None:
        """Raises OutcomeUnknown before a whole token is given away: no content of Graph holds one."""
        if not self._sought:
            return
        if self._mark not in block and self._mark not in self._end and len(block) >= len(self._sought):
            self._end = block[-len(self._sought) :]
            return
        seen = self._end + block
        if self._sought in seen:
            raise OutcomeUnknown("the answer repeats the token")
        self._end = seen[-len(self._sought) :]


def _passed_over(answer: Answer, start: int) -> int:
    """How many bytes of the answer come before `start`. Raises OutcomeUnknown for a range that was not asked for."""
    if answer.status != PARTIAL:
        return start
    if not start or not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise OutcomeUnknown("the service answers with a range that was not asked for")
    return 0


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
    if len(content) > VALUES and sum(map(content.count, (b",", b"[", b"{"))) > VALUES:
        raise OutcomeUnknown(f"an answer holds more than {VALUES:,} values")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if status >= 400:
            return content
        raise OutcomeUnknown("the answer is not the JSON that it claims to be") from None


def _secret(headers: Mapping[str, str]) -> str:
    """The token of a request; empty where there is none."""
    token = headers.get("Authorization", "").partition(" ")[2]
    return token if len(token) >= SHORTEST else ""


def _without(secret: str, content: bytes, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """An answer in which the token that was sent does not stand."""
    if any(secret in value for value in headers.values()):
        headers = {name: value.replace(secret, "") for name, value in headers.items()}
    sought = secret.encode()
    return content.replace(sought, b"...") if sought in content else content, headers


def _said(error: BaseException, headers: Mapping[str, str]) -> str:
    """What went wrong, without the address of a proxy, which may hold a password, and without the token."""
    text = f"status {error.status}" if isinstance(error, aiohttp.ClientResponseError) else str(error)
    text = text.replace(secret, "") if (secret := _secret(headers)) else text
    return shown(f"{type(error).__name__}: {text}").rstrip(": ")
