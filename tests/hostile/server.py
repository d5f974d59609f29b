"""A hostile server of raw sockets: what it sends is bytes, and no library makes them whole. One thread a connection."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

PATIENCE = 20.0
"""Seconds after which the server gives a connection up, whatever the product does."""


@dataclass(frozen=True)
class Asked:
    """A request as it came; `place` is its place on its connection, from 0."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    place: int

    @property
    def id(self) -> str:
        return self.headers.get("client-request-id", "")


Answer: TypeAlias = Callable[[Asked, socket.socket], None]


@dataclass
class Hostile:
    """`answer` is called for each request; `heard` are those so far."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    heard: list[Asked] = field(default_factory=list)
    origin: str = ""

    def serve(self, connected: socket.socket) -> None:
        with suppress(OSError, ValueError), connected:
            connected.settimeout(PATIENCE)
            talking = self.tls.wrap_socket(connected, server_side=True) if self.tls else connected
            with talking, talking.makefile("rb") as stream:
                place = 0
                while head := _head(stream):
                    asked = _asked(head, stream, place)
                    self.heard.append(asked)
                    self.answer(asked, talking)
                    place += 1


def _head(stream: Any) -> list[str]:
    lines: list[str] = []
    while (line := stream.readline(65536).decode("latin-1").rstrip("\r\n")) or not lines:
        if not line:
            return []
        lines.append(line)
    return lines


def _asked(head: list[str], stream: Any, place: int) -> Asked:
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    return Asked(method, path, headers, stream.read(int(headers.get("content-length", 0))), place)


@contextmanager
def hostile(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Listens on loopback until the block ends."""
    server = Hostile(answer, tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.origin = f"http{'s' if tls else ''}://127.0.0.1:{listening.getsockname()[1]}"

        def accept() -> None:
            while True:
                try:
                    connected, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=server.serve, args=(connected,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts


def http(body: object, status: str = "200 OK", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + content


def hang_up(connected: socket.socket) -> None:
    """Ends a connection now, whatever still holds its socket."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def drip(connected: socket.socket, content: bytes, pause: float) -> None:
    """A byte at a time, until the other end has gone or PATIENCE is over."""
    latest = time.monotonic() + PATIENCE
    for byte in content:
        if time.monotonic() > latest:
            return
        connected.sendall(bytes([byte]))
        time.sleep(pause)
