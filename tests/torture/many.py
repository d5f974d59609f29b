"""One run over many mailboxes, shared by workers, under a limit of the application; judged by the tenant's books.

    python -m tests.torture.many --mailboxes 200000 --workers 4 --rate 500

The tenant, a process of its own, lets an application send so many requests a second, and tells it to wait when it sends
more: to all workers then, since they share it. No mailbox may have more than four requests in flight, no request may
come while the application was told to wait, but for those that were sent while the word was on its way from one worker
to the others (`--delay`), and every row has one outcome.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.torture.round import CLEAN, STILL
from tests.torture.tenant import Json, Tenant, open_tenant

SLOTS = 4


def shared(tenant: Tenant, folder: Path, workers: int) -> tuple[int, float, float]:
    """The exit code of a run, its seconds, and those of CPU of all its processes."""
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in tenant.app.items())
    (folder / "mailboxes.csv").write_text("\n".join(["mailbox", *tenant.addresses]) + "\n", encoding="utf-8")
    (folder / "job.toml").write_text(
        f'[app]\n{table}\n\n[input]\npath = "mailboxes.csv"\n\n[output]\ndirectory = "out"\n\n'
        f'[limits]\nbatch = true\n\n[cluster]\nworkers = {workers}\n\n[task]\nname = "settings.report"\n',
        encoding="utf-8",
    )
    begun, before = time.monotonic(), os.times()
    with (folder / "said.err").open("wb") as said:
        code = subprocess.run(
            [sys.executable, "-m", "bulkmail", "run", "job.toml", "--no-progress"], cwd=folder, check=False,
            stdout=said, stderr=said,
        ).returncode  # fmt: skip
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return code, time.monotonic() - begun, cpu


def wrong(out: Path, addresses: Iterable[str], books: Json, delay: float) -> Iterable[str]:
    """What was promised and not kept."""
    outcomes = Counter[str]()
    statuses = Counter[str]()
    with (out / "outcomes.ndjson").open("rb") as lines:
        for line in lines:
            outcome = json.loads(line)
            outcomes[outcome["mailbox"]] += 1
            statuses[outcome["status"]] += 1
    with (out / "records.ndjson").open("rb") as lines:
        rows = Counter(json.loads(line)["mailbox"] for line in lines)
    asked = set(addresses)
    if lost := asked - set(outcomes):
        yield f"{len(lost)} mailboxes without an outcome"
    if doubled := {one for one, count in outcomes.items() if count > 1}:
        yield f"{len(doubled)} mailboxes with more than one outcome"
    if set(statuses) != {"ok"}:
        yield f"outcomes are {dict(statuses)}"
    if rows != Counter(asked):
        yield f"{rows.total()} rows of {len(rows)} mailboxes"
    if books["most_in_flight_per_mailbox"] > SLOTS or books["breaches"].get("MailboxConcurrency"):
        yield f"up to {books['most_in_flight_per_mailbox']} requests for a mailbox: {books['breaches']}"
    if books["early_after"] > delay:
        yield f"{books['early']} requests were early, up to {books['early_after']} s after the application was told"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailboxes", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second that the application may send")
    parser.add_argument("--latency", default="20ms")
    parser.add_argument("--delay", type=float, default=0.1, help="seconds that a word may take between the workers")
    wanted = parser.parse_args()
    limits = ["--rate", str(wanted.rate), "--retry-after", "decimal", "--latency", wanted.latency]
    with tempfile.TemporaryDirectory(prefix="torture-many-") as name:
        folder = Path(name)
        flags = ["--mailboxes", str(wanted.mailboxes), *CLEAN, *STILL, *limits]
        with open_tenant(folder / "tenant", *flags) as tenant:
            code, seconds, cpu = shared(tenant, folder, wanted.workers)
            books = tenant.books()
        found = [*wrong(folder / "out", tenant.addresses, books, wanted.delay)] if code == 0 else [f"exit code {code}"]
        parts = books["parts"] or books["requests"]
        refused = sum(books["breaches"].values()) + books["fenced"]
        print(
            f"| {wanted.mailboxes:,} mailboxes | {wanted.workers} workers | {seconds:.0f} s | {cpu:.0f} s CPU | "
            f"{parts:,} requests, {parts / seconds:.0f}/s of {wanted.rate:.0f} | {refused:,} refused | "
            f"{books['breaches']} | {books['early']} early, up to {1000 * books['early_after']:.0f} ms after | "
            f"{books['most_in_flight_per_mailbox']} in flight for a mailbox | {len(found)} wrong |", flush=True,
        )  # fmt: skip
        for one in found:
            print(f"    {one}", flush=True)
        if code:
            print((folder / "said.err").read_text(encoding="utf-8")[-3000:], flush=True)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
