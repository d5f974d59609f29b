"""Traces tell how long what took, and of no one: rows in place of addresses, words of Graph in place of ids."""

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import pytest

from bulkmail.app.tracing import route_of, traced, wraps
from bulkmail.errors import Unreachable
from bulkmail.model import Request, Response
from bulkmail.testing import Scripted, run

try:
    THERE = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
except ModuleNotFoundError:
    THERE = False
needs_sdk = pytest.mark.skipif(not THERE, reason="the extra `traces` is not installed")
REQUEST = Request("PATCH", "/users/ada%40contoso.com/mailboxSettings?$select=x", "ada@contoso.com", row=7)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/users/ada%40contoso.com/mailboxSettings?$select=id", "/users/{id}/mailboxSettings"),
        ("/users/ada/messages/AAMkAG=/attachments/$count", "/users/{id}/messages/{id}/attachments/$count"),
        ("/$batch", "/$batch"),
        ("/users?$filter=mail eq 'x'", "/users"),
        ("/groups/4711-0/transitiveMembers", "/groups/{id}/transitiveMembers"),
    ],
)
def test_routes_name_no_one(path: str, route: str) -> None:
    assert route_of(Request("GET", path)) == route


@needs_sdk
def test_a_span_a_request_and_in_it_one_an_attempt() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    above, below = wraps(provider.get_tracer("test"))
    answers = iter([Response(429), Response(200)])

    def answer(request: Request) -> Response:
        if (response := next(answers, None)) is None:
            raise Unreachable(f"no way to {request.mailbox}")
        return response

    wire = below(Scripted(answer))

    class Twice:
        async def send(self, request: Request, /) -> Response:
            await wire.send(request)
            return await wire.send(request)

    assert run(above(Twice()).send(REQUEST)).status == 200
    with pytest.raises(Unreachable):
        run(wire.send(REQUEST))
    first, second, whole, lost = kept.get_finished_spans()
    assert whole.name == "request PATCH /users/{id}/mailboxSettings"
    assert [dict(one.attributes)["http.response.status_code"] for one in (first, second, whole)] == [429, 200, 200]
    assert whole.context is not None
    assert {one.parent.span_id for one in (first, second) if one.parent} == {whole.context.span_id}
    assert (lost.name, dict(lost.attributes)["error.type"]) == (
        "attempt PATCH /users/{id}/mailboxSettings",
        "Unreachable",
    )
    assert "contoso" not in "".join(one.to_json() for one in kept.get_finished_spans())
    assert dict(whole.attributes)["bulkmail.row"] == 7


def test_without_an_address_of_a_collector_nothing_is_wrapped() -> None:
    async def main() -> bool:
        service = Scripted(ok)
        async with traced({}) as (above, below):
            return above(service) is service and below(service) is service

    assert run(main())


def ok(request: Request) -> Response:
    return Response(200)


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    found: list[bytes] = []

    class Keeping(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to the terminal."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Keeping) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", found
        server.shutdown()
        serving.join()


@needs_sdk
def test_a_collector_that_does_not_answer_holds_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with traced(patience=0.01) as (above, _):
            await above(Scripted(ok)).send(REQUEST)

    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        asyncio.run(main())
        assert "did not take all of them in 0.01 s" in caplog.text
    for thread in set(threading.enumerate()) - before:  # what it logs is of no other test
        thread.join(60)


@needs_sdk
def test_a_collector_has_all_when_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with traced(patience=60) as (above, _):
            await above(Scripted(ok)).send(REQUEST)

    with collector() as (address, found):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        asyncio.run(main())
        assert b"request PATCH /users/{id}/mailboxSettings" in b"".join(found)
        assert b"contoso" not in b"".join(found)
