"""What a mailbox costs the coordinator of a cluster and its workers, and what many workers would do by that.

    python -m tests.bench.cluster [--mailboxes N] [--set limits.batch=true]

CPU of the two is measured apart, in runs of two lengths, so that what a start costs is in neither figure. Mailboxes are
pulled, so W workers with cores of their own do W times as much as one until the coordinator's core is full: the plan is
min(W, workers' µs / coordinator's µs). How busy the simulator is does not matter to it.
The starts of two runs differ by some tenths of a second of CPU: below 20,000 mailboxes the figures are of no use.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, open_tenant, write_job, write_list

WORKERS = 4
GOAL = 3.6
MEASURED = """
import resource, sys
from bulkmail.cli import app
if __name__ == "__main__":
    try:
        app()
    except SystemExit as ended:
        assert ended.code in (0, 3), ended.code
    used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(*(one.ru_utime + one.ru_stime for one in used), file=sys.stderr)
"""


class Cost(NamedTuple):
    """Seconds of CPU."""

    coordinator: float
    workers: float


def each(short: Cost, long: Cost, more: int) -> Cost:
    """What one of the `more` mailboxes costs that the longer run had, in µs."""
    return Cost(*(1e6 * (after - before) / more for before, after in zip(short, long, strict=True)))


def planned(cost: Cost, workers: int) -> float:
    """How many times as fast so many workers are as one, with a core each and one for the coordinator."""
    return min(float(workers), cost.workers / cost.coordinator)


def measured(tenant: Tenant, folder: Path, mailboxes: int, more: list[str]) -> Cost:
    """One run over so many mailboxes, with one worker."""
    folder.mkdir()
    listed = write_list(folder, tenant.addresses(mailboxes))
    job = write_job(
        folder, tenant.simulator, tenant.app, f'[input]\npath = "{listed.name}"\n\n[task]\nname = "settings.report"\n'
    )
    script = folder / "measured.py"
    script.write_text(MEASURED)
    command = [sys.executable, str(script), "run", str(job), "--workers", "1", "--no-progress"]
    settings = [word for one in more for word in ("--set", one)]
    done = subprocess.run([*command, *settings], capture_output=True, text=True, check=True)
    own, others = done.stderr.splitlines()[-1].split()
    return Cost(float(own), float(others))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailboxes", type=int, default=20_000)
    parser.add_argument("--set", action="append", default=[])
    wanted = parser.parse_args()
    size, few = wanted.mailboxes, wanted.mailboxes // 5
    settings = Settings(mailboxes=size, absent=0.0, denied=0.0, moving=0.0)
    with tempfile.TemporaryDirectory() as name, open_tenant(Path(name), settings) as tenant:
        short = measured(tenant, Path(name) / "short", few, wanted.set)
        long = measured(tenant, Path(name) / "long", size, wanted.set)
    cost = each(short, long, size - few)
    if min(cost) <= 0:
        sys.exit("too few mailboxes: the runs differ by less than their starts do")
    print(f"coordinator {cost.coordinator:.0f} µs a mailbox, worker {cost.workers:.0f} µs; plan for {WORKERS} workers:")
    print(
        f"{planned(cost, WORKERS):.2f} times one (goal {GOAL}); that needs {GOAL * cost.coordinator:.0f} µs at a worker"
    )


if __name__ == "__main__":
    main()
