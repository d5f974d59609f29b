"""Pre-signed addresses whose host stalls, breaks off, is not there, or says too much: each ends in its own error."""

import asyncio

import pytest
from yarl import URL

from bulkmail.address import Address
from bulkmail.errors import GraphError, OutcomeUnknown, Unanswered, Unreachable
from bulkmail.model import Request
from bulkmail.testing import collect, run
from bulkmail.transport.direct import Directly, _Patience
from tests.transport.presigned import CSV, SECRET, failing, given_up, putting, reading, told
from tests.transport.servers import CHUNKED, JSON, Heard, saying, whole


@pytest.mark.parametrize("raw", [whole(bytes(101), CSV), CHUNKED + b"65\r\n" + bytes(101) + b"\r\n0\r\n\r\n"])
def test_what_is_too_large_is_refused(raw: bytes) -> None:
    error, _ = failing(saying(raw), reading(most=100), Unanswered)
    assert "larger than 100 bytes" in str(error)
    assert told(saying(raw), reading(most=101))[0] == bytes(101)
    sent, _ = failing(saying(raw), putting(), OutcomeUnknown, largest=100)
    assert "larger than 100 bytes" in str(sent)


def test_a_size_is_refused_as_soon_as_it_is_said() -> None:
    error, _ = failing(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"), reading(most=100), Unanswered)
    assert "larger than 100 bytes" in str(error)


def test_what_is_compressed_unasked_is_refused() -> None:
    raw = whole(b"\x1f\x8b", b"Content-Encoding: gzip\r\n")
    error, _ = failing(saying(raw), reading(), Unanswered)
    assert "compressed" in str(error)


STALLED = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize("raw", [b"", STALLED])
def test_an_answer_that_stalls_is_given_up(raw: bytes) -> None:
    failing(saying(raw), reading(), Unanswered, stall=0.02)
    failing(saying(raw), putting(), OutcomeUnknown, stall=0.02)


@pytest.mark.parametrize("raw", [b"", STALLED])
def test_the_whole_has_an_end_as_well(raw: bytes) -> None:
    given_up(saying(raw), reading(), Unanswered)
    given_up(saying(raw), putting(), OutcomeUnknown)


async def endless(_heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Never stalls, and never ends."""
    writer.write(CHUNKED)
    while not writer.is_closing():
        writer.write(b"1\r\nx\r\n")
        await asyncio.sleep(0)


def test_an_answer_that_never_ends_is_given_up_in_time() -> None:
    given_up(endless, reading(most=1 << 60), Unanswered)
    given_up(endless, putting(), OutcomeUnknown)


def test_the_time_of_the_reader_does_not_count() -> None:
    async def main() -> None:
        patience = _Patience(10, URL("https://reports.office.com"))
        await patience.within(asyncio.sleep(4))
        await asyncio.sleep(100)
        await patience.within(asyncio.sleep(4))
        with pytest.raises(Unanswered):
            await patience.within(asyncio.sleep(4))

    run(main())  # on a clock that jumps


def test_reading_can_be_left_off() -> None:
    async def first(there: Directly, address: Address) -> bytes:
        async for chunk in there.read(address, most=1 << 60):
            return chunk
        return b""

    assert told(endless, first)[0].strip(b"x") == b""


def test_an_answer_that_breaks_off_is_no_shorter_one() -> None:
    failing(saying(STALLED, close=True), reading(), Unanswered)
    _, server = failing(saying(b"", close=True), putting(), OutcomeUnknown)
    assert len(server.heard) == 1  # it is not sent again


def test_a_host_that_is_not_there() -> None:
    async def work(there: Directly, address: Address) -> None:
        gone = Address(f"http://127.0.0.1:1/{SECRET}")
        with pytest.raises(Unreachable):
            await collect(there.read(gone, most=9))
        await there.exchange(Request("PUT", "/pre-signed", content=b"", address=gone), gone)

    failing(saying(b""), work, Unreachable, listed=lambda *_: True)


def test_a_proxy_that_is_not_there_is_not_shown_either() -> None:
    """Its address may hold a password."""
    proxy = f"http://ada:{SECRET}@127.0.0.1:1"
    failing(saying(b""), reading(), Unreachable, proxy=lambda _: proxy)
    failing(saying(b""), putting(), Unreachable, proxy=lambda _: proxy)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error":{"code":"ErrorInvalidAuthToken","message":"no %s"}}' % SECRET.encode(), "ErrorInvalidAuthToken"),
        (b'{"error":{"code":"%s","message":""}}' % SECRET.encode(), ""),
        (b'{"error":{"code":"sig","message":""}}', ""),
        (SECRET.encode(), ""),
        (b"", ""),
    ],
)
def test_an_error_has_its_code_and_nothing_that_the_host_says(body: bytes, code: str) -> None:
    reply = saying(whole(body, JSON, b"401 Unauthorized"))
    error, _ = failing(reply, reading(), GraphError)
    assert (error.status, error.code) == (401, code)
    answer, _ = told(reply, putting())
    assert (answer.status, answer.body["error"]["code"]) == (401, code)
    assert SECRET not in repr(answer)


def test_an_error_in_a_good_answer_says_nothing_either() -> None:
    answer, _ = told(saying(whole(b'{"error":{"code":"Bad","message":"%s"}}' % SECRET.encode())), putting())
    assert answer.body["error"]["code"] == "Bad"
    assert SECRET not in repr(answer)


def test_what_did_not_leave_in_time_has_not_begun() -> None:
    """The server takes the connection, and never answers the handshake."""

    async def work(there: Directly, address: Address) -> None:
        secure = Address(address.reveal().replace("http:", "https:"))
        await there.exchange(Request("PUT", "/pre-signed", content=b"", address=secure), secure)

    _, server = failing(saying(b""), work, Unreachable, listed=lambda *_: True, total=0.05)
    assert not server.heard


def test_an_answer_that_is_not_the_json_that_it_claims_to_be() -> None:
    error, _ = failing(saying(whole(b'{"a":')), putting(), OutcomeUnknown)
    assert "not the JSON" in str(error)


def test_an_error_that_is_not_the_json_that_it_claims_to_be_keeps_its_status() -> None:
    answer, _ = told(saying(whole(b'{"a":', JSON, b"404 Not Found")), putting())
    assert (answer.status, answer.body["error"]["code"]) == (404, "")
