"""Carries out the faults that strike the connection: resets, half answers, slow ones, damaged ones."""

import asyncio
import gzip
import socket
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from http import HTTPStatus
from typing import TypeAlias

from aiohttp import web

from bulkmail.sim.faults import Fault
from bulkmail.sim.trouble import PAGE

Parts: TypeAlias = tuple[int, dict[str, str], bytes]
BOMB = 100_000_000  # bytes, unpacked
DEEP = 100_000
LINGER = "hh" if sys.platform == "win32" else "ii"  # how the system lays out its switch and seconds


async def before(request: web.BaseRequest, fault: Fault, foreign: str) -> web.StreamResponse:
    """Instead of any work."""
    match fault.kind:
        case "redirect":
            return web.Response(status=fault.status or 302, headers={"Location": f"{foreign}{request.raw_path}"})
        case "portal":
            return web.Response(body=PAGE, content_type="text/html")
        case "silent":
            await asyncio.sleep(fault.seconds)
    return reset(request)


async def after(request: web.BaseRequest, fault: Fault, response: web.Response) -> web.StreamResponse:
    """Instead of the whole answer."""
    body = response.body if isinstance(response.body, bytes) else b""
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    if fault.kind == "close":
        response.force_close()
        return response
    parts: Parts = response.status, headers, body
    if fault.kind in REPLACED:
        status, headers, body = REPLACED[fault.kind](parts)
        return web.Response(status=status, headers=headers, body=body)
    await CUT[fault.kind](request, fault, parts)
    return reset(request) if fault.kind in RESET else closed(request)


def reset(request: web.BaseRequest) -> web.Response:
    """Ends the connection with a reset; what is returned is never sent."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(LINGER, 1, 0))
        request.transport.abort()
    return web.Response()


def closed(request: web.BaseRequest) -> web.Response:
    """Ends the connection in good order."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _write(request: web.BaseRequest, content: bytes) -> None:
    if isinstance(request.transport, asyncio.WriteTransport):
        request.transport.write(content)


def _half(request: web.BaseRequest, parts: Parts) -> None:
    status, headers, body = parts
    _write(request, head(status, headers | {"Content-Length": str(len(body))}) + body[: len(body) // 2])


async def _nothing(request: web.BaseRequest, fault: Fault, parts: Parts) -> None:
    """The work was done; not a byte is said about it."""


async def _stop(request: web.BaseRequest, _: Fault, parts: Parts) -> None:
    _half(request, parts)
    await asyncio.sleep(0.01)  # a reset must not overtake what it follows


async def _stall(request: web.BaseRequest, fault: Fault, parts: Parts) -> None:
    _half(request, parts)
    await asyncio.sleep(fault.seconds)


async def _unended(request: web.BaseRequest, _: Fault, parts: Parts) -> None:
    status, headers, body = parts
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    _write(request, head(status, headers | {"Transfer-Encoding": "chunked"}) + chunk)


async def _drip(request: web.BaseRequest, fault: Fault, parts: Parts) -> None:
    status, headers, body = parts
    _write(request, head(status, headers | {"Content-Length": str(len(body)), "Connection": "close"}))
    for place in range(len(body)):
        if request.transport is None or request.transport.is_closing():
            return
        _write(request, body[place : place + 1])
        await asyncio.sleep(fault.seconds)


def _packed(parts: Parts, change: Callable[[bytes], bytes]) -> Parts:
    status, headers, body = parts
    return status, headers | {"Content-Encoding": "gzip"}, change(gzip.compress(body, 6))


def _flipped(packed: bytes) -> bytes:
    return packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:-4]) + packed[-4:]


@cache
def _bomb() -> bytes:
    """Made piece by piece, so that the simulator itself never holds what it sends."""
    packer = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
    piece = b" " * 1_000_000
    return b"".join([*(packer.compress(piece) for _ in range(BOMB // len(piece))), packer.flush()])


def _nested(parts: Parts) -> Parts:
    return parts[0], parts[1], b'{"value":' + b"[" * DEEP + b"]" * DEEP + b"}"


Cut: TypeAlias = Callable[[web.BaseRequest, Fault, Parts], Awaitable[None]]
RESET = frozenset({"lost", "reset-in-body", "stall"})
CUT: Mapping[str, Cut] = {
    "lost": _nothing,
    "reset-in-body": _stop,
    "truncated": _stop,
    "stall": _stall,
    "unended": _unended,
    "drip": _drip,
}
REPLACED: Mapping[str, Callable[[Parts], Parts]] = {
    "gzip-damaged": lambda parts: _packed(parts, _flipped),
    "gzip-truncated": lambda parts: _packed(parts, lambda packed: packed[: len(packed) // 2]),
    "gzip-bomb": lambda parts: (parts[0], parts[1] | {"Content-Encoding": "gzip"}, _bomb()),
    "not-json": lambda parts: (parts[0], parts[1], parts[2][: len(parts[2]) // 2]),
    "nested": _nested,
    "swapped": lambda parts: parts,
    "empty": lambda _: (200, {}, b""),
    "headers": lambda parts: (parts[0], parts[1] | {f"x-filler-{n}": "x" * 80 for n in range(10_000)}, parts[2]),
}
