"""Exchanges with pre-signed addresses: on listed hosts only, without a token, and no redirect is followed.

The address is a secret. No error repeats it, nor what a library or the host says, which may hold it: an error has the
name of the host, the status and a code. Every exchange has a connection of its own, so that nothing is left on one for
the next.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import orjson
from yarl import URL

from bulkmail.address import Address
from bulkmail.core.odata import error_of
from bulkmail.deadlines import Deadline, Deadlines
from bulkmail.errors import NOT_SENT, GraphError, LinkRefused, OutcomeUnknown, TransportError, Unanswered, Unreachable
from bulkmail.leaving import Leaving, always, ask
from bulkmail.model import NOTHING, Request, Response, Transport
from bulkmail.streams import Pieces, sendable
from bulkmail.text import shown

T = TypeVar("T")

CHUNK = 256 * 1024
"""Bytes of a chunk of what is read, at the most."""

_ADDRESS = re.compile(r"https?://[!$-\[\]-~]+")  # printable ASCII but for ", # and \, which programs read differently
_CODE = re.compile(r"[A-Za-z][A-Za-z.]{0,63}")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class DirectSettings:
    """`listed` says of a scheme, a host and a port whether an address may be there. Times in seconds, sizes in
    bytes."""

    listed: Callable[[str, str, int], bool]
    user_agent: str
    tls: ssl.SSLContext | None = None  # None: the system's certificate authorities
    proxy: Callable[[str], str | None] = lambda _url: None  # proxy for an address, or None
    connections: int = 64
    connect: float = 10.0
    stall: float = 60.0  # no byte for so long
    total: float = 300.0  # of an exchange; while content is read, only the time that the host takes counts
    largest: int = 4 * 1024 * 1024  # of the answer to what was sent
    leaving: Leaving = always  # asked when a request has its connection


class Directly:
    """Reads from pre-signed addresses, and exchanges requests with them; open it with `direct()`."""

    def __init__(self, settings: DirectSettings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session
        self._deadlines = Deadlines(settings.total)

    def __repr__(self) -> str:
        return "<Directly>"

    def stop(self) -> None:
        """No exchange is under way any more."""
        self._deadlines.stop()

    async def read(self, address: Address, /, *, most: int, start: int = 0) -> AsyncIterator[bytes]:
        """See `model.Direct`. A host that does not know ranges sends all, and what lies before `start` is passed over;
        it counts for `most`."""
        url = self._checked(address)
        patience = _Patience(self._settings.total, url)
        headers = {"Range": f"bytes={start}-"} if start else NOTHING
        answer = await patience.within(self._begun("GET", url, headers))
        try:
            if answer.status >= 300:
                refusal = await patience.within(_whole(answer, self._settings.largest, url))
                raise GraphError(answer.status, *_refusal(answer.status, refusal, url))
            passed = _passed_over(answer, start, url)
            _check_size(answer.content_length or 0, most, url)
            taken = 0
            while chunk := await patience.within(answer.content.read(CHUNK)):
                taken += len(chunk)
                _check_size(taken, most, url)
                kept, passed = chunk[passed:], max(0, passed - len(chunk))
                if kept:
                    yield kept
        finally:
            answer.close()

    async def exchange(self, request: Request, address: Address) -> Response:
        """One attempt at a request that goes to `address`; the body of an error has nothing of the address."""
        try:
            url = self._checked(address)
            if request.ready is not None:
                await request.ready()
        except BaseException as error:
            error.add_note(NOT_SENT)
            raise
        try:
            with Deadline(self._deadlines):
                answer = await self._begun(request.method, url, request.headers, request.pieces or request.content)
                try:
                    content = await _whole(answer, self._settings.largest, url)
                finally:
                    answer.close()
        except (aiohttp.ClientError, OSError) as error:
            if NOT_SENT in getattr(error, "__notes__", ()):
                raise Unreachable(f"no connection to {url.host}") from None
            raise _lost(url, error) from None
        return _response(answer, content, url)

    def _checked(self, address: Address) -> URL:
        """Raises LinkRefused, before anything is sent."""
        text = address.reveal()
        try:
            url = URL(text, encoded=True) if _ADDRESS.fullmatch(text) else None
            host, port = (url.host, url.port) if url else ("", 0)
        except ValueError:
            url = None
        if url is None or not host or not port or "@" in url.raw_authority:
            raise LinkRefused("what the service named is not an address; nothing was sent there")
        if not self._settings.listed(url.scheme, host, port):
            name = shown(host if port == _PORTS.get(url.scheme) else f"{host}:{port}")
            raise LinkRefused(f"the service named a pre-signed address on {name}, which the cloud does not list; "
                              "nothing was sent there")  # fmt: skip
        return url

    async def _begun(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str] = NOTHING,
        content: bytes | Pieces | None = None,
    ) -> aiohttp.ClientResponse:
        """The answer up to its body."""
        if isinstance(content, Pieces):
            headers = {**headers, "Content-Length": str(content.size)}
        answer = await self._session.request(
            method, url, data=sendable(content), headers=headers, allow_redirects=False,
            proxy=self._settings.proxy(f"{url.scheme}://{url.raw_authority}"),
        )  # fmt: skip
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            answer.close()
            raise OutcomeUnknown(f"the answer of {url.host} is compressed, which was not asked for")
        return answer


class Aside:
    """Sends what goes to a pre-signed address there, and all else to the wrapper below. It stands under what guards the
    writes and keeps the limits, and above batches and tokens."""

    def __init__(self, inner: Transport, there: Directly) -> None:
        self._inner = inner
        self._there = there

    def send(self, request: Request, /) -> Coroutine[Any, Any, Response]:
        if request.address is None:
            return self._inner.send(request)
        return self._there.exchange(request, request.address)


class _Patience:
    """The seconds that a host may still take. Those in which its content is worked on do not count."""

    def __init__(self, seconds: float, url: URL) -> None:
        self._left = seconds
        self._url = url
        self._loop = asyncio.get_running_loop()

    async def within(self, step: Awaitable[T]) -> T:
        """Raises Unanswered when the time is over or the connection breaks, and Unreachable."""
        begun = self._loop.time()
        try:
            async with asyncio.timeout(self._left):
                return await step
        except (aiohttp.ClientError, OSError, OutcomeUnknown) as error:
            raise Unanswered(str(_lost(self._url, error))) from None
        finally:
            self._left -= self._loop.time() - begun


@asynccontextmanager
async def direct(settings: DirectSettings) -> AsyncIterator[Directly]:
    """Opens the way to pre-signed addresses, and closes it."""
    limits = aiohttp.ClientTimeout(
        total=None, sock_connect=settings.connect, sock_read=settings.stall, connect=settings.total
    )
    async with aiohttp.ClientSession(
        connector=_Asking(
            settings.leaving, limit=settings.connections, ssl=settings.tls or True, force_close=True
        ),
        timeout=limits, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
        headers={"User-Agent": settings.user_agent, "Accept-Encoding": "identity"}, max_line_size=16_384,
        middlewares=(_once,),
    ) as session:  # fmt: skip
        opened = Directly(settings, session)
        try:
            yield opened
        finally:
            opened.stop()


class _Asking(aiohttp.TCPConnector):
    """Asks `leaving` when a request has its connection: aiohttp sends the head in the same step."""

    def __init__(self, leaving: Leaving, **settings: Any) -> None:
        super().__init__(**settings)
        self._leaving = leaving

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **kwargs)
        ask(self._leaving, connection)
        return connection


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """One attempt: aiohttp would send again what ended in errors of its own."""
    try:
        return await send(request)
    except asyncio.CancelledError as cancelled:
        if request.response is None:
            cancelled.add_note(NOT_SENT)
        raise
    except (aiohttp.ClientError, OSError) as error:
        if request.response is None:
            raise Unreachable(f"no connection to {request.url.host}: {type(error).__name__}") from None
        raise _lost(request.url, error) from None


def _lost(url: URL, error: Exception) -> TransportError:
    """What went wrong, in our own words: those of the library may hold the address."""
    if isinstance(error, TransportError):
        return error
    return OutcomeUnknown(f"the answer of {url.host} was lost: {type(error).__name__}")


async def _whole(answer: aiohttp.ClientResponse, largest: int, url: URL) -> bytes:
    content = bytearray()
    async for block in answer.content.iter_any():
        content += block
        if len(content) > largest:
            raise OutcomeUnknown(f"the answer of {url.host} is larger than {largest:,} bytes")
    return bytes(content)


def _check_size(size: int, most: int, url: URL) -> None:
    if size > most:
        raise Unanswered(f"the content on {url.host} is larger than {most:,} bytes")


def _passed_over(answer: aiohttp.ClientResponse, start: int, url: URL) -> int:
    """How many bytes of the content come before `start`. Raises Unanswered for a range that was not asked for."""
    if answer.status != 206:
        return start
    if not start or not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise Unanswered(f"{url.host} answers with a range that was not asked for")
    return 0


def _response(answer: aiohttp.ClientResponse, content: bytes, url: URL) -> Response:
    told = answer.headers.get("Retry-After")
    headers = {"retry-after": told} if told else NOTHING
    body: Any = content or None
    if content and "json" in answer.headers.get("Content-Type", "").lower():
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            if answer.status < 300:
                raise OutcomeUnknown("the answer is not the JSON that it claims to be") from None
    if answer.status >= 300 or (isinstance(body, dict) and "error" in body):
        code, message = _refusal(answer.status, content, url)
        body = {"error": {"code": code, "message": message}}
    return Response(answer.status, headers, body)


def _refusal(status: int, content: bytes, url: URL) -> tuple[str, str]:
    """The code of an error, and what it means; what the host says about it may hold the address."""
    if 300 <= status < 400:
        return "RedirectRefused", "the host of a pre-signed address answered with a redirect, which is not followed"
    try:
        code = error_of(orjson.loads(content))[0]
    except orjson.JSONDecodeError:
        code = ""
    is_word = _CODE.fullmatch(code) and code not in str(url)
    return code if is_word else "", "the host of a pre-signed address refused the request"
