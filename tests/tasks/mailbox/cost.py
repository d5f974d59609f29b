"""What a sweep of several reports costs beside each of them alone: `python -m tests.tasks.mailbox.cost 10000`.

The simulator is in this process and bulkmail in one of its own, so that neither takes the other's core. With `batch` as
a second word requests travel in batches; a third is the latency of the service in seconds.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bulkmail.sim import Settings
from bulkmail.tasks.mailbox.parts import PARTS
from bulkmail.tasks.mailbox.report import mailbox_report
from bulkmail.testing.tenant import Tenant, open_tenant, write_job, write_list
from tests.tasks.folders.forest import asked

WHAT = ("requests", "time", "CPU time")


class Cost(NamedTuple):
    """Requests, seconds, seconds of a core that bulkmail takes, and rows."""

    requests: int
    seconds: float
    cpu: float
    rows: int


def measured(tenant: Tenant, folder: Path, name: str, *, batch: bool) -> Cost:
    """What one run costs. Raises AssertionError unless every mailbox is ok."""
    folder.mkdir()
    listed = write_list(folder, tenant.addresses())
    more = f'[input]\npath = "{listed.name}"\n[limits]\nbatch = {json.dumps(batch)}\n[task]\nname = "{name}"'
    job = write_job(folder, tenant.simulator, tenant.app, more)
    before, start, cpu = asked(tenant), time.monotonic(), taken()
    done = subprocess.run(
        [sys.executable, "-m", "bulkmail", "run", job.name, "--output", "out"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    rows = sum(1 for _ in (folder / "out" / "records.ndjson").open("rb"))
    return Cost(asked(tenant) - before, seconds, taken() - cpu, rows)


def taken() -> float:
    """Seconds of a core that ended children took so far."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main() -> None:
    size, words = int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:]
    latency = float(words[1]) if len(words) > 1 else 0.05
    settings = Settings(size, seed=11, latency=latency, absent=0.0, denied=0.0, moving=0.0, tls=False)
    with tempfile.TemporaryDirectory() as name, open_tenant(Path(name), settings) as tenant:
        costs: dict[str, Cost] = {}
        for task in (*(report.name for report in PARTS.values()), mailbox_report.name):
            cost = costs[task] = measured(tenant, Path(name) / task, task, batch="batch" in words)
            spent = f"{cost.seconds:.1f} s, {cost.cpu:.1f} s of a core"
            print(f"{task}: {cost.requests:,} requests, {spent}, {cost.rows:,} rows", flush=True)
        sweep = costs.pop(mailbox_report.name)
        alone = Cost(*(sum(values) for values in zip(*costs.values(), strict=True)))
        longest = max(costs.values(), key=lambda cost: cost.seconds)
        for than, other in (("all parts together", alone), ("the longest part", longest)):
            shares = ", ".join(f"{sweep[place] / other[place]:.2f} of the {what}" for place, what in enumerate(WHAT))
            print(f"beside {than}: {shares}")
        print(f"breaches: {tenant.books()['breaches']}")


if __name__ == "__main__":
    main()
