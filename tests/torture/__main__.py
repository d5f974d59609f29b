"""`make torture`: kills, harms and stops real runs against a real simulator, until they are complete, and judges them.

Prints its counts and writes them to `.bench/torture.md`. What is done is drawn by seed; what a kill hits also depends
on the machine. Ends with 1 if a promise was broken, and then says where the run lies.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.torture import journal
from tests.torture.kills import kill
from tests.torture.points import Points, fail_everywhere, kill_everywhere
from tests.torture.round import open_ground
from tests.torture.stops import bound, held, shown, stop, time_boxed
from tests.torture.trials import TRIALS

RESULT = Path(".bench/torture.md")
BY_NAME = {trial.name: trial for trial in TRIALS}
Told = tuple[str, list[str]]


def kills(wanted: argparse.Namespace, folder: Path) -> Iterable[Told]:
    for trial in wanted.trials:
        with open_ground(trial, folder / f"kills-{trial.name}", wanted.lanes, faults=True) as ground:
            each = -(-wanted.kills // len(wanted.trials))
            found = kill(ground, wanted.seed, each, min(5, each))
            stages = ", ".join(f"{count} {stage}" for stage, count in found.stages.most_common())
            counts = f"{found.kills} | {found.anew} | {found.rounds} | {found.mailboxes:,} | {dict(found.statuses)}"
            yield f"| {trial.name} | {trial.effect} | {counts} | {stages} | {len(found.wrong)} |", found.wrong


def seams(wanted: argparse.Namespace, folder: Path) -> Iterable[Told]:
    return _points(wanted, folder / "seams", lambda ground: kill_everywhere(ground, wanted.stride))


def disk(wanted: argparse.Namespace, folder: Path) -> Iterable[Told]:
    return _points(wanted, folder / "disk", lambda ground: fail_everywhere(ground, wanted.stride))


def _points(wanted: argparse.Namespace, folder: Path, do: Callable[..., Points]) -> Iterable[Told]:
    for trial in wanted.trials:
        with open_ground(trial, folder / trial.name, wanted.lanes, faults=False, latency="5ms") as ground:
            found = do(ground)
            seam = Counter(where.partition(" ")[0] for where in found.seams.elements())
            codes = dict(sorted(found.codes.items()))
            row = f"| {trial.name} | {found.points} | {dict(seam)} | {codes} | {found.most_sent} | {len(found.wrong)} |"
            yield row, found.wrong


def stops(wanted: argparse.Namespace, folder: Path) -> Iterable[Told]:
    trial = BY_NAME["settings.apply"]
    with open_ground(trial, folder / "stops", wanted.lanes, faults=False) as ground:
        found = stop(ground, wanted.seed, wanted.stops)
        yield f"| signals | {shown(found)} | {len(found.wrong)} |", found.wrong
        for name, wrong in (
            ("--max-changes 7", bound(ground, 7)),
            ("--max-duration", time_boxed(ground)),
            ("a folder that is held", held(ground)),
        ):
            yield f"| {name} | | {len(wrong)} |", wrong


def bytes_(wanted: argparse.Namespace, folder: Path) -> Iterable[Told]:
    del folder
    return ((f"| {line} |", list[str]()) for line in journal.check(wanted.seed))


GROUPS: dict[str, tuple[Callable[[argparse.Namespace, Path], Iterable[Told]], str, str]] = {
    "kills": (
        kills, "SIGKILL at random moments, until complete",
        "| task | effect | kills | of new interpreters | rounds | mailboxes | ended | where they struck | wrong |",
    ),
    "seams": (
        seams, "A kill at every seam of a run of 30 mailboxes",
        "| task | points | seams | ended | sent after | wrong |",
    ),
    "disk": (
        disk, "An error of the disk at every seam of a run of 6 mailboxes",
        "| task | points | seams | ended | sent after | wrong |",
    ),
    "stops": (stops, "Ends in good order", "| what | counts | wrong |"),
    "journal": (bytes_, "A journal's bytes", "| what |"),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"any of {', '.join(GROUPS)}; all without any")
    parser.add_argument("--kills", type=int, default=1000, help="kills in all, over the tasks that are chosen")
    parser.add_argument("--stops", type=int, default=100, help="signals")
    parser.add_argument(
        "--stride", type=int, default=1, help="only every so many-th seam; odd, as writes and syncs alternate"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=4, help="runs at a time")
    parser.add_argument("--task", action="append", choices=list(BY_NAME), help="only this one; may come again")
    wanted = parser.parse_args()
    wanted.trials = [BY_NAME[name] for name in wanted.task or BY_NAME]
    folder = Path(tempfile.mkdtemp(prefix="bulkmail-torture-"))
    report = [f"# Tortured on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, seed {wanted.seed}"]
    failures: list[str] = []
    for name in wanted.groups or GROUPS:
        group, title, heading = GROUPS[name]
        began = time.monotonic()
        report += ["", f"## {title}", "", heading, "|" + " --- |" * (heading.count("|") - 1)]
        print(f"{title}\n{heading}", flush=True)
        for row, wrong in group(wanted, folder):
            report.append(row)
            failures += wrong
            print("\n".join([row, *wrong]), flush=True)
        report += ["", f"{time.monotonic() - began:.0f} s"]
    report += ["", f"{len(failures)} promises broken.", *(f"- {one}" for one in failures)]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(report) + "\n", encoding="utf-8")
    print(f"{len(failures)} promises broken; written to {RESULT}; the runs lie in {folder}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
