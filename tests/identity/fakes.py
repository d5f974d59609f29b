"""A directory over real TLS on loopback, a proxy that tunnels to it, and the certificate authority that both trust."""

import base64
import json
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bulkmail.identity.certificate import Certificate

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jwt(claims: Mapping[str, Any]) -> str:
    """Looks like an access token; its signature is the word `signature`."""
    parts = [json.dumps(part).encode() for part in ({"typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"signature"])


def verified(assertion: str, certificate: Certificate) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion whose PS256 signature is `certificate`'s; raises InvalidSignature."""
    signed, _, signature = assertion.rpartition(".")
    public = certificate.x509.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    scheme = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SHA256.digest_size)
    public.verify(unbase64(signature), signed.encode(), scheme, SHA256())
    header, claims = (json.loads(unbase64(part)) for part in signed.split("."))
    return header, claims


SIGNS = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
"""What an authority's key is for; Python 3.13 trusts no authority that does not say so."""


def make_authority(folder: Path) -> tuple[Path, Path]:
    """A certificate authority, and one file with key and certificate of a server on 127.0.0.1: their paths."""
    ca_key, server_key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    issuer = x509.Name.from_rfc4514_string("CN=authority of the tests")
    start, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)
    number = x509.random_serial_number
    identifier = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        x509.CertificateBuilder(issuer, issuer, ca_key.public_key(), number(), start, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS, critical=True)
        .add_extension(identifier, critical=False)
        .sign(ca_key, SHA256())
    )
    server = (
        x509.CertificateBuilder(
            issuer, x509.Name.from_rfc4514_string("CN=127.0.0.1"), server_key.public_key(), number(), start, end
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(ca_key, SHA256())
    )
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(ca.public_bytes(Encoding.PEM))
    key = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server_file.write_bytes(key + server.public_bytes(Encoding.PEM))
    return ca_file, server_file


@dataclass(frozen=True)
class Said:
    """One answer of the token endpoint. A `body` that is no text is sent as JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def granted(token: str, expires_in: Any = 3599) -> Said:
    return Said(200, {"token_type": "Bearer", "expires_in": expires_in, "access_token": token})


def denied(status: int, error: str, code: int, text: str = "It was refused. See more.", **headers: str) -> Said:
    description = f"AADSTS{code}: {text}\r\nTrace ID: 0\r\nCorrelation ID: 0"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status, {"error": error, "error_description": description, "error_codes": [code]}, named)


class FakeDirectory:
    """Gives what `answers` holds, in order, and then `token-1`, `token-2` …; `forms` are the posts that it saw."""

    def __init__(self) -> None:
        self.answers: deque[Said] = deque()
        self.forms: list[dict[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.origin = ""
        self.discovery: dict[str, Any] = {}
        self.unknown: Said | None = None  # what discovery says instead

    def document(self) -> Said:
        if self.unknown:
            return self.unknown
        base = f"{self.origin}/{TENANT}"
        endpoints = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/oauth2/v2.0/token"}
        return Said(200, {**endpoints, "issuer": f"{base}/v2.0", **self.discovery})

    def post(self, form: dict[str, str]) -> Said:
        self.forms.append(form)
        return self.answers.popleft() if self.answers else granted(f"token-{len(self.forms)}")


class _Served(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, directory: FakeDirectory, tls: ssl.SSLContext) -> None:
        self.directory = directory
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up; nothing to print."""


class _Exchange(BaseHTTPRequestHandler):
    server: _Served
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self.server.directory.document())

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.directory.headers.append(dict(self.headers))
        self._answer(self.server.directory.post({name: values[0] for name, values in parse_qs(text).items()}))

    def _answer(self, said: Said) -> None:
        content = said.body.encode() if isinstance(said.body, str) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        """The tests read what was asked from the directory itself."""


@contextmanager
def serving(server_file: Path) -> Iterator[FakeDirectory]:
    directory = FakeDirectory()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server_file)
    with _Served(directory, tls) as server, _in_thread(server):
        directory.origin = f"https://127.0.0.1:{server.server_address[1]}"
        yield directory


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, user: str) -> None:
        self.user = user
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(BaseHTTPRequestHandler):
    server: _Proxy
    timeout = 60

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        wanted = "Basic " + base64.b64encode(self.server.user.encode()).decode()
        if self.server.user and self.headers.get("Proxy-Authorization") != wanted:
            self.send_error(407)
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=60) as target:
            self.send_response(200)
            self.end_headers()
            self._pump(target)
        self.close_connection = True

    def _pump(self, target: socket.socket) -> None:
        ends = {self.connection: target, target: self.connection}
        while True:
            for ready in select.select([*ends], [], [], 10)[0]:
                content = ready.recv(65536)
                if not content:
                    return
                ends[ready].sendall(content)

    def log_message(self, *args: Any) -> None:
        """The tests read what was asked from the proxy itself."""


@contextmanager
def proxying(user: str = "") -> Iterator[tuple[str, list[str]]]:
    """A CONNECT proxy: its `host:port` and the targets that it was asked for. `user` is `name:password`, if it asks."""
    with _Proxy(user) as proxy, _in_thread(proxy):
        yield f"127.0.0.1:{proxy.server_address[1]}", proxy.asked


@contextmanager
def _in_thread(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(10)
