"""Servers on this machine that speak HTTP by hand, with TLS by an authority of their own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Heard:
    """A request as it came: its place among those of its connection, from 0."""

    line: str
    headers: dict[str, str]
    body: bytes
    place: int


Reply = Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A server that speaks HTTP by hand and keeps what it heard."""

    reply: Reply
    heard: list[Heard] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    base: str = ""

    @property
    def connections(self) -> int:
        return len(self.writers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        place = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                heard = await self._hear(reader, place)
                self.heard.append(heard)
                await self.reply(heard, writer)
                await writer.drain()
                place += 1
        writer.close()

    async def _hear(self, reader: asyncio.StreamReader, place: int) -> Heard:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Heard(head[0], headers, body, place)


@asynccontextmanager
async def serving(reply: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(reply)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.base = f"http{'s' if tls else ''}://127.0.0.1:{port}/v1.0"
    try:
        yield server
    finally:
        listening.close()
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # the turn in which they close


def whole(body: bytes, head: bytes = JSON, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def saying(raw: bytes, *, close: bool = False) -> Reply:
    async def reply(_heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if close:
            writer.close()

    return reply


@dataclass(frozen=True)
class Trust:
    """Both ends of TLS on 127.0.0.1, by a certificate authority of this test."""

    server: ssl.SSLContext
    client: ssl.SSLContext


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


def signed(
    name: str, key: ec.EllipticCurvePrivateKey, by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = by or (subject, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )  # fmt: skip
    if by is None:  # Python 3.13 trusts no authority that does not say what its key is for
        builder = builder.add_extension(SIGNS, critical=True)
    return builder.sign(signer, hashes.SHA256())
