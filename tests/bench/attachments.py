"""Saves many large attachments with a fresh process, some streams of which break off, and tells its peak of memory.

`python -m tests.bench.attachments 2000 40` saves 2,000 MB in files of 40 MB. Every file is compared byte for byte with
what the simulator has, which runs in this process and keeps none of it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

from bulkmail.sim import Fault, Settings
from bulkmail.sim.families.messages.attached import attached, content
from bulkmail.sim.families.messages.kind import ATTACHMENT, MESSAGE
from bulkmail.sim.world import World
from bulkmail.testing.tenant import open_tenant, write_job, write_list

MB = 1_000_000
GOAL = 150.0
"""Megabytes of resident memory that the process may have at its peak."""

BROKEN = 0.2
"""Share of the streams that break off in their middle."""


def files(world: World, number: int) -> dict[str, tuple[int, Any]]:
    """The files attached to the messages of a mailbox, by their ids, each with what its content is computed of."""
    messages, attachments = (kind.of(world.mailboxes.read(number)) for kind in (MESSAGE, ATTACHMENT))
    return {
        attachments.id_of(item): (number, item)
        for message in messages if message.props["hasAttachments"]
        for item in attached(world, number, message) if "file" in item.props["@odata.type"]
    }  # fmt: skip


def measured(command: list[str], folder: Path) -> tuple[int, float, float]:
    """Exit code, seconds, and megabytes of resident memory at the peak, of a process of its own."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - began, used.ru_maxrss * 1024 / MB


def compared(out: Path, wanted: dict[str, tuple[int, Any]]) -> tuple[int, int]:
    """How many files are as they should be, and the bytes of all."""
    same = size = 0
    for line in (out / "records.ndjson").read_bytes().splitlines():
        row = json.loads(line)
        there = (out / row["path"]).read_bytes()
        whole = content(*wanted[row["attachment_id"]])
        same += there == whole and sha256(there).hexdigest() == row["sha256"]
        size += len(there)
    return same, size


def main(total: float, each: float) -> None:
    faults = (Fault("reset-in-body", match="value", share=BROKEN),)
    settings = Settings(mailboxes=5000, absent=0, denied=0, moving=0, attachment=int(each * MB), faults=faults)
    with tempfile.TemporaryDirectory() as temporary, open_tenant(Path(temporary), settings) as tenant:
        folder, world = Path(temporary), tenant.simulator.world
        counts = list(accumulate(len(files(world, number)) for number in range(min(5000, 20 + int(total / each)))))
        mailboxes = next(number for number, count in enumerate(counts, 1) if count * each >= total)
        wanted = {name: one for number in range(mailboxes) for name, one in files(world, number).items()}
        listed = write_list(folder, tenant.addresses(mailboxes))
        task = f'[input]\npath = "{listed.name}"\n[task]\nname = "attachments.save"\nkinds = ["file"]\ninline = true\n'
        job = write_job(folder, tenant.simulator, tenant.app, task)
        code, seconds, peak = measured([sys.executable, "-m", "bulkmail", "run", job.name], folder)
        same, size = compared(folder / "out", wanted)
        books = tenant.books()
    print(f"exit code {code}, {mailboxes} mailboxes, {size / MB:,.0f} MB in {len(wanted)} files, {seconds:.0f} s")
    print(f"{books['faults'].get('reset-in-body', 0)} streams broken off, {same} of {len(wanted)} files the same")
    print(f"peak of memory {peak:.0f} MB (goal: below {GOAL:.0f})")
    sys.exit(code or same != len(wanted) or peak >= GOAL)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:3] or ("2000", "40")))
