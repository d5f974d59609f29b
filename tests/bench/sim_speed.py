"""How fast the simulator answers: plain requests and parts of batches a second, one process of it on one core.

`python -m tests.bench.sim_speed` prints a table. The simulator has the last core to itself; the load comes from another
one, by a client that does no more than write ready-made requests and count the bytes of the answers.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bulkmail.app.loop import run as run_loop
from bulkmail.sim import Settings, Simulator

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
CLIENT, SECRET = "b01dface-0000-4000-8000-0000000000bb", "rehearsal-only"
ASKED = 200_000  # mailboxes that are asked for, one after the other
MAILBOXES, CONNECTIONS, SECONDS = 10_000, 32, 5.0
HEADING = """\
| what | mailboxes | a second as seen | a second of its CPU | µs of its CPU each | peak MB |
| --- | ---: | ---: | ---: | ---: | ---: |"""


@dataclass(frozen=True, slots=True)
class Load:
    """`parts` of a batch, or 0 for plain requests."""

    title: str
    goal: str
    mailboxes: int = MAILBOXES
    parts: int = 0
    latency: float = 0.0
    connections: int = CONNECTIONS
    path: str = "mailboxSettings"


LOADS = (
    Load("plain, mailboxSettings", "≥ 8,000"),
    Load("parts of $batch, 20 a batch", "≥ 40,000", parts=20),
    Load("plain, mailboxSettings, 150 ms of latency, 2,000 in flight", "as fast", latency=0.15, connections=2000),
    Load("plain, messages (a page of 10)", "", path="messages"),
    Load("plain, mailboxSettings of a million, each for the first time", "", mailboxes=1_000_000),
    Load("parts, mailboxSettings of a million, each for the first time", "", mailboxes=1_000_000, parts=20),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured under one load."""

    load: Load
    rate: float
    cpu: float  # seconds of CPU for each request or part
    peak: float  # megabytes

    def __str__(self) -> str:
        load = self.load
        title = load.title + (f" ({load.goal})" if load.goal else "")
        figures = (self.rate, 1 / self.cpu, self.cpu * 1e6, self.peak)
        return f"| {title} | {load.mailboxes:,} | " + " | ".join(f"{figure:,.0f}" for figure in figures) + " |"


class Client(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self, requests: Iterator[bytes], tally: list[int]) -> None:
        self.requests = requests
        self.tally = tally
        self.missing = -1  # bytes of the body still to come; -1 while the head is not complete
        self.head = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        if self.missing < 0:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(self.head.decode())
            begin = self.head.index(b"Content-Length: ") + 16
            length = int(self.head[begin : self.head.index(b"\r\n", begin)])
            self.missing = length - (len(self.head) - end - 4)
        else:
            self.missing -= len(data)
        if self.missing == 0:
            self.missing, self.head = -1, b""
            self.tally[0] += 1
            self.transport.write(next(self.requests))


def requests(load: Load, addresses: Sequence[str], head: bytes) -> Iterator[bytes]:
    """Ready-made requests for one mailbox after the other, round and round."""
    paths = [f"/users/{address.replace('@', '%40')}/{load.path}" for address in addresses]
    if load.parts:
        bodies = [_batch(paths[start : start + load.parts]) for start in range(0, len(paths), load.parts)]
        made = [_request(b"POST /v1.0/$batch", head, body) for body in bodies if body]
    else:
        made = [_request(f"GET /v1.0{path}".encode(), head) for path in paths]
    while True:
        yield from made


def _batch(paths: Sequence[str]) -> bytes:
    return json.dumps({
        "requests": [{"id": str(n), "method": "GET", "url": path} for n, path in enumerate(paths)]
    }).encode()  # fmt: skip


def _request(line: bytes, head: bytes, body: bytes = b"") -> bytes:
    told = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body) if body else b""
    return b"%b HTTP/1.1\r\n%b%b\r\n%b" % (line, head, told, body)


async def fire(load: Load, told: dict[str, Any], pid: int) -> tuple[int, float, float]:
    """Requests answered, seconds that it took, seconds of the simulator's CPU."""
    loop, tally = asyncio.get_running_loop(), [0]
    host, port = told["graph"].removeprefix("http://").split(":")
    head = f"Host: {host}\r\nAuthorization: Bearer {told['token']}\r\n".encode()
    stream = requests(load, told["addresses"], head)
    clients = [
        await loop.create_connection(lambda: Client(stream, tally), host, int(port)) for _ in range(load.connections)
    ]
    await asyncio.sleep(1.0)
    begun, before, cpu = loop.time(), tally[0], cpu_of(pid)
    await asyncio.sleep(SECONDS)
    done, seconds, used = tally[0] - before, loop.time() - begun, cpu_of(pid) - cpu
    for transport, _ in clients:
        transport.abort()
    return done, seconds, used


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def serve(mailboxes: int, latency: float) -> None:
    """The simulator, until its standard input ends; tells where it is, a token, and the addresses to ask for."""
    settings = Settings(mailboxes=mailboxes, latency=latency, tls=False, absent=0.0, denied=0.0, moving=0.0)
    async with Simulator(settings) as sim:
        sim.register(CLIENT, secret=SECRET, roles=["MailboxSettings.Read", "Mail.Read"])
        form = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials"}
        form["scope"] = "https://graph.microsoft.com/.default"
        url = f"{sim.login_url}/{sim.tenant_id}/oauth2/v2.0/token"
        connector = aiohttp.TCPConnector(ssl=False)  # loopback, and a certificate made a moment ago
        async with aiohttp.ClientSession(connector=connector) as session, session.post(url, data=form) as response:
            token = (await response.json())["access_token"]
        addresses = list(sim.addresses(ASKED))
        print(json.dumps({"graph": sim.graph_url, "token": token, "addresses": addresses}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def simulator(load: Load) -> Iterator[tuple[dict[str, Any], int]]:
    command = [sys.executable, "-m", "tests.bench.sim_speed", "serve", str(load.mailboxes), str(load.latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if len(CORES) > 1:
            os.sched_setaffinity(process.pid, {CORES[-1]})
        try:
            yield json.loads(process.stdout.readline()), process.pid
        finally:
            process.stdin.close()


def measure(load: Load) -> Row:
    with simulator(load) as (told, pid):
        done, seconds, used = run_loop(fire(load, told, pid))
        units = done * (load.parts or 1)
        return Row(load, units / seconds, used / units, peak_of(pid))


def rows() -> list[Row]:
    """All loads, one after the other; takes about ten seconds each."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, {CORES[0]})
    return [measure(load) for load in LOADS]


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        run_loop(serve(int(sys.argv[2]), float(sys.argv[3])))
        return
    print(HEADING)
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
