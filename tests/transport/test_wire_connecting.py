"""On the way to the service: without a connection nothing begins, and proxies and TLS see only what they must."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bulkmail.errors import Unreachable
from tests.ports import quiet_port
from tests.transport.rig import get, post
from tests.transport.servers import Trust, saying, serving, signed
from tests.transport.wired import GOOD, wired

pytestmark = pytest.mark.usefixtures("way")


def unreachable(base: str, **settings: Any) -> None:
    async def main() -> None:
        async with wired(base, **settings) as sender:
            for request in (get("/x"), post("/x")):
                with pytest.raises(Unreachable):
                    await sender.send(request)

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_without_a_connection_nothing_began(scheme: str) -> None:
    unreachable(f"{scheme}://127.0.0.1:{quiet_port()}/v1.0")


def test_without_an_address_nothing_began() -> None:
    unreachable("http://no-such-host.invalid/v1.0")


def test_without_a_handshake_nothing_began() -> None:
    async def main() -> None:
        async with serving(GOOD) as server, wired(server.base.replace("http:", "https:"), connect=0.3) as sender:
            with pytest.raises(Unreachable):
                await sender.send(post())
            assert not server.heard

    asyncio.run(main())


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
                                      b"garbage\r\n\r\n"])  # fmt: skip
def test_a_proxy_that_opens_no_tunnel_lets_nothing_begin(greeting: bytes) -> None:
    async def main() -> None:
        async with serving(saying(greeting, close=True)) as proxy:
            address = proxy.base.replace("http://", "http://user:canary@").removesuffix("/v1.0")
            async with wired("https://graph.invalid/v1.0", proxy=lambda _url: address) as sender:
                with pytest.raises(Unreachable) as raised:
                    await sender.send(post())
            assert "canary" not in repr(raised.value)
            assert [heard.line.split()[0] for heard in proxy.heard] == ["CONNECT"]
            assert "authorization" not in proxy.heard[0].headers

    asyncio.run(main())


def test_a_proxy_is_asked_for_plain_addresses_in_full() -> None:
    async def main() -> None:
        async with serving(GOOD) as proxy:
            settings = {"proxy": lambda _url: proxy.base.removesuffix("/v1.0")}
            async with wired("http://graph.invalid/v1.0", **settings) as sender:
                assert (await sender.send(get("/a%2Fb?c=%20"))).status == 200
            assert proxy.heard[0].line == "GET http://graph.invalid/v1.0/a%2Fb?c=%20 HTTP/1.1"

    asyncio.run(main())


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = signed("root", root_key, None)
    leaf = signed("leaf", key, (root.subject, root_key))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (tmp_path / "ca.pem").write_bytes(root.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "leaf.pem").write_bytes(leaf.public_bytes(pem) + private)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(tmp_path / "leaf.pem")
    return Trust(server, ssl.create_default_context(cafile=str(tmp_path / "ca.pem")))


def test_tls_by_an_authority_that_is_trusted_and_by_none_that_is_not(trust: Trust) -> None:
    async def main() -> None:
        async with serving(GOOD, trust.server) as server:
            async with wired(server.base, tls=trust.client) as sender:
                assert (await sender.send(get())).body == {"a": 1}
            async with wired(server.base) as sender:
                with pytest.raises(Unreachable, match="ertificate"):
                    await sender.send(get())
            assert len(server.heard) == 1

    asyncio.run(main())


def test_a_tunnel_through_a_proxy_hides_the_request_from_it(trust: Trust) -> None:
    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def main() -> None:
        seen: list[str] = []

        async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            seen.append(head)
            host, _, port = head.split()[1].partition(":")
            there = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with asyncio.TaskGroup() as group:
                group.create_task(pipe(reader, there[1]))
                group.create_task(pipe(there[0], writer))

        async with serving(GOOD, trust.server) as server:
            listening = await asyncio.start_server(proxy, "127.0.0.1", 0)
            address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            async with wired(server.base, tls=trust.client, proxy=lambda _url: address) as sender:
                token = {"Authorization": "Bearer canary"}
                assert (await sender.send(get("/secret", headers=token))).status == 200
            assert server.heard[0].headers["authorization"] == "Bearer canary"
            assert seen[0].startswith("CONNECT 127.0.0.1:")
            assert "canary" not in seen[0]
            assert "secret" not in seen[0]
            listening.close()

    asyncio.run(main())
