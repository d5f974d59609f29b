"""Workers of real runs are killed, or stopped for longer than their lease; now and then it is their coordinator.

    python -m tests.torture.workers --kills 20 --trial contacts.sync-new

Each round is one run with `[cluster]` in its job, resumed where its coordinator was killed, until it is complete; then
it is judged as any round is. The victims and the moments are drawn by seed; what they hit depends on the machine.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.judge import judged
from tests.torture.round import ENDED, NARROW, Ground, Round, open_ground
from tests.torture.trials import TRIALS

MAILBOXES = 300
"""Mailboxes of a round: some seconds of work for two workers."""

LEASE = 3.0
"""Seconds of a lease in these runs."""

CLUSTER = f"\n[cluster]\nworkers = 2\nlease = {LEASE}\n"
HARMS = ("kill",) * 5 + ("stop",) * 4 + ("coordinator",)
BEGUN = "workers on this machine"
"""What a run says when its workers are up: where one dies earlier, Dask gives up all of them."""

STOPPED = 2.5 * LEASE
LONGEST = 180.0
"""Seconds after which a run that still goes on hangs."""


@dataclass(slots=True)
class Found:
    """What the rounds came to."""

    rounds: int = 0
    mailboxes: int = 0
    harms: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def harmed(work: Round, dice: random.Random, most: int) -> Found:
    """One round, with so many harms at the most."""
    found = Found(rounds=1, mailboxes=len(work.addresses))
    work.prepare(f"{NARROW}max_failures = {MAILBOXES}\n")  # an answer that was lost may leave many in doubt
    job = work.folder / "job.toml"
    job.write_text(job.read_text(encoding="utf-8") + CLUSTER, encoding="utf-8")
    while (code := _started(work, dice, found, most)) == -signal.SIGKILL:
        pass
    if code not in ENDED:
        found.wrong.append(f"{work.folder}: ended with {code}: {_said(work)[-2000:]}")
    else:
        found.wrong += [f"{work.folder}: {one}" for one in judged(work)]
    return found


def _started(work: Round, dice: random.Random, found: Found, most: int) -> int:
    """A run or resume, to its end. Returns its exit code; 255 where it hangs."""
    begun = _said(work).count(BEGUN) + 1
    with (work.folder / "said.err").open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "bulkmail", *work.command()], cwd=work.folder, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    until, stopped = time.monotonic() + LONGEST, dict[int, float]()
    try:
        while (code := process.poll()) is None and time.monotonic() < until:
            time.sleep(dice.uniform(0.1, 0.6))
            _wake(stopped)
            victims = [pid for pid in _workers(process.pid) if pid not in stopped]
            if found.harms.total() < most and victims and _said(work).count(BEGUN) == begun:
                _harm(dice.choice(HARMS), dice.choice(victims), process.pid, stopped, found)
        return 255 if code is None else code
    finally:
        _wake(dict.fromkeys(stopped, 0.0))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _said(work: Round) -> str:
    path = work.folder / "said.err"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _harm(how: str, worker: int, coordinator: int, stopped: dict[int, float], found: Found) -> None:
    with suppress(ProcessLookupError):
        if how == "stop":
            os.kill(worker, signal.SIGSTOP)
            stopped[worker] = time.monotonic() + STOPPED
        else:
            os.kill(coordinator if how == "coordinator" else worker, signal.SIGKILL)
        found.harms[how] += 1


def _wake(stopped: dict[int, float]) -> None:
    for pid, at in list(stopped.items()):
        if time.monotonic() >= at:
            del stopped[pid]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _workers(coordinator: int) -> Sequence[int]:
    """The processes that Dask has started for workers."""
    return [pid for pid in _children(coordinator) if "spawn_main" in _command(pid)]


def _children(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, thread.read_text(encoding="ascii").split())


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def harm(ground: Ground, seed: int, kills: int, each: int) -> Found:
    """Rounds until so much harm was done, `each` at the most in one of them."""
    found = Found()
    while found.harms.total() < kills and not found.wrong:
        (work,) = ground.rounds(1, MAILBOXES)
        dice = random.Random(f"{seed} {ground.trial.name} {found.rounds}")
        one = harmed(work, dice, min(each, kills - found.harms.total()))
        found.rounds += 1
        found.mailboxes += one.mailboxes
        found.harms += one.harms
        found.wrong += one.wrong
        if not one.harms:
            found.wrong.append(f"{work.folder}: nothing was harmed, so nothing was shown")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="harms for each trial")
    parser.add_argument("--each", type=int, default=6, help="harms in one round at most")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--trial", action="append", choices=[one.name for one in TRIALS], default=[])
    wanted, wrong = parser.parse_args(), False
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        for trial in TRIALS:
            if wanted.trial and trial.name not in wanted.trial:
                continue
            with open_ground(trial, Path(folder) / trial.name, 1, faults=True) as ground:
                found = harm(ground, wanted.seed, wanted.kills, wanted.each)
            print(f"| {trial.name} | {trial.effect} | {found.rounds} rounds | {found.mailboxes:,} mailboxes | "
                  f"{dict(found.harms)} | {len(found.wrong)} wrong |", flush=True)  # fmt: skip
            for one in found.wrong[:20]:
                print(f"    {one}", flush=True)
            wrong = wrong or bool(found.wrong)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
