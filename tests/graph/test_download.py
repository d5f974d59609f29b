"""Content of any size goes to a blob as it comes, and one that breaks off goes on behind what has come."""

import asyncio
from collections.abc import Callable

import pytest

from bulkmail.errors import GraphError, TransportError, Unanswered
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Request, Response
from bulkmail.testing import Scripted, run
from bulkmail.testing.store import MemoryStore

ADA = Mailbox("ada@example.com", 2)
CONTENT = bytes(range(256)) * 4096  # 1 MB


class Pouring:
    """A transport that gives `CONTENT` in pieces, and breaks off after so many bytes of each request."""

    def __init__(self, *breaks: int) -> None:
        self.breaks = list(breaks)
        self.starts: list[int] = []

    async def send(self, request: Request, /) -> Response:
        assert request.into is not None
        assert request.start is not None
        start = request.start()
        self.starts.append(start)
        length = self.breaks.pop(0) if self.breaks else len(CONTENT)
        async with request.into() as take:
            for at in range(start, min(start + length, len(CONTENT)), 10_000):
                await take(CONTENT[at : min(at + 10_000, start + length)])
        if start + length < len(CONTENT):
            raise Unanswered("broken off")
        return Response(200, body={})


def downloaded(service: Pouring | Scripted, most: int = len(CONTENT)) -> bytes:
    store = MemoryStore()
    graph = Graph.of(ADA, service, "https://graph.example/v1.0", store=store)

    blob = run(graph.download("a.bin", "/messages/{}/$value", "a/b", most=most))
    assert blob.bytes == len(store.files["a.bin"])
    return store.files["a.bin"]


def test_in_one_go() -> None:
    service = Pouring()
    assert downloaded(service) == CONTENT
    assert service.starts == [0]


def test_what_breaks_off_goes_on_behind_what_has_come() -> None:
    service = Pouring(300_000, 400_000)
    assert downloaded(service) == CONTENT
    assert service.starts == [0, 300_000, 700_000]


def test_what_hardly_moves_is_given_up() -> None:
    with pytest.raises(Unanswered):
        downloaded(Pouring(300_000, 1_000, 1_000))


def test_what_is_larger_is_given_up_at_once() -> None:
    service = Pouring()
    with pytest.raises(TransportError, match="larger than 999,999 bytes"):
        downloaded(service, 999_999)
    assert service.starts == [0]


def test_of_a_transport_that_has_all_of_it() -> None:
    def answer(request: Request) -> Response:
        assert request.path == "/users/ada@example.com/messages/a%2Fb/$value"
        return Response(200, body=CONTENT)

    assert downloaded(Scripted(answer)) == CONTENT


def test_of_nothing_there_is_an_empty_blob() -> None:
    assert downloaded(Scripted(lambda _: Response(200, body=b""))) == b""


def test_a_blob_is_opened_when_its_first_byte_is_there() -> None:
    store = MemoryStore()

    def answer(_: Request) -> Response:
        assert not store.files
        return Response(404, body={"error": {"code": "ErrorItemNotFound", "message": ""}})

    with pytest.raises(GraphError):
        run(Graph.of(ADA, Scripted(answer), "x", store=store).download("a.bin", "/x", most=1))
    assert not store.files


def test_work_that_blocks_is_done_aside() -> None:
    work: Callable[[int, int], int] = lambda one, other: one + other  # noqa: E731 - its type is what is tested
    assert asyncio.run(Graph.of(ADA, Pouring(), "x").thread(work, 1, 2)) == 3
