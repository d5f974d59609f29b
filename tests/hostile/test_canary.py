"""The token is in no file of a run and in nothing that it says, wherever the service puts it."""

import asyncio
import json
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from bulkmail.errors import TransportError
from bulkmail.identity.refusal import Failure
from bulkmail.identity.secret import Secret
from bulkmail.identity.settings import credential_from
from bulkmail.model import Request
from bulkmail.transport.wire import WireSettings, wire
from tests.hostile.server import Asked, hang_up, hostile, http
from tests.hostile.tenant import JWT, OPAQUE, granted, tenant

Place = Callable[[str], bytes]


def error(status: str, **members: Any) -> bytes:
    return http({"error": members}, status)


PLACES: dict[str, Place] = {
    "code": lambda token: error("400 Bad Request", code=token, message="no"),
    "message": lambda token: error("403 Forbidden", code="accessDenied", message=f"Authorization: Bearer {token} no"),
    "folded": lambda token: error("404 Not Found", code="x", message="\n".join(re.findall(".{1,76}", token))),
    "behind-much": lambda token: error("400 Bad Request", code="x", message="x " * 1900 + token),
    "quoted": lambda token: error("400 Bad Request", code="x", message=quote(f"Bearer {token}")),
    "inner": lambda token: error("400 Bad Request", code="a", message="b", innerError={"code": token, "id": token}),
    "request-id": lambda token: http({"error": {"code": "a"}}, "400 Bad Request", {"request-id": token}),
    "client-request-id": lambda token: http({"error": {"code": "a"}}, "400 Bad Request", {"client-request-id": token}),
    "retry-after": lambda token: http({"error": {"code": "a"}}, "400 Bad Request", {"Retry-After": token}),
    "location": lambda token: http({}, "302 Found", {"Location": f"https://contoso.com/?t={token}"}),
    "status-line": lambda token: http({}, f"400 {token}"),
    "bad-status-line": lambda token: f"HTTP/1.1 {token}\r\n\r\n".encode(),
    "bad-header": lambda token: f"HTTP/1.1 200 OK\r\n{token}\r\n\r\n".encode(),
    "bad-length": lambda token: f"HTTP/1.1 200 OK\r\nContent-Length: {token}\r\n\r\n".encode(),
    "bad-chunk": lambda token: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{token}\r\n".encode(),
    "next-host": lambda token: http({"value": [], "@odata.nextLink": f"https://{token}/v1.0/users/x/things"}),
    "next-path": lambda token: http({"value": [], "@odata.nextLink": f"http://127.0.0.1/{token}"}),
    "cell": lambda token: http({"value": [{"name": f"Bearer {token}"}]}),
    "page": lambda token: http(f"<html>{token}</html>".encode(), "403 Forbidden", {"Content-Type": "text/html"}),
    "page-ok": lambda token: http(f"<html>{token}</html>".encode(), "200 OK", {"Content-Type": "text/html"}),
    "unauthorized": lambda token: http(
        {"error": {"code": token, "message": token}}, "401 No", {"WWW-Authenticate": f'Bearer claims="{token}"'}
    ),
}  # fmt: skip


LOST = ("bad-status-line", "bad-header", "bad-length", "bad-chunk", "client-request-id", "page-ok")
"""Places in what is no answer at all; a service that gives only these is not asked for long."""


def echoing(place: Place) -> Callable[[Asked, socket.socket], None]:
    """A Graph that puts the very token that it was sent into a place."""

    def answer(asked: Asked, connected: socket.socket) -> None:
        token = asked.headers["authorization"].partition(" ")[2]
        connected.sendall(place(token))
        hang_up(connected)

    return answer


def leaks(folder: Path, token: str, *said: str) -> list[str]:
    """Where a token stands, or enough of one to be used: half of it, or its signature."""
    pieces = (token[: len(token) // 2].encode(), token[-20:].encode())
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    texts = files | {f"said {number}": text.encode() for number, text in enumerate(said)}
    return [name for name, text in texts.items() if any(piece in text for piece in pieces)]


@pytest.fixture(params=[JWT, OPAQUE], ids=["jwt", "opaque"])
def token(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("batch", ["plain", "batch"])
def test_a_token_that_the_service_says_back_is_nowhere(tmp_path: Path, token: str, batch: str) -> None:
    """Each mailbox has its place; all of them are in one run."""
    places = [name for name in PLACES if name not in {"unauthorized", *LOST}]

    def answer(asked: Asked, connected: socket.socket) -> None:
        sent = asked.headers["authorization"].partition(" ")[2]
        if asked.path.endswith("$batch"):
            connected.sendall(_batch(asked, sent))
            return
        echoing(PLACES[asked.path.split("/")[3].partition("@")[0]])(asked, connected)

    more = f"[limits]\nmax_attempts = 1\nmax_failures = 0\nbatch = {str(batch == 'batch').lower()}"
    with tenant(tmp_path, answer, [f"{name}@contoso.com" for name in places], more, token=token) as made:
        done = made.run()
    assert done.code == 3, done.err
    assert len(done.statuses()) == len(places)
    assert leaks(tmp_path, token, done.out, done.err) == []


@pytest.mark.parametrize("place", LOST)
def test_a_token_in_an_answer_that_is_lost_is_nowhere(token: str, place: str) -> None:
    async def play(base: str) -> str:
        request = Request("GET", "/users/ada/things", headers={"Authorization": f"Bearer {token}"})
        async with wire(WireSettings(base, "tests")) as sent:
            try:
                return str(await sent.send(request))
            except TransportError as error:
                return f"{error!r} {error.hint} {error.request_id}{error.client_request_id}"

    with hostile(echoing(PLACES[place])) as server:
        said = asyncio.run(play(f"{server.origin}/v1.0"))
    assert said
    assert token[-20:] not in said


def _batch(asked: Asked, token: str) -> bytes:
    parts = [
        {
            "id": part["id"], "status": 400, "headers": {"request-id": token, "X": token},
            "body": {"error": {"code": f"a {token}", "message": f"Bearer {token}", "innerError": {"code": token}}},
        }
        for part in json.loads(asked.body)["requests"]
    ]  # fmt: skip
    return http({"responses": parts})


@pytest.mark.parametrize("place", ["unauthorized", "message"])
def test_a_token_that_ends_a_run_is_nowhere(tmp_path: Path, token: str, place: str) -> None:
    given: list[Asked] = []

    def post(asked: Asked, connected: socket.socket) -> None:  # a second time, the application is not known any more
        given.append(asked)
        refusal = http(
            {"error": "invalid_client", "error_codes": [700016], "error_description": "AADSTS700016: It is gone."},
            "400 No",
        )
        connected.sendall(granted(token) if len(given) == 1 else refusal)

    with tenant(tmp_path, echoing(PLACES[place]), ["ada@contoso.com"], post=post) as made:
        done = made.run("--log-json")
    assert done.code in (3, 4), done.err
    assert leaks(tmp_path, token, done.out, done.err) == []


SAID_BY_THE_DIRECTORY: dict[str, Place] = {
    "description": lambda said: http({"error": "x", "error_description": f"AADSTS7000215: {said} is wrong."}, "401 No"),
    "codes": lambda said: http({"error": said, "error_codes": [10**400], "error_description": said}, "400 No"),
    "page": lambda said: http(f"<html>{said}</html>".encode(), "502 No"),
    "location": lambda said: http({}, "307 No", {"Location": f"https://127.0.0.2/{said}"}),
    "status-line": lambda said: f"HTTP/1.1 {said}\r\n\r\n".encode(),
    "header": lambda said: f"HTTP/1.1 401 {said}\r\n{said}\r\n\r\n".encode(),
    "length": lambda said: f"HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n".encode(),
    "chunk": lambda said: f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{said}\r\n".encode(),
}


@pytest.mark.parametrize("place", SAID_BY_THE_DIRECTORY)
@pytest.mark.parametrize("proof", ["assertion", "secret"])
def test_a_proof_that_the_directory_says_back_is_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str, proof: str
) -> None:
    caplog.set_level(logging.DEBUG)
    sent: list[str] = []

    def post(asked: Asked, connected: socket.socket) -> None:
        form = parse_qs(asked.body.decode())
        sent.append(form["client_assertion" if proof == "assertion" else "client_secret"][0])
        connected.sendall(SAID_BY_THE_DIRECTORY[place](sent[-1]))
        hang_up(connected)

    with tenant(tmp_path, echoing(PLACES["cell"]), [], post=post) as made:
        settings = made.settings()
        if proof == "secret":
            settings = replace(settings, certificate=None, client_secret=Secret(OPAQUE))
        answer = credential_from(settings)._ask("")
    assert isinstance(answer, Failure)
    assert leaks(tmp_path, sent[0], str(answer), repr(answer.error), answer.error.hint, caplog.text) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """A search that finds nothing ever would be no test."""
    (tmp_path / "failed.csv").write_text(f"x,{JWT}\n")
    assert leaks(tmp_path, JWT, f"and {JWT[-30:]}") == [str(tmp_path / "failed.csv"), "said 0"]
