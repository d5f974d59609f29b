"""`make bench`: measures bulkmail beside its references on this machine, prints tables and writes them to `.bench/`.

`make bench ONLY="latency faults"` measures only these. The server runs on one core, the driver on another, so that
neither takes the other's time. Each driver is a process of its own, and its CPU time is the kernel's figure for it.
"""

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measure import CORES, Measured, run
from tests.bench.scenarios import GROUPS
from tests.bench.table import Group, heading, row

RESULTS = Path(".bench")


def lines(group: Group, folder: Path) -> Iterator[str]:
    """A table, line by line, as its rows become known."""
    yield f"\n## {group.title}\n"
    done: list[Measured] = []
    for scenario in group.scenarios:
        measured = run(scenario, folder)
        cells = group.cells(measured, done)
        if not any(before.scenario.shown for before in done) and scenario.shown:
            yield from heading(cells)
        done.append(measured)
        if scenario.shown:
            yield row(cells, scenario.goals)
    if group.note:
        yield f"\n{group.note}"


def main() -> None:
    known = [group.name for group in GROUPS]
    wanted = sys.argv[1:] or known
    if unknown := set(wanted) - set(known):
        sys.exit(f"there is no group {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / ("results.md" if wanted == known else f"{'-'.join(wanted)}.md")
    python = sys.version.split()[0]
    with path.open("w", encoding="utf-8") as file, tempfile.TemporaryDirectory() as temporary:
        told = [f"# Measured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {len(CORES)} cores, Python {python}"]
        for line in told:
            print(line, file=file)
        for group in GROUPS:
            if group.name not in wanted:
                continue
            for line in lines(group, Path(temporary)):
                print(line, flush=True)
                print(line, file=file, flush=True)
    print(f"\nwritten to {path}")


if __name__ == "__main__":
    main()
