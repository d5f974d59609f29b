"""Tokens of the machine's own identity: asked for by MSAL of a service on loopback, as Azure's are on the machine."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bulkmail.errors import ConfigError
from bulkmail.identity.certificate import KeyPair
from bulkmail.identity.cloud import custom
from bulkmail.identity.entra import Grant
from bulkmail.identity.machine import Machine, is_near
from bulkmail.identity.refusal import Failure
from bulkmail.identity.settings import AppSettings, credential_from
from tests.identity.fakes import CLIENT, TENANT

CLOUD = custom("https://127.0.0.1:1", "http://127.0.0.1:1")
VARIABLES = (
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT", "MSI_SECRET",
    "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)  # fmt: skip


class Service(ThreadingHTTPServer):
    """Answers each GET with `status`, `body` and `headers`, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.status, self.body, self.headers = 200, {}, dict[str, str]()
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Exchange(BaseHTTPRequestHandler):
    server: Service
    timeout = 60

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        named = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((parts.path, parse_qs(parts.query), named))
        content = self.server.body if isinstance(self.server.body, bytes) else json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        for name, value in {**self.server.headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """The tests read what was asked from the service itself."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with Service() as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", served.origin)
        yield served
        served.shutdown()
        thread.join(10)


def failed(answer: Grant | Failure) -> Failure:
    assert isinstance(answer, Failure)
    return answer


def test_a_virtual_machine_with_an_identity_of_its_own(service: Service) -> None:
    service.body = {"access_token": "a-token", "expires_in": "3599", "token_type": "Bearer"}
    assert Machine(CLOUD).ask() == Grant("a-token", 3599)
    path, query, headers = service.asked[0]
    assert path == "/metadata/identity/oauth2/token"
    assert query["resource"] == ["http://127.0.0.1:1"]
    assert "client_id" not in query
    assert headers["metadata"] == "true"


def test_one_that_was_assigned_is_named(service: Service) -> None:
    service.body = {"access_token": "a-token", "expires_in": "10", "token_type": "Bearer"}
    assert Machine(CLOUD, CLIENT).ask('{"access_token": {}}') == Grant("a-token", 10)
    assert service.asked[0][1]["client_id"] == [CLIENT]


def test_app_service_has_an_endpoint_and_a_secret_of_its_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{service.origin}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "h-c4n4ry")
    service.body = {"access_token": "a-token", "expires_on": "9999999999", "token_type": "Bearer"}
    assert Machine(CLOUD).ask() == Grant("a-token", 86_400), "no token is trusted for longer than a day"
    path, _, headers = service.asked[0]
    assert (path, headers["x-identity-header"]) == ("/msi/token", "h-c4n4ry")


def test_arc_begins_with_a_refusal_and_reads_no_file_that_it_names_elsewhere(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{service.origin}/metadata/identity/oauth2/token")
    monkeypatch.setenv("IMDS_ENDPOINT", service.origin)
    (tmp_path / "stolen.key").write_text("k-c4n4ry")
    service.status, service.headers = 401, {"WWW-Authenticate": f"Basic realm={tmp_path / 'stolen.key'}"}
    failure = failed(Machine(CLOUD).ask())
    assert "c4n4ry" not in str(failure.error)
    assert len(service.asked) == 1


@pytest.mark.parametrize(("status", "body", "text", "transient"), [
    (400, {"error": "invalid_request", "error_description": "Identity not found"}, "Identity not found", False),
    (400, {}, "no reason given", False),
    (200, {"access_token": "with a blank", "expires_in": "9"}, "no reason given", False),
    (200, b"<html>", "does not answer in JSON", False),
    (200, b"[" * 100_000, "does not answer in JSON", False),
    (302, {}, "status 302", False),
    (404, {}, "status 404", True),
    (429, {}, "status 429", True),
    (503, {}, "status 503", True),
])  # fmt: skip
def test_what_is_no_token_is_told(service: Service, status: int, body: Any, text: str, transient: bool) -> None:
    service.status, service.body = status, body
    failure = failed(Machine(CLOUD).ask())
    assert text in str(failure.error)
    assert failure.transient is transient
    assert failure.error.hint


def test_a_machine_without_such_a_service(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
    failure = failed(Machine(CLOUD).ask())
    assert "no service on this machine" in str(failure.error)


@pytest.mark.parametrize(("url", "near"), [
    ("http://169.254.169.254/metadata", True), ("http://127.0.0.1:40342/x", True), ("http://localhost:8081/x", True),
    ("http://10.0.0.1/metadata", False), ("http://metadata.example/x", False), ("https://127.0.0.1/x", False),
    ("http://169.254.169.254.example/x", False), ("", False),
])  # fmt: skip
def test_only_this_machine_is_asked(url: str, near: bool) -> None:
    assert is_near(url) is near


def test_a_credential_of_the_machine_has_no_certificate(service: Service) -> None:
    service.body = {"access_token": "a-token", "expires_in": "3599", "token_type": "Bearer"}
    credential = credential_from(AppSettings(TENANT, CLIENT, CLOUD, machine="user"))
    assert asyncio.run(credential.token()) == "a-token"
    assert credential.certificate is None
    assert credential.sign is None


def test_it_goes_with_no_other_way(pfx: Path, pair: KeyPair) -> None:
    with pytest.raises(ConfigError, match="another way to sign in"):
        credential_from(AppSettings(TENANT, CLIENT, CLOUD, certificate=pfx, machine="system"))
