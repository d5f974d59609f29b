"""What a command costs that has next to nothing to do: seconds of CPU of its process, the least of several starts.

`line` is what follows `bulkmail`; in it, JOB is a job of one mailbox, and RUN a run of it. A `program` is measured in
its place. The tenant is in this process, and costs that one nothing.
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Tenant, new_app, open_tenant, write_job, write_list

STARTS = 5
LIST = '[input]\npath = "mailboxes.csv"\n\n[task]\nname = "settings.report"\n'


def cpu(command: list[str], folder: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def started(line: str, folder: Path, tenant: Tenant, number: int) -> float:
    """One start. A job that is run has a directory of its own each time."""
    job = write_job(folder, tenant.simulator, tenant.app, LIST)
    bulkmail = [sys.executable, "-m", "bulkmail"]
    if "RUN" in line:
        cpu([*bulkmail, "run", job.name, "--output", f"shown-{number}"], folder)
    words = {"JOB": [job.name, "--output", f"out-{number}"], "RUN": [f"shown-{number}"]}
    return cpu([*bulkmail, *(word for part in line.split() for word in words.get(part, [part]))], folder)


def main() -> None:
    given = json.loads(sys.argv[1])
    folder = Path(given["out"])
    folder.mkdir()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as at a user's: only the first start compiles
    with open_tenant(folder, Settings(mailboxes=1, latency=0.0), new_app(folder)) as tenant:
        write_list(folder, tenant.addresses())
        if program := given.get("program"):
            found = [cpu([sys.executable, "-c", program], folder) for _ in range(STARTS)]
        else:
            found = [started(given["line"], folder, tenant, number) for number in range(STARTS)]
    print(json.dumps({"ok": 1, "seconds": min(found)}))


if __name__ == "__main__":
    main()
