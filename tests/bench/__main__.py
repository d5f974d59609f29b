"""`make bench`: measures bulkmail beside its references on this machine, prints a table and writes it to `.bench/`.

The server runs on one core, the driver on another, so that neither takes the other's time. Each driver is a process of
its own, and its CPU time is the kernel's figure for it, less that of the same driver with a single mailbox (imports).
"""

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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.scenarios import GROUPS, Scenario

RESULTS = Path(".bench")
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a driver said, what the server saw, and what the kernel counted."""

    said: dict[str, Any]
    books: dict[str, Any] = field(default_factory=dict)
    cpu: float = 0.0  # seconds
    peak: float = 0.0  # megabytes
    server: float = 0.0  # seconds of the server's CPU

    @property
    def rate(self) -> float:
        return self.said["ok"] / self.said["seconds"] if self.said.get("seconds") else 0.0


def pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(CORES[core % len(CORES)]), *command] if len(CORES) > 1 else list(command)


@contextmanager
def server(settings: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """A server on the last core; its address and its process."""
    command = pinned(-1, sys.executable, "-m", "tests.bench.server", json.dumps(settings))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.terminate()


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(scenario: Scenario, mailboxes: int, folder: Path) -> Measured:
    """Run one driver once."""
    listed = folder / f"{mailboxes}.csv"
    if not listed.exists():
        lines = (f"user{number}@contoso.example" for number in range(mailboxes))
        listed.write_text("mailbox\n" + "\n".join(lines) + "\n", encoding="utf-8")
    out = Path(tempfile.mkdtemp(dir=folder)) / "out"
    with server(scenario.server) as (graph, pid):
        given = {"graph": graph, "csv": str(listed), "out": str(out), **scenario.driver}
        command = pinned(0, sys.executable, "-m", f"tests.bench.drivers.{scenario.name}", json.dumps(given))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, timeout=scenario.timeout, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return Measured({"ok": 0, "seconds": 0.0, "error": done.stderr.strip().splitlines()[-1:]})
        with urllib.request.urlopen(f"{graph}/_books") as answer:
            books = json.load(answer)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        said = json.loads(done.stdout.splitlines()[-1])
        return Measured(said, books, used, said.get("peak", 0.0), cpu_of(pid))


def main() -> None:
    wanted = sys.argv[1:]
    RESULTS.mkdir(exist_ok=True)
    lines = [
        f"# Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {len(CORES)} cores, Python {sys.version.split()[0]}"
    ]
    with tempfile.TemporaryDirectory() as temporary:
        for group in GROUPS:
            if wanted and group.name not in wanted:
                continue
            print(f"{group.name}: {group.title}", flush=True)
            lines += ["", f"## {group.title}", "", group.heading, group.rule]
            for scenario in group.scenarios:
                row = group.row(scenario, lambda one, count: measure(one, count, Path(temporary)))
                print(row, flush=True)
                lines.append(row)
    path = RESULTS / ("results.md" if not wanted else f"{'-'.join(wanted)}.md")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
