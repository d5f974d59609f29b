"""Pre-signed addresses: no token, listed hosts only, no redirect, and no error that repeats the address."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from yarl import URL

from bulkmail.address import Address
from bulkmail.errors import NOT_SENT, BulkmailError, GraphError, LinkRefused, Unanswered
from bulkmail.model import Effect, Ending, Request, Response
from bulkmail.streams import Pieces
from bulkmail.testing import MemoryLedger, Scripted
from bulkmail.transport.book import Booking
from bulkmail.transport.direct import Aside, Directly
from bulkmail.transport.plan import Planning
from tests.transport.presigned import CSV, SECRET, Work, failing, putting, reading, told
from tests.transport.rig import unheard
from tests.transport.servers import JSON, Heard, Reply, saying, whole


def test_an_address_is_read_as_it_stands_and_without_a_token() -> None:
    content, server = told(saying(whole(b"a,b\r\n1,2\r\n", CSV)), reading())
    assert content == b"a,b\r\n1,2\r\n"
    (heard,) = server.heard
    assert heard.line == f"GET /{SECRET}/a%2Fb?sig={SECRET}%3d HTTP/1.1"
    assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(heard.headers)
    assert heard.headers["accept-encoding"] == "identity"


def test_content_is_sent_without_a_token_and_the_answer_is_decoded() -> None:
    answer, server = told(
        saying(whole(b'{"NextExpectedRanges":["3-"]}')), putting(headers={"Content-Range": "bytes 0-2/9"})
    )
    assert (answer.status, answer.body) == (200, {"NextExpectedRanges": ["3-"]})
    (heard,) = server.heard
    assert (heard.body, heard.headers["content-range"]) == (b"abc", "bytes 0-2/9")
    assert "authorization" not in heard.headers


def test_content_that_is_made_while_it_leaves_has_its_length_and_is_made_anew_each_time() -> None:
    made = []

    async def read() -> AsyncIterator[bytes]:
        made.append(1)
        yield b"abc"
        yield b"defg"

    async def work(there: Directly, address: Address) -> list[int]:
        request = Request("POST", "/pre-signed", "ada", pieces=Pieces(7, read), effect=Effect.KEYED, address=address)
        return [(await there.exchange(request, address)).status for _ in range(2)]

    statuses, server = told(saying(whole(b"{}")), work)
    assert (statuses, len(made)) == ([200, 200], 2)
    assert {(heard.body, heard.headers["content-length"]) for heard in server.heard} == {(b"abcdefg", "7")}
    assert all("transfer-encoding" not in heard.headers for heard in server.heard)


def test_the_time_that_a_refusal_names_is_told() -> None:
    answer, _ = told(saying(whole(b"", b"Retry-After: 7\r\nX-Other: no\r\n", b"429 Too Many Requests")), putting())
    assert (answer.status, answer.headers) == (429, {"retry-after": "7"})


def test_much_content_comes_in_chunks() -> None:
    async def work(there: Directly, address: Address) -> list[int]:
        return [len(chunk) async for chunk in there.read(address, most=1 << 21)]

    sizes, _ = told(saying(whole(bytes(1_500_000), CSV)), work)
    assert sum(sizes) == 1_500_000
    assert max(sizes) <= 256 * 1024


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.2:{port}/x", "https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "http://127.0.0.1/x",
        "http://127.0.0.1:{port}@evil.example/x", "http://ada:pass@127.0.0.1:{port}/x", "http://evil.example\\@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/x", "//127.0.0.1:{port}/x", "/x", "", "http://", "http://127.0.0.1:{port}/x#y",
        "http://127.0.0.1:{port}/a b", "http://127.0.0.1:{port}/\r\nX: y", "http://127.0.0.1:port/", "http://[::1/",
        "http://127.0.0.1.:{port}/x", "http://localhost:{port}/x",
    ],
)  # fmt: skip
def test_an_address_elsewhere_is_refused_before_anything_is_sent(text: str) -> None:
    def elsewhere(work: Work[Any]) -> Work[Any]:
        async def tried(there: Directly, address: Address) -> None:
            port = URL(address.reveal()).port
            await work(there, Address(f"{text.format(port=port)}{SECRET}"))

        return tried

    error, server = failing(saying(whole(b"")), elsewhere(reading()), LinkRefused)
    assert server.connections == 0
    error, server = failing(saying(whole(b"")), elsewhere(putting()), LinkRefused)
    assert server.connections == 0
    assert NOT_SENT in error.__notes__


@pytest.mark.parametrize("status", [b"301 Moved Permanently", b"302 Found", b"307 Temporary Redirect"])
def test_a_redirect_is_not_followed(status: bytes) -> None:
    reply = saying(whole(b"", b"Location: /%s\r\n" % SECRET.encode(), status))
    error, server = failing(reply, reading(), GraphError)
    assert (error.code, len(server.heard)) == ("RedirectRefused", 1)
    answer, server = told(reply, putting())
    assert (answer.body["error"]["code"], answer.headers, len(server.heard)) == ("RedirectRefused", {}, 1)


def test_the_proxy_is_asked_for_by_the_origin_alone() -> None:
    asked: list[str] = []
    told(saying(whole(b"", CSV)), reading(), proxy=asked.append)
    assert asked
    assert SECRET not in str(asked)


async def ranged(heard: Heard, writer: asyncio.StreamWriter) -> None:
    """Knows ranges, as far as they begin somewhere."""
    first = int(heard.headers.get("range", "bytes=0-")[6:-1])
    head = CSV + b"Content-Range: bytes %d-9/10\r\n" % first
    writer.write(whole(b"0123456789"[first:], head, b"206 Partial Content" if first else b"200 OK"))


@pytest.mark.parametrize("reply", [ranged, saying(whole(b"0123456789", CSV))], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("start", [0, 1, 9])
def test_reading_goes_on_where_it_broke_off(reply: Reply, start: int) -> None:
    content, server = told(reply, reading(start=start))
    assert content == b"0123456789"[start:]
    assert server.heard[0].headers.get("range") == (f"bytes={start}-" if start else None)


def test_another_range_than_was_asked_for_is_refused() -> None:
    raw = whole(b"789", CSV + b"Content-Range: bytes 7-9/10\r\n", b"206 Partial Content")
    failing(saying(raw), reading(start=6), Unanswered)
    failing(saying(raw), reading(), Unanswered)


def test_what_is_asked_of_graph_goes_on_to_the_wrapper_below() -> None:
    service = Scripted(lambda _: Response(204))

    async def work(there: Directly, _address: Address) -> Response:
        return await Aside(service, there).send(Request("GET", "/x"))

    assert told(saying(b""), work)[0].status == 204
    assert [request.path for request in service.requests] == ["/x"]


def guarded(wrap: Callable[[Aside], Any]) -> Work[Any]:
    async def work(there: Directly, address: Address) -> Any:
        below = Aside(Scripted(lambda _: Response(599)), there)
        request = Request("PUT", "/pre-signed", "ada", content=b"abc", effect=Effect.NONE, address=address)
        return await wrap(below).send(request)

    return work


def test_a_run_that_only_plans_sends_nothing() -> None:
    ledger = MemoryLedger()
    answer, server = told(saying(whole(b"{}")), guarded(lambda below: Planning(below, ledger)))
    assert (answer.status, len(ledger.planned), server.connections) == (204, 1, 0)
    assert SECRET not in repr(ledger.planned)
    assert SECRET not in repr(tuple(ledger.planned[0]))


@pytest.mark.parametrize(
    ("status", "ending"),
    [(b"201 Created", Ending.DONE), (b"400 Bad Request", Ending.REFUSED), (b"500 No", Ending.UNKNOWN)],
)
def test_a_write_is_booked_before_it_leaves(status: bytes, ending: Ending) -> None:
    ledger = MemoryLedger()

    async def reply(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        assert len(ledger.intended) == 1
        writer.write(whole(b"{}", JSON, status))

    told(reply, guarded(lambda below: Booking(below, ledger, unheard)))
    assert [ended for _, ended, _ in ledger.ended] == [ending]


def test_a_write_to_another_host_is_not_in_doubt() -> None:
    ledger = MemoryLedger()

    async def work(there: Directly, _address: Address) -> None:
        request = Request(
            "PUT", "/pre-signed", content=b"", effect=Effect.IDEMPOTENT, address=Address("https://x.example/")
        )
        await Booking(Aside(Scripted(lambda _: Response(599)), there), ledger, unheard).send(request)

    failing(saying(b""), work, BulkmailError)
    assert [ended for _, ended, _ in ledger.ended] == [Ending.UNSENT]


@pytest.mark.parametrize("start", [1, 300_000, 699_999, 700_000])
def test_what_came_before_is_passed_over_chunk_by_chunk(start: int) -> None:
    content = bytes(range(250)) * 2_800
    assert told(saying(whole(content, CSV)), reading(start=start))[0] == content[start:]
