"""`python -m tests.bench.messages [GROUP …]`: what the tasks of messages promise, shown on a simulator in a process of
its own. Ends with 1 if a figure is not what it should be.

    python -m tests.bench.messages planted --mailboxes 20000 --planted 1137
    python -m tests.bench.messages faults --mailboxes 20000 --planted 1137
    python -m tests.bench.messages mark --messages 14617
    python -m tests.bench.messages walk --messages 250000
    python -m tests.bench.messages nights --mailboxes 20000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.tenant import Json, Tenant, open_tenant

STILL = ("--plain", "--absent", "0", "--denied", "0", "--moving", "0")
FAR = ("--latency", "150ms", "--round-trip", "100ms")
FAULTS = (
    "throttle:share=0.05,seconds=1", "status:status=503,share=0.01", "lost:share=0.02,match=/move",
    "lost:share=0.02,match=permanentDelete",
)  # fmt: skip
PHISH = {"subject": "Your salary statement", "sender": "payroll@attacker.example"}
SELECTION = {"sender": PHISH["sender"], "received_from": "2026-11-19"}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run of bulkmail; `memory` is the peak of its process in MB."""

    code: int
    seconds: float
    memory: float
    rows: list[Json]
    said: str


class Ground:
    """A simulator, and jobs against it in a folder."""

    def __init__(self, tenant: Tenant, folder: Path) -> None:
        self.tenant = tenant
        self.folder = folder
        self._jobs = 0

    def run(self, task: str, options: Mapping[str, Any], addresses: Sequence[str], *flags: str, more: str = "") -> Run:
        self._jobs += 1
        name = f"{self._jobs}-{task}"
        (self.folder / f"{name}.csv").write_text("\n".join(["mailbox", *addresses]) + "\n", encoding="utf-8")
        app = "\n".join(f"{key} = {json.dumps(value)}" for key, value in self.tenant.app.items())
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in {"name": task, **options}.items())
        text = f'[app]\n{app}\n[input]\npath = "{name}.csv"\n[output]\ndirectory = "{name}"\n{more}\n[task]\n{table}\n'
        (self.folder / f"{name}.toml").write_text(text, encoding="utf-8")
        return self.bulkmail("run", f"{name}.toml", *flags, out=name)

    def bulkmail(self, *words: str, out: str) -> Run:
        began = time.monotonic()
        command = [sys.executable, "-c", PEAK, *words, "--no-progress"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        records = self.folder / out / "records.ndjson"
        rows = [json.loads(line) for line in records.read_bytes().splitlines()] if records.exists() else []
        peak = done.stderr.rpartition("PEAK ")[2].strip()
        return Run(done.returncode, seconds, int(peak or 0) / 1024, rows, done.stderr)

    def phish(self) -> dict[str, int]:
        """The folder of each planted message that is left, by its mailbox, of the mailboxes that were written to."""
        rows = self.tenant.books_of("messages")
        return {row["mailbox"]: row["parent"] for row in rows if row["subject"] == PHISH["subject"]}


PEAK = (
    "import atexit,resource,sys\n"
    "from bulkmail.cli import main\n"
    "atexit.register(lambda: print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))\n"
    "main()"
)


class Checks:
    """Figures, and those that are not what they should be."""

    def __init__(self) -> None:
        self.wrong = 0

    def __call__(self, what: str, found: Any, wanted: Any, *, holds: Callable[[Any, Any], bool] | None = None) -> None:
        good = (holds or (lambda one, other: one == other))(found, wanted)
        self.wrong += not good
        print(f"  {what}: {found}{'' if good else f' (WRONG, should be {wanted})'}", flush=True)


def at_most(found: float, wanted: float) -> bool:
    return found <= wanted


def planted(wanted: argparse.Namespace, folder: Path, checks: Checks, faults: Sequence[str] = ()) -> None:
    """One message in some of the mailboxes: found, purged softly, given back, purged for good."""
    many, few = wanted.mailboxes, wanted.planted
    with open_tenant(folder / "tenant", "--mailboxes", str(many), *STILL) as tenant:
        ground = Ground(tenant, folder)
        addresses = list(tenant.addresses)
        chosen = addresses[:: max(1, many // few)][:few]
        tenant.control(deliver={**PHISH, "to": chosen})
        tenant.control(faults=list(faults))
        found = ground.run("messages.find", SELECTION, addresses)
        checks("find: code", found.code, 0)
        checks("find: mailboxes with it", sorted(row["mailbox"] for row in found.rows) == sorted(chosen), wanted=True)
        checks("find: messages", len(found.rows), few)
        print(f"  find: {found.seconds:.1f} s, {many / found.seconds:,.0f} mailboxes/s")
        before = tenant.books()["effects"]["total"]
        plan = ground.run("messages.purge", SELECTION, addresses)
        checks("plan: rows", (len(plan.rows), {row["state"] for row in plan.rows}), (few, {"planned"}))
        checks("plan: writes", tenant.books()["effects"]["total"] - before, 0)
        soft = ground.run("messages.purge", SELECTION, addresses, "--apply")
        checks("soft: code and rows", (soft.code, len(soft.rows)), (0, few))
        checks("soft: in Deleted Items", list(ground.phish().values()).count(5), few)
        checks("soft: other messages touched", touched(tenant, PHISH["subject"]), 0)
        again = ground.run("messages.purge", SELECTION, addresses, "--apply")
        checks("soft, a second time: rows", len(again.rows), 0)
        undone = ground.bulkmail("undo", "3-messages.purge", "--apply", out="-")
        checks("undo: code", undone.code, 0)
        checks("undo: back in the Inbox", list(ground.phish().values()).count(2), few)
        checks("undo: other messages touched", touched(tenant, PHISH["subject"]), 0)
        hard = {**SELECTION, "mode": "hard", "confirm": "permanent"}
        gone = ground.run("messages.purge", hard, addresses, "--apply")
        checks("hard: code and rows", (gone.code, len(gone.rows)), (0, few))
        checks("hard: messages left", len(ground.phish()), 0)
        checks("hard: other messages touched", touched(tenant, PHISH["subject"]), 0)
        books = tenant.books()
        checks("limits broken", books["breaches"], {})
        checks("asked early", books["early"], 0)
        print(f"  faults: {books['faults']}")


def faults(wanted: argparse.Namespace, folder: Path, checks: Checks) -> None:
    """The same, with 5 % refused, 1 % unavailable, and answers to moves and deletions lost."""
    planted(wanted, folder, checks, FAULTS)


def touched(tenant: Tenant, subject: str) -> int:
    """Messages with another subject that were ever changed or moved."""
    return sum(row["subject"] != subject for row in tenant.books_of("touched"))


def mark(wanted: argparse.Namespace, folder: Path, checks: Checks) -> None:
    """Many messages of one mailbox marked as read: 100 ms there and back, and 150 ms in which a request is in flight
    for the service."""
    with open_tenant(folder / "tenant", "--mailboxes", "1", *STILL, *FAR) as tenant:
        ground, address = Ground(tenant, folder), tenant.addresses[0]
        tenant.control(deliver={"to": [address], "subject": "Unread", "copies": wanted.messages})
        set_to = ("--apply", *(f"--set={one}" for one in wanted.settings))
        done = ground.run("messages.mark", {"subject": "Unread", "read": True}, [address], *set_to)
        checks("code and rows", (done.code, len(done.rows)), (0, wanted.messages))
        left = sum(row["subject"] == "Unread" and not row["isRead"] for row in tenant.books_of("messages"))
        checks("left unread", left, 0)
        books = tenant.books()
        checks("refused", books["breaches"], {})
        checks("asked early", books["early"], 0)
        checks("most in flight", books["most_in_flight_per_mailbox"], 4, holds=at_most)
        rate = wanted.messages / done.seconds
        print(f"  {done.seconds:.1f} s, {rate:.1f}/s: {14_617 / rate / 60:.1f} min for 14,617; {done.memory:.0f} MB")


def walk(wanted: argparse.Namespace, folder: Path, checks: Checks) -> None:
    """A mailbox of many messages, with one page in twenty spoilt; its memory beside that of a small one."""
    peaks = []
    for number in (2_000, wanted.messages):
        here = folder / str(number)
        here.mkdir()
        with open_tenant(here / "tenant", "--mailboxes", "1", *STILL) as tenant:
            ground, address = Ground(tenant, here), tenant.addresses[0]
            tenant.control(deliver={"to": [address], "subject": "One of many", "copies": number})
            tenant.control(faults=["page-repeat:share=0.025", "status:status=504,share=0.025"])
            done = ground.run("messages.find", {"subject": "One of many"}, [address])
            truth = {f"<One-of-many.{copy}@delivered.example>" for copy in range(number)}
            same = {row["internet_message_id"] for row in done.rows} == truth
            checks(f"{number:,}: exactly the messages that are there", same, wanted=True)
            checks(f"{number:,}: ids", len({row["id"] for row in done.rows}), number)
            checks(f"{number:,}: rows", len(done.rows), number)
            faults = tenant.books()["faults"]
            print(f"  {number:,}: {done.seconds:.1f} s, peak {done.memory:.0f} MB, faults {faults}")
            peaks.append(done.memory)
    checks("MB more than the small one", round(peaks[1] - peaks[0]), 40, holds=at_most)


def nights(wanted: argparse.Namespace, folder: Path, checks: Checks) -> None:
    """A full pass, and the night after in which a hundredth of the messages is new."""
    with open_tenant(folder / "tenant", "--mailboxes", str(wanted.mailboxes), *STILL) as tenant:
        ground, addresses = Ground(tenant, folder), list(tenant.addresses)
        options, state = {"since": "last"}, '[state]\npath = "state.sqlite"'
        first = ground.run("messages.find", options, addresses, more=state)
        checks("first night: code", first.code, 0)
        new = len(first.rows) // 100
        receivers = [addresses[place * len(addresses) // new] for place in range(new)]
        tenant.control(deliver={"to": receivers, "subject": "New"})
        before, lists = tenant.books()["requests"], _listings(tenant)
        second = ground.run("messages.find", options, addresses, more=state)
        checks("second night: code", second.code, 0)
        checks("second night: rows", sum(row["subject"] == "New" for row in second.rows), new)
        checks("second night: other rows", sum(row["subject"] != "New" for row in second.rows), 0)
        asked, least = tenant.books()["requests"] - before, _listings(tenant) - lists
        checks("second night: requests", asked, int(1.1 * least), holds=at_most)
        print(f"  {len(first.rows):,} messages in {first.seconds:.1f} s, then {new:,} in {second.seconds:.1f} s; "
              f"{asked:,} requests, {least:,} of them to a folder each")  # fmt: skip


def _listings(tenant: Tenant) -> int:
    """Requests for what changed in a folder."""
    answered = tenant.books()["routes"].get("GET /users/{}/mailFolders/{}/messages/delta", {})
    return sum(answered.values())


GROUPS: Mapping[str, Callable[[argparse.Namespace, Path, Checks], None]] = {
    "planted": planted, "faults": faults, "mark": mark, "walk": walk, "nights": nights,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.messages", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"any of {', '.join(GROUPS)}; all without any")
    parser.add_argument("--mailboxes", type=int, default=200)
    parser.add_argument("--planted", type=int, default=11)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--set", dest="settings", action="append", default=[], help="of `mark`: as of bulkmail run")
    wanted, checks = parser.parse_args(), Checks()
    for name in wanted.groups or GROUPS:
        print(f"{name}: {(GROUPS[name].__doc__ or '').strip()}", flush=True)
        with tempfile.TemporaryDirectory(prefix="bulkmail-messages-") as folder:
            GROUPS[name](wanted, Path(folder), checks)
    print(f"{checks.wrong} figures are wrong; {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} s of CPU")
    return int(bool(checks.wrong))


if __name__ == "__main__":
    sys.exit(main())
