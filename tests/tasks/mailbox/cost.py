"""What a sweep of several reports costs beside each of them alone: `python -m tests.tasks.mailbox.cost 10000`.

The simulator is in this process and bulkmail in one of its own, so that neither takes the other's core. With `batch` as
a second word requests travel in batches; a third is the latency of the service in seconds. Mostly it is one of the two
cores that is busy all the time; `tests.tasks.mailbox.latency` tells what the service's time alone is.
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
BUSY = 0.8
"""Of a core: a side that takes so much of its own is what the time is bounded by."""


class Cost(NamedTuple):
    """Requests, seconds, seconds of a core that bulkmail takes, the same for the simulator, posts of batches, and
    rows."""

    requests: int
    seconds: float
    cpu: float
    service: float
    posts: int
    rows: int

    def told(self, latency: float) -> str:
        """In words, with what the time was bounded by. By Little's law so many requests are worked on at a time as come
        in the time that one takes."""
        posts = f" in {self.posts:,} posts" if self.posts else ""
        asked = f"{self.requests:,} requests{posts}, {self.rows:,} rows"
        cores = f"{self.cpu:.1f} s of a core for bulkmail, {self.service:.1f} s for the simulator"
        at_a_time = f"{self.requests * latency / self.seconds:,.0f} at a time"
        return f"{asked}, {self.seconds:.1f} s, {cores}, {at_a_time}; bounded by {self.bound()}"

    def bound(self) -> str:
        spent, whose = max((self.cpu, "bulkmail"), (self.service, "the simulator"))
        return f"the CPU of {whose}" if spent >= BUSY * self.seconds else "the latency, or by others on this machine"


def measured(tenant: Tenant, folder: Path, name: str, *, batch: bool) -> Cost:
    """What one run costs. Raises AssertionError unless every mailbox is ok."""
    folder.mkdir()
    listed = write_list(folder, tenant.addresses())
    more = f'[input]\npath = "{listed.name}"\n[limits]\nbatch = {json.dumps(batch)}\n[task]\nname = "{name}"'
    job = write_job(folder, tenant.simulator, tenant.app, more)
    before, posts, start, cpu, own = asked(tenant), posted(tenant), time.monotonic(), taken(), time.process_time()
    done = subprocess.run(
        [sys.executable, "-m", "bulkmail", "run", job.name, "--output", "out"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds, service = time.monotonic() - start, time.process_time() - own
    assert done.returncode == 0, done.stderr
    rows = sum(1 for _ in (folder / "out" / "records.ndjson").open("rb"))
    return Cost(asked(tenant) - before, seconds, taken() - cpu, service, posted(tenant) - posts, rows)


def posted(tenant: Tenant) -> int:
    """Batches that Graph has answered so far."""
    return sum(tenant.books()["routes"].get("POST /$batch", {}).values())


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
            print(f"{task}: {cost.told(latency)}", flush=True)
        sweep = costs.pop(mailbox_report.name)
        alone = Cost(*(sum(values) for values in zip(*costs.values(), strict=True)))
        longest = max(costs.values(), key=lambda cost: cost.seconds)
        for than, other in (("all parts together", alone), ("the longest part", longest)):
            shares = ", ".join(f"{sweep[place] / other[place]:.2f} of the {what}" for place, what in enumerate(WHAT))
            print(f"beside {than}: {shares}")
        print(f"breaches: {tenant.books()['breaches']}")


if __name__ == "__main__":
    main()
