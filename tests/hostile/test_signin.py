"""A directory that never ends, or says too much, holds up neither the sign-in nor the end of the program.

Without a limit each of these would take minutes, or for ever: the time-out of a test tells.
"""

import base64
import gzip
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bulkmail.identity.channel import LARGEST, Channel, NoAnswer
from bulkmail.identity.refusal import Failure, Names, refused
from bulkmail.text import SEARCHED
from tests.forked import start
from tests.hostile.server import Answer, Asked, drip, hostile, http
from tests.hostile.tenant import tenant
from tests.identity.fakes import make_authority

NAMES = Names("login.contoso.com", "contoso.com", "id")
TOTAL = 0.4
"""Seconds that an attempt may take here."""


def asked_of(folder: Path, answer: Answer, *, total: float = TOTAL, silent: bool = False) -> Failure:
    """What an attempt comes to. A `silent` server does not even shake hands."""
    ca_file, server_file = make_authority(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server_file)
    with hostile(answer, None if silent else tls) as server:
        login = f"https://{server.origin.partition('://')[2]}"
        channel = Channel(NAMES, login, ssl.create_default_context(cafile=ca_file), total=total)
        with pytest.raises(NoAnswer) as caught:
            channel.post(f"{login}/token", data={"client_secret": "x"})
        channel.close()
        return caught.value.failure


def saying(content: Callable[[], bytes], *, pause: float = 0.0) -> Answer:
    def answer(_asked: Asked, connected: socket.socket) -> None:
        if pause:
            drip(connected, content(), pause)
        else:
            connected.sendall(content())

    return answer


ENDLESS = {
    "status line": lambda: b"HTTP/1.1 200 " + b"O" * 60_000,
    "header": lambda: b"HTTP/1.1 200 OK\r\nA: " + b"b" * 60_000,
    "body": lambda: b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b" " * 60_000,
    "chunk": lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 10_000,
    "continue": lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 3_000,
}


@pytest.mark.parametrize("where", ENDLESS)
def test_a_directory_that_drips_is_given_up(tmp_path: Path, where: str) -> None:
    failure = asked_of(tmp_path, saying(ENDLESS[where], pause=0.02))
    assert (str(failure.error), failure.transient) == ("login.contoso.com does not answer in time", True)


def test_a_handshake_that_never_ends_is_given_up(tmp_path: Path) -> None:
    failure = asked_of(tmp_path, saying(lambda: b""), silent=True)
    assert failure.transient


@pytest.mark.parametrize(
    "content",
    [
        lambda: http(b" " * (LARGEST + 1) + b"{}"),
        lambda: http(gzip.compress(b" " * 50_000_000 + b"{}"), headers={"Content-Encoding": "gzip"}),
        lambda: http(b" " * 99, headers={"Content-Encoding": ", ".join(["gzip"] * 500)}),
    ],
    ids=["blanks", "bomb", "links"],
)
def test_an_answer_that_is_too_large_is_not_read(tmp_path: Path, content: Callable[[], bytes]) -> None:
    failure = asked_of(tmp_path, saying(content), total=300)
    assert str(failure.error) == "login.contoso.com answers, but not as a directory does"


def test_a_description_of_blanks_costs_no_more_than_its_first_part() -> None:
    """It took minutes: each blank was a place where the code could have begun."""
    said = refused(400, {}, {"error_description": " " * 400_000 + "AADSTS50012: no"}, NAMES)
    assert str(said.error) == "login.contoso.com gives no token: HTTP status 400"
    within = refused(400, {}, {"error_description": " " * (SEARCHED - 50) + "AADSTS50012: It is wrong. x"}, NAMES)
    assert within.error.code == "AADSTS50012"


@pytest.mark.parametrize("code", [10**400, -1, True, 0])
def test_a_code_that_is_not_one_is_none(code: int) -> None:
    assert (
        refused(400, {}, {"error_codes": [code], "error_description": "AADSTS" + "9" * 5_000}, NAMES).error.code == ""
    )


def test_a_run_whose_sign_in_drips_ends_when_it_is_told_to(tmp_path: Path) -> None:
    def post(_asked: Asked, connected: socket.socket) -> None:
        drip(connected, ENDLESS["header"](), 0.05)

    with tenant(tmp_path, saying(lambda: b""), ["ada@contoso.com"], post=post) as made:
        started = made.start()
        started.until(lambda: any(asked.method == "POST" for asked in made.directory.heard))
        started.send(signal.SIGINT)
        assert started.wait() == 130
    assert "Traceback" not in started.err


def test_a_second_interrupt_ends_a_sign_in_at_once(tmp_path: Path) -> None:
    def post(_asked: Asked, connected: socket.socket) -> None:
        drip(connected, ENDLESS["header"](), 0.05)

    with tenant(tmp_path, saying(lambda: b""), ["ada@contoso.com"], post=post) as made:
        started = made.start()
        started.until(lambda: any(asked.method == "POST" for asked in made.directory.heard))
        started.send(signal.SIGINT)
        with suppress(ProcessLookupError):  # the first one may have ended it already
            started.send(signal.SIGINT)
        assert started.wait() == 130
    assert "Traceback" not in started.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "payload", [b'{"roles":["\\ud800"],"tid":"\\ud800\\u009b"}', b'{"exp":1e400}', b'{"exp":1e30}', b"[]"]
)
def test_a_token_of_any_content_can_be_looked_at(tmp_path: Path, payload: bytes) -> None:
    token = f"eyJ0eXAiOiJKV1QifQ.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"
    with tenant(tmp_path, saying(lambda: b""), [], token=token):
        done = start(tmp_path, "token", "job.toml").finish(tmp_path)
    assert done.code == 0, done.err
    assert done.err == ""
    assert "\x9b" not in done.out
