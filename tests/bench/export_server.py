"""Mailboxes that are all alike, with large items, from a server that next to nothing has to be done by: the streams of
the items lie in a file in memory, and the kernel sends them from there.

It answers what items.export asks for. Run it as `python -m tests.bench.export_server '{"items": 8}'`.
"""

import asyncio
import os
import random
import sys
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import orjson

SEED = 1
LETTERS = 4
"""Of base64 stand for three bytes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Each mailbox has so many `items`, from `smallest` to `largest` bytes."""

    port: int = 0
    items: int = 8
    smallest: int = 1_000_000
    largest: int = 5_000_000


class Tenant:
    """Answers by path. Item `iN` of every mailbox is the beginning of the same stream, and has its own length."""

    def __init__(self, settings: Settings) -> None:
        span = settings.largest - settings.smallest
        self._sizes = [
            settings.smallest + span * number // max(1, settings.items - 1) for number in range(settings.items)
        ]
        self._stream = self._written(random.Random(SEED).randbytes(settings.largest))
        self.requests = 0

    def _written(self, content: bytes) -> BinaryIO:
        file = os.fdopen(os.memfd_create("streams"), "r+b", buffering=0)
        file.write(b64encode(content))
        return file

    async def answer(self, path: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.requests += 1
        if path.endswith("/exportItems"):
            (name,) = orjson.loads(body)["itemIds"]  # each is so large that it is asked for alone
            await self._exported(name, writer)
        else:
            host, port = writer.get_extra_info("sockname")[:2]
            _told(writer, self._small(path, f"http://{host}:{port}"))

    def _small(self, path: str, base: str) -> bytes:
        if path.endswith("/_books"):
            return orjson.dumps({"requests": self.requests})
        if path.endswith("/settings/exchange"):
            return orjson.dumps({"primaryMailboxId": f"box-{path.split('/')[3]}"})
        if "/items/delta" not in path:
            return orjson.dumps({"value": [{
                "id": "f", "displayName": "Inbox", "type": "IPF.Note", "wellKnownName": "inbox",
                "totalItemCount": len(self._sizes), "childFolderCount": 0,
            }]})  # fmt: skip
        items = [
            {"id": f"i{number}", "changeKey": "k", "type": "IPM.Note", "size": size}
            for number, size in enumerate(self._sizes)
        ]
        return orjson.dumps({"value": items, "@odata.deltaLink": f"{base}/v1.0{path}?$deltatoken=t"})

    async def _exported(self, name: str, writer: asyncio.StreamWriter) -> None:
        letters = self._sizes[int(name[1:])] // 3 * LETTERS
        head = b'{"value":[{"itemId":"%s","changeKey":"k","data":"' % name.encode()
        _head(writer, len(head) + letters + len(b'"}]}'))
        writer.write(head)
        await asyncio.get_running_loop().sendfile(writer.transport, self._stream, 0, letters)
        writer.write(b'"}]}')

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                at = head.find(b"content-length:")
                size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at > 0 else 0
                path = head.split(b" ", 2)[1].decode().partition("?")[0].removeprefix("/v1.0")
                await self.answer(path.replace("exportitems", "exportItems"), await reader.readexactly(size), writer)
        writer.close()


def _told(writer: asyncio.StreamWriter, content: bytes) -> None:
    _head(writer, len(content))
    writer.write(content)


def _head(writer: asyncio.StreamWriter, size: int) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size)


async def main() -> None:
    tenant = Tenant(Settings(**orjson.loads(sys.argv[1])))
    server = await asyncio.start_server(tenant.serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
