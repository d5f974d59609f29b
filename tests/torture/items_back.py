"""`python -m tests.torture.items_back`: exports mailboxes, imports them into others and exports those. Each stream has
to be what it was, by the tenant's own books as well. Then one byte of the archive is flipped, and has to be found.

`--session-life 5s` renews sessions all the time; no file and no log may have the address of one. `--errors` strikes
items of the export; `--only-export` ends after it. Tells what each run took and how its progress was shown, and ends
with 1 if anything is wrong. Sizes are spread evenly by their logarithm; with `--typical 30000 --largest 20000000` as in
a real mailbox, log-normal with 150 KB in the mean, and both ends have to be among 100,000 items:

    python -m tests.torture.items_back --mailboxes 200 --items 500 --largest 20000000 --typical 30000 \
        --errors --only-export
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.items import exported, imported, secrets_in
from tests.torture.judge import lines
from tests.torture.round import CLEAN, STILL
from tests.torture.tenant import Tenant, open_tenant

ERRORS = "item-error:share=0.02,code=ErrorCorruptData,match=exportItems/", "item-dropped:share=0.01,match=exportItems/"
SMALLEST, MANY = 1000, 100_000
"""Bytes of the smallest item; and items of which both ends are reached, where sizes are around a typical one."""

DIFFERS = 8
"""The exit code of a run that was asked whether anything differs."""


@dataclass(slots=True)
class Trial:
    """Runs in folders below `folder`, and what is wrong with them."""

    folder: Path
    tenant: Tenant
    wrong: list[str] = field(default_factory=list)

    def run(
        self, name: str, table: dict[str, Any], rows: Sequence[str], *flags: str, code: int = 0, state: str = "state"
    ) -> Path:
        """Runs a task over the list that `rows` are, and tells what it took. Returns its directory."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        tables = {
            "app": self.tenant.app, "input": {"path": "list.csv"}, "output": {"directory": "out"},
            "state": {"path": state}, "limits": {"settle": 0.5}, "task": table,
        }  # fmt: skip
        (folder / "job.toml").write_text("".join(map(_table, tables, tables.values())), encoding="utf-8")
        began = time.monotonic()
        command = [sys.executable, "-m", "bulkmail", "run", "job.toml", *flags]
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            self.wrong.append(
                f"{name}: ended with {process.returncode}: {(folder / 'said').read_text('utf-8')[-2000:]}"
            )
        states = Counter(row["state"] for row in lines(folder / "out" / "records.ndjson"))
        shown = [line for line in (folder / "said").read_text("utf-8").splitlines() if " of about " in line]
        took = f"{time.monotonic() - began:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU"
        print(f"{name}: {took}, {used.ru_maxrss / 1024:.0f} MB at the most, {dict(states)}", *shown[-1:],
              sep="\n  ", flush=True)  # fmt: skip
        return folder / "out"

    def came_back(self, first: Path, there: Path, again: Path) -> Iterator[str]:
        """Whether each item of the first export has the same stream in the one of where it was imported."""
        before = {(row["mailbox"], row["item_id"]): row["sha256"] for row in lines(first / "records.ndjson")}
        after = {(row["mailbox"], row["item_id"]): row["sha256"] for row in lines(again / "records.ndjson")}
        for row in lines(there / "records.ndjson"):
            if after.get((row["mailbox"], row["new_id"])) != before.pop((row["source"], row["item_id"])):
                yield f"{row['mailbox']}: {row['item_id']} is not what it was"
        yield from (f"{mailbox}: {item} was not imported" for mailbox, item in before)

    def flipped(self, out: Path, sources: Sequence[str], dice: random.Random) -> Iterator[str]:
        """Whether one byte that is not what it was is found, with its item alone."""
        whole = [row for row in lines(out / "records.ndjson") if row["state"] == "exported" and row["bytes"]]
        victim = dice.choice(whole)
        place = victim["offset"] + dice.randrange(victim["bytes"])
        with (out / victim["file"]).open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0] ^ 1 << dice.randrange(8)
            file.seek(place)
            file.write(bytes([byte]))
        table = {"name": "items.verify", "source": str(out), "how": "offline", "only": "different"}
        told = self.run("flipped", table, ["mailbox", *sources], "--drift", code=DIFFERS)
        found = [(row["mailbox"], row["item_id"], row["state"]) for row in lines(told / "records.ndjson")]
        print(f"a bit was flipped at byte {place:,} of {victim['file']}: {found}", flush=True)
        if found != [(victim["mailbox"], victim["item_id"], "differs")]:
            yield f"the byte of {victim['item_id']} that was flipped was not found: {found[:3]}"


def _table(name: str, members: dict[str, Any]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in members.items())


def ends(out: Path, wanted: argparse.Namespace) -> Iterator[str]:
    """Tells how large the items were, and what is wrong with that."""
    sizes = sorted(row["size"] for row in lines(out / "records.ndjson"))
    print(f"{len(sizes):,} items of {sizes[0]:,} to {sizes[-1]:,} bytes, half below {sizes[len(sizes) // 2]:,}, "
          f"{sum(sizes) / 1e9:.1f} GB", flush=True)  # fmt: skip
    if wanted.typical and len(sizes) >= MANY and (sizes[0], sizes[-1]) != (SMALLEST, wanted.largest):
        yield f"the ends of the sizes were not reached: {sizes[0]} and {sizes[-1]}"


def there_and_back(trial: Trial, wanted: argparse.Namespace) -> None:
    addresses = trial.tenant.take(2 * wanted.mailboxes)
    sources, targets = addresses[: wanted.mailboxes], addresses[wanted.mailboxes :]
    out = trial.run("export", {"name": "items.export"}, ["mailbox", *sources])
    struck = {"ErrorCorruptData", "ItemDropped"} if wanted.errors else set()
    trial.wrong += exported(trial.tenant, out, sources, struck)
    trial.wrong += ends(out, wanted)
    if wanted.only_export:
        return
    pairs = list(zip(sources, targets, strict=True))
    table = {"name": "items.import", "source": str(out), "mailbox_column": "from"}
    rows = ["mailbox,from", *(f"{target},{source}" for source, target in pairs)]
    there = trial.run("import", table, rows, "--apply", "--log-json", state="../state")
    trial.wrong += imported(trial.tenant, pairs)
    again = trial.run("again", {"name": "items.export"}, ["mailbox", *targets])
    trial.wrong += trial.came_back(out, there, again)
    trial.run("rerun", table, rows, "--apply", state="../state")
    trial.run("anew", table, rows, "--apply")  # which knows what is there by its streams alone
    trial.wrong += imported(trial.tenant, pairs)
    trial.wrong += trial.flipped(out, sources, random.Random(wanted.seed))
    trial.wrong += secrets_in(trial.folder)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.items_back", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=20, help="that are exported, each into another one")
    parser.add_argument("--items", type=int, default=500, help="of each")
    parser.add_argument("--largest", type=int, default=100_000, help="bytes of an item")
    parser.add_argument("--typical", type=int, default=0, help="bytes that half of the items are below")
    parser.add_argument("--latency", default="0ms", help="of an answer")
    parser.add_argument("--session-life", default="2h", help="of an import")
    parser.add_argument("--errors", action="store_true", help="2 % of the items have errors, 1 % are left out")
    parser.add_argument("--only-export", action="store_true")
    parser.add_argument("--keep", action="store_true", help="the folder of the runs")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    if wanted.errors and not wanted.only_export:
        parser.error("--errors is for --only-export: what was not exported does not come back")
    folder = Path(tempfile.mkdtemp(prefix="bulkmail-items-"))
    flags = ["--mailboxes", str(2 * wanted.mailboxes), *CLEAN, *STILL, "--latency", wanted.latency]
    flags += ["--items", str(wanted.items), "--largest-item", str(wanted.largest)]
    flags += ["--typical-item", str(wanted.typical)]
    flags += ["--session-life", wanted.session_life]
    flags += [word for fault in (ERRORS if wanted.errors else ()) for word in ("--fault", fault)]
    try:
        with open_tenant(folder / "tenant", *flags) as tenant:
            trial = Trial(folder, tenant)
            there_and_back(trial, wanted)
            books = tenant.books()
    finally:
        if not wanted.keep:
            shutil.rmtree(folder)
    sessions = books["routes"].get("POST /admin/exchange/mailboxes/{}/createImportSession", {})
    print("\n".join(trial.wrong[:20]))
    print(f"sessions {sessions}, faults {books['faults']}, breaches {books['breaches']}, "
          f"{books['links_leaked']} tokens leaked")  # fmt: skip
    print(f"{len(trial.wrong)} promises broken")
    return int(bool(trial.wrong or books["breaches"] or books["links_leaked"]))


if __name__ == "__main__":
    sys.exit(main())
