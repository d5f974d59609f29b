"""A service that answers what was not asked, or with more than can be held, misleads no mailbox."""

import asyncio
from typing import Any

import pytest

from bulkmail.core.odata import ids_of
from bulkmail.errors import OutcomeUnknown, TransportError
from bulkmail.model import Request, Response
from bulkmail.transport.wire import VALUES, WireSettings, wire
from tests.patient import patiently
from tests.transport.servers import Heard, serving, whole

ADA, ALAN = (Request("GET", f"/users/{name}/things", name) for name in ("ada", "alan"))


def named(heard: Heard, body: bytes) -> bytes:
    """An answer that repeats the id of its request, as Graph does."""
    head = b"Content-Type: application/json\r\nclient-request-id: %s\r\n" % heard.headers["client-request-id"].encode()
    return whole(body, head)


async def answers(base: str, *requests: Request, pause: float = 0.0, **settings: Any) -> list[Any]:
    """The body of the answer to each request, one after another, or its error."""
    found: list[Any] = []
    async with wire(WireSettings(base, "tests", **settings)) as sent:
        for request in requests:
            try:
                found.append((await sent.send(request)).body)
            except TransportError as error:
                found.append(error)
            await asyncio.sleep(pause)
    return found


@pytest.mark.parametrize("moment", [0.0, 0.02], ids=["at-once", "late"])
def test_a_second_answer_is_not_given_to_the_next_mailbox(moment: float) -> None:
    async def play(late: float) -> list[Any]:
        async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
            owner = heard.line.split("/")[3].encode()
            writer.write(whole(b'{"of":"%s"}' % owner))
            if late:
                await writer.drain()
                await asyncio.sleep(late)
            writer.write(whole(b'{"of":"%s"}' % owner))

        async with serving(reply) as server:
            return await answers(server.base, ADA, ALAN, ADA, pause=2 * late)

    def owners(times: int) -> None:
        assert asyncio.run(play(moment * times)) == [{"of": "ada"}, {"of": "alan"}, {"of": "ada"}]

    patiently(owners)


def test_an_answer_without_an_id_is_not_believed_where_the_service_gives_them() -> None:
    async def play() -> tuple[list[Any], int]:
        async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(named(heard, b'{"of":"ada"}') if heard.place == 0 else whole(b'{"of":"ada"}'))

        async with serving(reply) as server:
            return await answers(server.base, ADA, ALAN, ALAN._replace(fresh=True)), server.connections

    (first, second, third), connections = asyncio.run(play())
    assert first == {"of": "ada"}
    assert isinstance(second, OutcomeUnknown)
    assert third == {"of": "ada"}  # a connection of its own has no other answers
    assert connections == 2


@pytest.mark.parametrize(
    ("status", "believed"), [(b"429 No", True), (b"401 No", True), (b"503 No", True), (b"404 No", False)]
)
def test_a_gateway_that_knows_no_ids_may_refuse_all_the_same(status: bytes, believed: bool) -> None:
    async def play() -> list[Any]:
        async def reply(heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(named(heard, b"{}") if heard.place == 0 else whole(b"{}", status=status))

        async with serving(reply) as server:
            return await answers(server.base, ADA, ALAN)

    assert isinstance(asyncio.run(play())[1], OutcomeUnknown) is not believed


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"0,"], ids=["lists", "objects", "numbers"])
def test_an_answer_of_too_many_values_is_not_unpacked(piece: bytes) -> None:
    async def play() -> list[Any]:
        async def reply(_heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(whole(b"[" + piece * VALUES + b"0]"))

        async with serving(reply) as server:
            return await answers(server.base, ADA)

    (error,) = asyncio.run(play())
    assert str(error) == "an answer holds more than 2,000,000 values"


def test_a_small_answer_that_drips_is_given_up_before_a_large_one() -> None:
    async def play(times: int) -> list[Any]:
        async def reply(_heard: Heard, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
            for _ in range(12):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.03 * times)

        async with serving(reply) as server:
            return await answers(server.base, ADA, ADA._replace(raw=True), small=0.1 * times, total=60)

    def given_up(times: int) -> None:
        error, raw = asyncio.run(play(times))
        assert isinstance(error, OutcomeUnknown)
        assert raw == b" " * 12

    patiently(given_up)


@pytest.mark.parametrize("text", ["eyJ0eXAiOiJKV1QifQ.e30.c2ln", "a b", "x" * 65, "a\nb", ""])
def test_an_id_has_the_form_of_one(text: str) -> None:
    assert ids_of(Response(400, {"request-id": text}, None))["request_id"] == ""


def test_the_ids_of_the_service_are_kept() -> None:
    guid = "7d0a3f6e-0000-4000-8000-00000000000a"
    assert ids_of(Response(400, {"request-id": guid, "client-request-id": guid}, None)) == {
        "request_id": guid, "client_request_id": guid,
    }  # fmt: skip
