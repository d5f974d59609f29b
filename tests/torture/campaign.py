"""`python -m tests.torture.campaign`: one event in all calendars of a tenant that loses answers, by runs that are
killed again and again; then undone, added anew, cancelled, and the cancelling undone.

After each step every calendar is looked at: exactly one event of the campaign or none, and all else as it was. A second
apply sends no write. Ends with 1 if that does not hold.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.torture.judge import ASIDE, lines
from tests.torture.round import CLEAN, ENDED, STILL
from tests.torture.starts import Starter, open_starter
from tests.torture.tenant import Json, Tenant, open_tenant

CAMPAIGN = 'campaign = "torture"\n'
WHEN = 'start = 2026-12-24\nall_day = true\ntime_zone = "Europe/Berlin"\n'
ADD = f'name = "events.add"\n{CAMPAIGN}subject = "Closed"\n{WHEN}'
CANCEL = f'name = "events.cancel"\n{CAMPAIGN}'
LOST = ("lost:share=0.1",)
LONGEST = 50
"""Seconds after which a start is killed in any case: a starter takes one that lives for a minute for one that hangs."""


@dataclass(slots=True)
class Sweep:
    """What runs over all mailboxes came to. `span` is the time in which each start is killed, in seconds."""

    folder: Path
    tenant: Tenant
    addresses: Sequence[str]
    start: Starter
    dice: random.Random
    span: float
    kills: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self, name: str, table: str, kills: int) -> Json:
        """Applies a task, killed so many times; returns its manifest."""
        folder = self.folder / name
        self._write(folder, table)
        return self._until_complete(folder, ["run", "job.toml", "--apply"], "out", kills)

    def undo(self, name: str) -> Json:
        """Takes back the run of this name."""
        return self._until_complete(self.folder / name, ["undo", "out", "--apply"], "out-undo", 0)

    def held(self) -> dict[str, list[Json]]:
        """What is in every calendar."""
        return {address: self.tenant.held("events", address) for address in self.addresses}

    def _write(self, folder: Path, table: str) -> None:
        folder.mkdir()
        (folder / "mailboxes.csv").write_text("\n".join(["mailbox", *self.addresses]) + "\n", encoding="utf-8")
        app = "\n".join(f"{key} = {json.dumps(value)}" for key, value in self.tenant.app.items())
        (folder / "job.toml").write_text(
            f'[app]\n{app}\n\n[input]\npath = "mailboxes.csv"\n\n[output]\ndirectory = "out"\n\n'
            f"[limits]\nmax_attempts = 20\nsettle = 0.5\n\n[task]\n{table}",
            encoding="utf-8",
        )

    def _until_complete(self, folder: Path, begin: Sequence[str], out: str, kills: int) -> Json:
        for place in count():
            words = ["resume", out] if (folder / out / "run.json").exists() else begin
            when = self.dice.uniform(self.span / 5, self.span) if place < kills else LONGEST
            ended = self.start(folder, *words, "--no-progress", signals=[(when, signal.SIGKILL)])
            if ended.code != -signal.SIGKILL:
                break
            self.kills += 1
        statuses = Counter(line["status"] for line in lines(folder / out / "outcomes.ndjson"))
        if ended.code not in ENDED or statuses != {"ok": len(self.addresses)}:
            said = (folder / "said.err").read_text(encoding="utf-8")
            self.wrong.append(f"{folder}: ended with {ended.code}, {dict(statuses)}: {said}")
        found: Json = json.loads((folder / out / "run.json").read_bytes())
        return found


def plain(rows: Sequence[Json]) -> Counter[str]:
    """Events without what every writing changes."""
    return Counter(
        json.dumps({name: value for name, value in row.items() if name not in ASIDE}, sort_keys=True) for row in rows
    )


def compared(name: str, before: dict[str, list[Json]], now: dict[str, list[Json]], each: int) -> Iterator[str]:
    """Every calendar that does not hold what it held, and `each` events more."""
    for address, rows in now.items():
        more, less = plain(rows) - plain(before[address]), plain(before[address]) - plain(rows)
        if less or more.total() != each:
            yield f"{name}: {address} has {more.total()} events more than before, and lacks {less.total()}"


def steps(sweep: Sweep, kills: int) -> Iterator[str]:
    """A line for each step; what is wrong is kept in the sweep."""
    before = sweep.held()

    def told(name: str, each: int) -> str:
        wrong = list(compared(name, before, sweep.held(), each))
        sweep.wrong.extend(wrong)
        return f"{name}: {len(before)} calendars with {each} event of the campaign, {len(wrong)} wrong"

    def quiet(name: str, table: str) -> str:
        changes = sweep.run(name, table, 0)["changes"]
        sweep.wrong += [f"{name}: {changes}"] if changes else []
        return f"{name}: changes {changes}"

    sweep.run("add", ADD, kills)
    yield told("add", 1)
    yield quiet("add again", ADD)
    sweep.undo("add")
    yield told("undo of add", 0)
    sweep.run("add anew", ADD, 0)
    sweep.run("cancel", CANCEL, kills)
    yield told("cancel", 0)
    yield quiet("cancel again", CANCEL)
    sweep.undo("cancel")
    yield told("undo of cancel", 1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.campaign", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=10, help="of the adding, and as many of the cancelling")
    parser.add_argument("--span", type=float, default=3.0, help="seconds in which each start is killed")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bulkmail-campaign-"))
    flags = ["--mailboxes", str(wanted.mailboxes), *CLEAN, *STILL, "--latency", "20ms"]
    flags += [word for fault in LOST for word in ("--fault", fault)]
    began = time.monotonic()
    with open_tenant(folder / "tenant", *flags) as tenant, open_starter() as start:
        addresses = tenant.take(wanted.mailboxes)
        sweep = Sweep(folder, tenant, addresses, start, random.Random(wanted.seed), wanted.span)
        for line in steps(sweep, wanted.kills):
            print(f"{time.monotonic() - began:5.0f} s  {line}", flush=True)
        lost = tenant.books()["faults"]
    print("\n".join(sweep.wrong[:20]))
    print(f"{sweep.kills} kills, faults {lost}; {len(sweep.wrong)} promises broken; the runs lie in {folder}")
    return int(bool(sweep.wrong))


if __name__ == "__main__":
    sys.exit(main())
