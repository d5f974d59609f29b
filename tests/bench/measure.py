"""Runs one driver against one server, each on a core of its own, and gathers what it said, what the server saw and what
the kernel counted."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


@dataclass(frozen=True, slots=True)
class Scenario:
    """`title` is its name in the table, `name` the driver's module; `goals` are for columns of the table."""

    title: str
    name: str
    mailboxes: int
    server: dict[str, Any] = field(default_factory=dict)
    driver: dict[str, Any] = field(default_factory=dict)
    goals: dict[str, str] = field(default_factory=dict)
    timeout: float = 900.0
    shown: bool = True  # a row of its own, and not only a figure for those that follow
    serves: str = "server"  # the module of the server
    spread: bool = False  # the server takes from all cores
    binds: bool = False  # the driver says itself on which cores its processes are


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one driver."""

    scenario: Scenario
    said: dict[str, Any]
    books: dict[str, Any] = field(default_factory=dict)
    cpu: float = 0.0  # seconds of the driver
    server: float = 0.0  # seconds of the server's CPU

    @property
    def ok(self) -> int:
        return int(self.said["ok"])

    @property
    def seconds(self) -> float:
        """Of the run; an instant for one that failed, so that its shares come out as nonsense instead of an error."""
        return float(self.said["seconds"]) or 1e-9

    @property
    def rate(self) -> float:
        return self.ok / self.seconds

    @property
    def busy(self) -> float:
        """Share of its core that the server needed: well below 1, it was not what was measured."""
        return self.server / self.seconds

    def good(self) -> dict[int, int]:
        """Good answers in each second since the first request."""
        return {int(second): number for second, number in self.books.get("seconds", {}).items()}

    def share(self, book: str) -> float:
        """A kind of answer as a share of all requests."""
        return float(self.books.get(book, 0) / max(1, self.books.get("requests", 0)))


def run(scenario: Scenario, folder: Path) -> Measured:
    """Run a scenario's driver once."""
    out = Path(tempfile.mkdtemp(dir=folder)) / "out"
    given = {"csv": str(_listed(scenario.mailboxes, folder)), "out": str(out), **scenario.driver}
    with _server(scenario) as (graph, pid):
        asked = json.dumps({"graph": graph, **given})
        command = [sys.executable, "-m", f"tests.bench.drivers.{scenario.name}", asked]
        if not scenario.binds:
            command = _pinned(0, *command)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, timeout=scenario.timeout, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return Measured(scenario, {"ok": 0, "seconds": 0.0})
        with urllib.request.urlopen(f"{graph}/_books") as answer:
            books = json.load(answer)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Measured(scenario, json.loads(done.stdout.splitlines()[-1]), books, used, _cpu_of(pid))


def _listed(mailboxes: int, folder: Path) -> Path:
    listed = folder / f"{mailboxes}.csv"
    if not listed.exists():
        with listed.open("w", encoding="utf-8") as file:
            file.write("mailbox\n")
            file.writelines(f"user{number}@contoso.example\n" for number in range(mailboxes))
    return listed


def _pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(CORES[core % len(CORES)]), *command] if len(CORES) > 1 else list(command)


@contextmanager
def _server(scenario: Scenario) -> Iterator[tuple[str, int]]:
    """A server, on the last core unless it is spread; its address and its process."""
    command = [sys.executable, "-m", f"tests.bench.{scenario.serves}", json.dumps(scenario.server)]
    if not scenario.spread:
        command = _pinned(-1, *command)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.terminate()


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
