"""Carries out the faults that strike the connection: resets, half answers, slow ones, damaged ones."""

import asyncio
import contextlib
import gzip
import socket
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TypeAlias

from bulkmail.sim.faults.answers import PAGE
from bulkmail.sim.faults.script import Fault
from bulkmail.sim.http.http import Request, Response, head

Parts: TypeAlias = tuple[int, dict[str, str], bytes]
BOMB = 100_000_000  # bytes, unpacked
DEEP = 100_000
LINGER = "hh" if sys.platform == "win32" else "ii"  # how the system lays out its switch and seconds


async def before(request: Request, fault: Fault, foreign: str) -> Response:
    """Instead of any work."""
    match fault.kind:
        case "redirect":
            return Response(fault.status or 302, headers={"Location": f"{foreign}{request.target}"})
        case "redirect-plain":
            own = f"http://{request.headers.get('host', '')}{request.target}"
            return Response(fault.status or 302, headers={"Location": own})
        case "portal":
            return Response(body=PAGE, headers={"Content-Type": "text/html"})
        case "silent":
            await asyncio.sleep(fault.seconds)
    return reset(request)


async def after(request: Request, fault: Fault, response: Response) -> Response:
    """Instead of the whole answer."""
    if fault.kind == "close":
        response.close = True
        return response
    parts: Parts = response.status, dict(response.headers), response.body
    if fault.kind in REPLACED:
        status, headers, body = REPLACED[fault.kind](parts)
        return Response(status, body, headers)
    await CUT[fault.kind](request, fault, parts)
    return reset(request) if fault.kind in RESET else closed(request)


def reset(request: Request) -> Response:
    """Ends the connection with a reset; what is returned is never sent."""
    transport = request.connection.transport
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):  # the peer may be gone
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(LINGER, 1, 0))
    transport.abort()
    return Response()


def closed(request: Request) -> Response:
    """Closes the connection in the normal way."""
    request.connection.transport.close()
    return Response()


def _write(request: Request, content: bytes) -> None:
    if not request.connection.transport.is_closing():
        request.connection.transport.write(content)


def _half(request: Request, parts: Parts) -> None:
    status, headers, body = parts
    _write(request, head(status, headers | {"Content-Length": str(len(body))}) + body[: len(body) // 2])


async def _nothing(request: Request, fault: Fault, parts: Parts) -> None:
    """The work was done; not a byte of the answer is sent."""


async def _stop(request: Request, _: Fault, parts: Parts) -> None:
    _half(request, parts)
    await asyncio.sleep(0.01)  # a reset must not overtake what it follows


async def _stall(request: Request, fault: Fault, parts: Parts) -> None:
    _half(request, parts)
    await asyncio.sleep(fault.seconds)


async def _unended(request: Request, _: Fault, parts: Parts) -> None:
    status, headers, body = parts
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    _write(request, head(status, headers | {"Transfer-Encoding": "chunked"}) + chunk)


async def _drip(request: Request, fault: Fault, parts: Parts) -> None:
    status, headers, body = parts
    _write(request, head(status, headers | {"Content-Length": str(len(body)), "Connection": "close"}))
    for place in range(len(body)):
        if request.connection.transport.is_closing():
            return
        _write(request, body[place : place + 1])
        await asyncio.sleep(fault.seconds)


async def _flood(request: Request, _: Fault, __: Parts) -> None:
    """Goes on until the peer closes; waits where the peer reads slowly."""
    transport = request.connection.transport
    _write(request, head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    piece = b" " * 1_000_000
    while not transport.is_closing():
        _write(request, b"%x\r\n%b\r\n" % (len(piece), piece))
        await request.connection.drained()
        await asyncio.sleep(0)


async def _broken_header(request: Request, _: Fault, parts: Parts) -> None:
    told = head(parts[0], parts[1] | {"Content-Length": str(len(parts[2]))})
    _write(request, told.replace(b"\r\n", b"\r\nno colon here\r\n", 1) + parts[2])
    await asyncio.sleep(0.01)


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


Cut: TypeAlias = Callable[[Request, Fault, Parts], Awaitable[None]]
RESET = frozenset({"lost", "reset-in-body", "stall"})
CUT: Mapping[str, Cut] = {
    "lost": _nothing,
    "reset-in-body": _stop,
    "truncated": _stop,
    "stall": _stall,
    "unended": _unended,
    "drip": _drip,
    "flood": _flood,
    "header-broken": _broken_header,
}
REPLACED: Mapping[str, Callable[[Parts], Parts]] = {
    "gzip-damaged": lambda parts: _packed(parts, _flipped),
    "gzip-truncated": lambda parts: _packed(parts, lambda packed: packed[: len(packed) // 2]),
    "gzip-bomb": lambda parts: (parts[0], parts[1] | {"Content-Encoding": "gzip"}, _bomb()),
    "not-json": lambda parts: (parts[0], parts[1], parts[2][: len(parts[2]) // 2]),
    "nested": _nested,
    "json-number": lambda parts: (parts[0], parts[1], b'{"value":' + b"9" * 1_000_000 + b"}"),
    "json-nan": lambda parts: (parts[0], parts[1], b'{"value":[NaN,Infinity]}'),
    "json-twice": lambda parts: (parts[0], parts[1], b'{"value":1,' + parts[2].removeprefix(b"{")),
    "json-surrogate": lambda parts: (parts[0], parts[1], b'{"value":"\\ud800"}'),
    "no-content": lambda parts: (204, parts[1], parts[2]),
    "swapped": lambda parts: parts,
    "empty": lambda _: (200, {}, b""),
    "headers": lambda parts: (parts[0], parts[1] | {f"x-filler-{n}": "x" * 80 for n in range(10_000)}, parts[2]),
    "header-long": lambda parts: (parts[0], parts[1] | {"x-filler": "x" * 1_000_000}, parts[2]),
}
