"""`python -m tests.torture.items`: exports mailboxes by runs that are killed again and again, and imports them into
others the same way, at a service that loses answers and ends its sessions.

Every item has to have one row with the stream that the tenant knows of, and to be imported exactly once. Of each
mailbox, a start may have no more sent again than one chunk, by the tenant's own books. Ends with 1 if that does not
hold.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

from tests.torture.judge import lines
from tests.torture.round import CLEAN, ENDED, STILL
from tests.torture.starts import Starter, open_starter
from tests.torture.tenant import Json, Tenant, open_tenant

FAULTS = (
    "reset-before:share=0.02,match=/exportItems", "reset-in-body:share=0.03,match=/exportItems",
    "lost:share=0.05,match=/_import", "late:share=0.05,seconds=0.3,match=/_import",
    "reset-before:share=0.02,match=/_import", "status:status=503,share=0.02,match=/_import",
)  # fmt: skip
CHUNK = 80
"""Items that are committed together, at the most."""

IDS = 20
"""Items of one call: an answer that broke off is asked for again within a start as well."""

LONGEST = 50
"""Seconds after which a start is killed in any case: a starter takes one that lives for a minute for one that hangs."""


@dataclass(slots=True)
class Trial:
    """Runs over `addresses`, each killed until so many kills were made. `span` is the time in which, in seconds."""

    folder: Path
    tenant: Tenant
    start: Starter
    dice: random.Random
    span: float
    kills: int = 0
    again: int = 0
    """Items of one mailbox that one start had sent again, at the most."""
    wrong: list[str] = field(default_factory=list)

    def run(self, name: str, table: str, rows: Sequence[str], kills: int, *flags: str) -> Path:
        """Runs a task until it is complete; `rows` are those of its list. Returns its directory."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "list.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        app = "\n".join(f"{key} = {json.dumps(value)}" for key, value in self.tenant.app.items())
        (folder / "job.toml").write_text(
            f'[app]\n{app}\n\n[input]\npath = "list.csv"\n\n[output]\ndirectory = "out"\n\n[state]\npath = "state"\n\n'
            f"[limits]\nmax_attempts = 20\nsettle = 0.5\nrequests_in_flight = 8\n\n[task]\n{table}\n",
            encoding="utf-8",
        )
        for place in count():
            words = ["resume", "out"] if (folder / "out" / "run.json").exists() else ["run", "job.toml", *flags]
            when = self.dice.uniform(self.span / 5, self.span) if place < kills else LONGEST
            before = self._sent()
            ended = self.start(folder, *words, "--no-progress", signals=[(when, signal.SIGKILL)])
            self.wrong += self._sent_again(f"{name}, start {place}", before, self._sent())
            if ended.code != -signal.SIGKILL:
                break
            self.kills += 1
        if ended.code not in ENDED:
            self.wrong.append(f"{name}: ended with {ended.code}: {(folder / 'said.err').read_text(encoding='utf-8')}")
        return folder / "out"

    def _sent(self) -> Json:
        """The tenant's books, when what a start that was killed has asked for is answered, or dropped."""
        before, books = None, self.tenant.books("?effects=all")
        while books != before:
            time.sleep(0.05)
            before, books = books, self.tenant.books("?effects=all")
        return books

    def _sent_again(self, start: str, before: Json, after: Json) -> Iterator[str]:
        """What is wrong with what was sent again between two states of the books."""
        broken = after["faults"].get("reset-in-body", 0) - before["faults"].get("reset-in-body", 0)
        for mailbox, one in after["streams"].items():
            was = before["streams"].get(mailbox, {"sent": 0, "items": 0})
            again = (one["sent"] - one["items"]) - (was["sent"] - was["items"])
            self.again = max(self.again, again)
            if again > CHUNK + IDS * broken:
                yield f"{start}: {again} items of mailbox {mailbox} were sent again, {broken} answers broke off"


def exported(
    tenant: Tenant, out: Path, addresses: Sequence[str], struck: Collection[str] = frozenset()
) -> Iterator[str]:
    """What is wrong with an export. Items may have failed by the errors that they were `struck` by."""
    rows: dict[str, list[Json]] = {address: [] for address in addresses}
    for row in lines(out / "records.ndjson"):
        rows[row["mailbox"]].append(row)
    for address in addresses:
        truth = {one["id"]: one for one in tenant.held("streams", address)}
        times = Counter(row["item_id"] for row in rows[address])
        if set(times) != set(truth) or set(times.values()) - {1}:
            yield f"{address}: {len(truth)} items, {len(times)} rows, {times.total() - len(times)} twice"
        for row in rows[address]:
            if row["state"] == "failed" and row["error"].partition(":")[0] in struck:
                continue
            if row["state"] != "exported" or row["sha256"] != truth[row["item_id"]]["sha256"]:
                yield f"{address}: {row['item_id']} is {row['state']} {row['error']}"
            elif _digest(out / row["file"], row["offset"], row["bytes"]) != row["sha256"]:
                yield f"{address}: {row['item_id']} does not lie where its row says"


def _digest(path: Path, offset: int, size: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return sha256(file.read(size)).hexdigest()


def imported(tenant: Tenant, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What is wrong with an import: by the tenant's own books."""
    for source, target in pairs:
        wanted = Counter(one["sha256"] for one in tenant.held("streams", source))
        found = Counter(one["sha256"] for one in tenant.held("imported", target))
        if found != wanted:
            yield f"{target}: {(wanted - found).total()} lost, {(found - wanted).total()} twice, of {wanted.total()}"


def secrets_in(folder: Path) -> Iterator[str]:
    """Files with an address of a session in them."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pem" and _holds(path, b"authtoken"):
            yield f"{path} has the address of a session"


def _holds(path: Path, word: bytes) -> bool:
    before = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if word in before + block:
                return True
            before = block[-len(word) :]
    return False


def there(trial: Trial, out: Path, pairs: Sequence[tuple[str, str]], kills: int) -> None:
    """Imports what lies in `out` from the first of each pair into the second."""
    rows = ["mailbox,from", *(f"{target},{source}" for source, target in pairs)]
    table = f'name = "items.import"\nsource = {json.dumps(str(out))}\nmailbox_column = "from"'
    trial.run("import", table, rows, kills, "--apply")
    trial.wrong += imported(trial.tenant, pairs)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture.items", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=10, help="that are exported, each into another one")
    parser.add_argument("--items", type=int, default=300, help="of each")
    parser.add_argument("--largest", type=int, default=1_000_000, help="bytes of an item")
    parser.add_argument("--kills", type=int, default=10, help="of the export, and as many of the import")
    parser.add_argument("--only-export", action="store_true")
    parser.add_argument("--span", type=float, default=2.0, help="seconds in which each start is killed")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bulkmail-items-"))
    flags = ["--mailboxes", str(2 * wanted.mailboxes), *CLEAN, *STILL, "--latency", "20ms", "--session-life", "5s"]
    flags += ["--items", str(wanted.items), "--largest-item", str(wanted.largest)]
    flags += [word for fault in FAULTS for word in ("--fault", fault)]
    began = time.monotonic()
    with open_tenant(folder / "tenant", *flags) as tenant, open_starter() as start:
        addresses = tenant.take(2 * wanted.mailboxes)
        sources, targets = addresses[: wanted.mailboxes], addresses[wanted.mailboxes :]
        trial = Trial(folder, tenant, start, random.Random(wanted.seed), wanted.span)
        out = trial.run("export", 'name = "items.export"', ["mailbox", *sources], wanted.kills)
        trial.wrong += exported(tenant, out, sources)
        print(f"{time.monotonic() - began:5.0f} s  export: {trial.kills} kills, {len(trial.wrong)} wrong; a start had "
              f"{trial.again} items of a mailbox sent again at the most", flush=True)  # fmt: skip
        if not wanted.only_export:
            there(trial, out, list(zip(sources, targets, strict=True)), wanted.kills)
            told = f"import: {trial.kills} kills, {len(trial.wrong)} wrong"
            print(f"{time.monotonic() - began:5.0f} s  {told}", flush=True)
        trial.wrong += secrets_in(folder)
        books = tenant.books()
    print("\n".join(trial.wrong[:20]))
    print(f"faults {books['faults']}, breaches {books['breaches']}, {books['links_leaked']} tokens leaked")
    print(f"{trial.kills} kills; {len(trial.wrong)} promises broken; the runs lie in {folder}")
    return int(bool(trial.wrong))


if __name__ == "__main__":
    sys.exit(main())
