"""What a sweep of several reports costs beside each of them alone: `python -m tests.tasks.mailbox.cost 10000`.

The simulator is in this process and bulkmail in one of its own, so that neither takes the other's core. With `batch` as
a second word requests travel in batches; a third is the latency of the service in seconds.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.tasks.mailbox.parts import PARTS
from bulkmail.testing.tenant import Tenant, open_tenant, write_job, write_list
from tests.tasks.folders.forest import asked


def measured(tenant: Tenant, folder: Path, name: str, *, batch: bool) -> tuple[int, float, int]:
    """Requests, seconds and rows of one run. Raises AssertionError unless every mailbox is ok."""
    folder.mkdir()
    listed = write_list(folder, tenant.addresses())
    more = f'[input]\npath = "{listed.name}"\n[limits]\nbatch = {json.dumps(batch)}\n[task]\nname = "{name}"'
    job = write_job(folder, tenant.simulator, tenant.app, more)
    before, start = asked(tenant), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bulkmail", "run", job.name, "--output", "out"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.monotonic() - start
    assert done.returncode == 0, done.stderr
    rows = sum(1 for _ in (folder / "out" / "records.ndjson").open("rb"))
    return asked(tenant) - before, seconds, rows


def main() -> None:
    size, words = int(sys.argv[1]) if len(sys.argv) > 1 else 200, sys.argv[2:]
    latency = float(words[1]) if len(words) > 1 else 0.05
    settings = Settings(size, seed=11, latency=latency, absent=0.0, denied=0.0, moving=0.0, tls=False)
    with tempfile.TemporaryDirectory() as name, open_tenant(Path(name), settings) as tenant:
        alone = {}
        for task in (*(report.name for report in PARTS.values()), "mailbox.report"):
            requests, seconds, rows = measured(tenant, Path(name) / task, task, batch="batch" in words)
            print(f"{task}: {requests:,} requests, {seconds:.1f} s, {rows:,} rows", flush=True)
            if task != "mailbox.report":
                alone[task] = requests, seconds
        longest = max(spent for _, spent in alone.values())
        share, times = requests / sum(cost for cost, _ in alone.values()), seconds / longest
        print(f"of the requests of all alone: {share:.2f}; of the time of the longest: {times:.2f}")
        print(f"breaches: {tenant.books()['breaches']}")


if __name__ == "__main__":
    main()
