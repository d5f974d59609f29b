"""A body that goes away as it comes: whole, in ranges, from services that know ranges and from those that do not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bulkmail.errors import OutcomeUnknown
from bulkmail.model import Request, Response
from bulkmail.streams import Take
from bulkmail.transport.wire import CHUNK, SLOWEST, WireSettings, wire
from tests.patient import patiently
from tests.transport.servers import Heard, Reply, serving

CONTENT = b"0123456789" * 50_000


class Sink:
    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.largest = 0
        self.errors: list[str] = []

    @asynccontextmanager
    async def into(self) -> AsyncIterator[Take]:
        async def take(chunk: bytes) -> None:
            self.content += chunk
            self.largest = max(self.largest, len(chunk))

        try:
            yield take
        except BaseException as error:
            self.errors.append(type(error).__name__)
            raise

    def request(self) -> Request:
        return Request("GET", "/x/$value", "ada", raw=True, into=self.into, start=lambda: len(self.content))


def head(line: str, content: bytes, *headers: str, length: int | None = None) -> bytes:
    told = "".join(f"{header}\r\n" for header in ("request-id: 1", *headers))
    return (
        f"HTTP/1.1 {line}\r\n{told}Content-Length: {len(content) if length is None else length}\r\n\r\n".encode()
        + content
    )


def poured(sink: Sink, reply: Reply, *, attempts: int = 1, total: float = 5.0) -> tuple[list[Heard], Response | None]:
    async def main() -> tuple[list[Heard], Response | None]:
        async with (
            serving(reply) as server,
            wire(WireSettings(server.base, "t", stall=5, connect=5, total=total)) as sender,
        ):
            answer = None
            for left in reversed(range(attempts)):
                try:
                    answer = await sender.send(sink.request())
                except OutcomeUnknown:
                    if not left:
                        raise
            return server.heard, answer

    return asyncio.run(main())


def replying(make: Callable[[Heard], bytes]) -> Reply:
    async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(make(heard))

    return reply


def test_a_whole_one_in_chunks() -> None:
    sink = Sink()
    heard, answer = poured(sink, replying(lambda _: head("200 OK", CONTENT)))
    assert answer is not None
    assert answer.status == 200
    assert not isinstance(answer.body, bytes)
    assert sink.content == CONTENT
    assert sink.largest <= CHUNK
    assert "range" not in heard[0].headers
    assert heard[0].headers["accept-encoding"] == "identity"


def ranged(heard: Heard) -> bytes:
    """What a service that knows ranges says; its first answer breaks off."""
    if "range" not in heard.headers:
        return head("200 OK", CONTENT[:200_000], length=len(CONTENT))
    start = int(heard.headers["range"].removeprefix("bytes=").rstrip("-"))
    return head("206 Partial", CONTENT[start:], f"Content-Range: bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")


async def breaking(make: Callable[[Heard], bytes], heard: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(make(heard))
    await writer.drain()
    if "range" not in heard.headers:
        writer.close()


def test_one_that_broke_off_goes_on_at_its_range() -> None:
    sink = Sink()
    heard, _ = poured(sink, lambda one, writer: breaking(ranged, one, writer), attempts=2)
    assert sink.content == CONTENT
    assert heard[1].headers["range"] == "bytes=200000-"
    assert len(sink.errors) == 1


def unranged(heard: Heard) -> bytes:
    return head("200 OK", CONTENT if "range" in heard.headers else CONTENT[:200_000], length=len(CONTENT))


def test_where_the_service_knows_no_ranges_what_has_come_is_passed_over() -> None:
    sink = Sink()
    poured(sink, lambda one, writer: breaking(unranged, one, writer), attempts=2)
    assert sink.content == CONTENT


@pytest.mark.parametrize("told", ["", "bytes 0-499999/500000", "bytes 100-499999/500000"])
def test_a_range_that_was_not_asked_for_is_not_taken(told: str) -> None:
    sink = Sink(CONTENT[:1000])
    with pytest.raises(OutcomeUnknown, match="a range that was not asked for"):
        poured(sink, replying(lambda _: head("206 Partial", CONTENT[1000:], f"Content-Range: {told}")))
    assert sink.content == CONTENT[:1000]


def test_a_range_without_having_asked_for_one() -> None:
    sink = Sink()
    with pytest.raises(OutcomeUnknown, match="a range that was not asked for"):
        poured(sink, replying(lambda _: head("206 Partial", CONTENT, "Content-Range: bytes 0-499999/500000")))
    assert sink.content == b""


def test_nothing_is_behind_what_has_come() -> None:
    sink = Sink(CONTENT)
    _, answer = poured(sink, replying(lambda _: head("416 Range", b"", f"Content-Range: bytes */{len(CONTENT)}")))
    assert answer is not None
    assert answer.status == 200
    assert sink.content == CONTENT


@pytest.mark.parametrize(
    "said",
    [
        head("416 Range", b"", "Content-Range: bytes */7"),
        head("404 Not Found", b'{"error": {"code": "ErrorItemNotFound"}}', "Content-Type: application/json"),
        head("200 OK", b"<html>sign in</html>", "Content-Type: text/html").replace(b"request-id: 1\r\n", b""),
    ],
)
def test_what_is_not_content_is_not_taken(said: bytes) -> None:
    sink = Sink(b"123")
    _, answer = poured(sink, replying(lambda _: said))
    assert answer is not None
    assert answer.body != {}
    assert sink.content == b"123"


def test_one_that_moves_has_as_long_as_it_takes() -> None:
    """Three times as long as an exchange may take, while a megabyte comes in less."""

    def moving(times: int) -> None:
        async def slow(_: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(head("200 OK", b"", length=4 * (SLOWEST + CHUNK)))
            for _step in range(4):
                writer.write(bytes(SLOWEST + CHUNK))
                await writer.drain()
                await asyncio.sleep(0.06 * times)

        sink = Sink()
        poured(sink, slow, total=0.15 * times)
        assert len(sink.content) == 4 * (SLOWEST + CHUNK)

    patiently(moving)


def test_one_that_only_drips_is_given_up() -> None:
    async def drip(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", b"", length=100_000))
        while not writer.is_closing():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    def given_up(times: int) -> None:
        with pytest.raises(OutcomeUnknown, match="it took"):
            poured(Sink(), drip, total=0.2 * times)

    patiently(given_up)


def test_what_the_taker_raises_comes_out() -> None:
    class Full(Exception):
        pass

    @asynccontextmanager
    async def into() -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
        async def take(_: bytes) -> None:
            raise Full

        yield take

    sink = Sink()
    sink.into = into  # type: ignore[method-assign]
    with pytest.raises(Full):
        poured(sink, replying(lambda _: head("200 OK", CONTENT)))


@pytest.mark.parametrize("at", [0, 1000, CHUNK - 30, CHUNK - 20, CHUNK - 10, CHUNK - 1, CHUNK, CHUNK + 5])
@pytest.mark.parametrize("around", [CONTENT, b"A" * 3 * CHUNK], ids=["bytes", "letters"])
def test_a_token_that_comes_back_is_not_given_away(at: int, around: bytes) -> None:
    secret = b"eyJ0eXAiOiJKV1Qi.c4n4ry.signature"
    sink = Sink()
    request = sink.request().with_headers({"Authorization": f"Bearer {secret.decode()}"})
    sink.request = lambda: request  # type: ignore[method-assign]
    content = around[:at] + secret + around[at:]
    with pytest.raises(OutcomeUnknown, match="repeats the token"):
        poured(sink, replying(lambda _: head("200 OK", content)))
    assert secret not in sink.content


def test_content_in_which_a_token_could_have_begun_is_whole() -> None:
    sink, content = Sink(), b"a.b" * CHUNK
    request = sink.request().with_headers({"Authorization": "Bearer eyJ0eXAiOiJKV1Qi.c4n4ry.signature"})
    sink.request = lambda: request  # type: ignore[method-assign]
    poured(sink, replying(lambda _: head("200 OK", content)))
    assert sink.content == content
