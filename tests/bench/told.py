"""Measures what is told of large runs: `python -m tests.bench.told 200000` compares two runs of so many mailboxes, of
which one in a hundred has changed, and makes the page of one. Each is a process of its own, with its peak of memory.

The runs are written by the writers of a run, without a tenant. What is found is checked, not only timed.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from tests.report.pages import COLUMNS, REPORT, curves, mailboxes
from tests.report.writing import Mailboxful, write_run

ONE_IN = 100
"""Of the mailboxes that are ok and have so many before them, one has another time zone in the second run."""


class Spent(NamedTuple):
    """What a process took: seconds of CPU and by the clock, and the most memory that it had, in megabytes."""

    cpu: float
    wall: float
    peak: float


def changed(number: int) -> Iterator[Mailboxful]:
    for place, (outcome, rows) in enumerate(mailboxes(number)):
        other = [{**row, "time_zone": "Tokyo Standard Time"} for row in rows] if place % ONE_IN == 0 else rows
        yield Mailboxful(outcome, other)


def spent(*words: str | Path) -> Spent:
    """Runs a command of bulkmail to its end."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "bulkmail", *map(str, words)], stdout=subprocess.DEVNULL)
    _, code, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, words))} ended with {process.returncode}")
    return Spent(used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024)


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        before = replace(REPORT, started="2026-11-25T01:15:00+00:00")
        one = write_run(folder / "a", before, mailboxes(number), columns=COLUMNS)
        other = write_run(folder / "b", REPORT, changed(number), columns=COLUMNS)
        curves(other.path, number, 1400)
        print(f"{number:,} mailboxes, {one.manifest.sums.rows:,} rows a side\n")
        print("| what | CPU, s | clock, s | peak memory, MB | found |\n| --- | ---: | ---: | ---: | --- |")
        file = folder / "diff.csv"
        tell("diff", spent("diff", one.path, other.path, "--format", "csv", "--output", file), _found(file))
        tell("report", spent("report", other.path), f"{(other.path / 'report.html').stat().st_size / 1000:.0f} KB")
        wanted = sum(place % ONE_IN == 0 and bool(rows) for place, (_, rows) in enumerate(mailboxes(number)))
        print(f"\nto be found: {wanted:,} changed")


def tell(what: str, took: Spent, found: str) -> None:
    print(f"| {what} | {took.cpu:.1f} | {took.wall:.1f} | {took.peak:.0f} | {found} |")


def _found(file: Path) -> str:
    with file.open(encoding="utf-8", newline="") as lines:
        return ", ".join(
            f"{number:,} {what}" for what, number in Counter(row["what"] for row in csv.DictReader(lines)).items()
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20_000)
