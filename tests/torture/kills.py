"""SIGKILL at random moments of `bulkmail run` and `bulkmail resume`, until the run is complete; then it is judged.

The moments are drawn by seed, some so early that nothing has begun, most while there is work; what they hit depends on
the machine. A share of the starts runs an interpreter of its own, the others are forked (see `starter`). The tenant
loses answers, applies late and resets, and lives through all restarts.
"""

import json
import random
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import mean

from tests.torture.judge import judged, lines
from tests.torture.round import ENDED, Ground, Round
from tests.torture.starts import Starter

MAILBOXES = 60
"""Mailboxes of a round: about a second of work."""

MOST = 60
"""Kills of one round, after which it is left alone."""


@dataclass(slots=True)
class Killed:
    """What a number of rounds came to. `stages` counts kills by how far the run had got."""

    rounds: int = 0
    mailboxes: int = 0
    kills: int = 0
    anew: int = 0  # kills of an interpreter of its own
    stages: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Killed") -> None:
        self.rounds += other.rounds
        self.mailboxes += other.mailboxes
        self.kills += other.kills
        self.anew += other.anew
        self.stages += other.stages
        self.statuses += other.statuses
        self.wrong += other.wrong


def calibrated(ground: Ground, lanes: int, *, anew: bool = False) -> float:
    """The seconds that a round takes without a kill, beside as many others as there will be."""

    def undisturbed(work: Round) -> float:
        work.prepare()
        with ground.starter() as start:
            return start(work.folder, *work.command(), anew=anew).seconds

    with ThreadPoolExecutor(lanes) as pool:
        return mean(pool.map(undisturbed, ground.rounds(lanes, MAILBOXES)))


def tortured(
    work: Round, start: Starter, moments: Iterator[float], *, most: int = MOST, anew: bool = False
) -> Killed:  # fmt: skip
    """One round: each start is killed after the next of `moments`, in seconds. With `anew`, every process is an
    interpreter of its own."""
    found = Killed(rounds=1, mailboxes=len(work.addresses))
    work.prepare()
    while True:
        resumed = (work.out / "run.json").exists()
        signals = [(next(moments), signal.SIGKILL)] if found.kills < most else []
        ended = start(work.folder, *work.command(), signals=signals, anew=anew)
        if ended.code != -signal.SIGKILL or ended.hangs:
            break
        found.kills += 1
        found.anew += anew
        found.stages[_stage(work)] += 1
        found.stages["in a process that had resumed"] += resumed
    if ended.hangs or ended.code not in ENDED:
        found.wrong.append(f"{work.folder}: ended with {ended.code}{' (it hung)' * ended.hangs}: {work.said()}")
    else:
        found.wrong += [f"{work.folder}: {one}" for one in judged(work)]
        found.statuses.update(line["status"] for line in lines(work.out / "outcomes.ndjson"))
    return found


def moments(dice: random.Random, usual: float) -> Iterator[float]:
    """One in six before there can be any work, the others anywhere in the time that a whole run takes."""
    while True:
        yield dice.uniform(0.0, usual / 5 if dice.random() < 1 / 6 else usual)


def _stage(work: Round) -> str:
    """How far the run had got, by its files: what is torn or not committed does not count."""
    if not (work.out / "run.json").exists():
        return "before there was a run"
    done = _whole(work.out / "outcomes.ndjson")
    if not done:
        return "before the first outcome"
    return "in the midst of the work" if done < len(work.addresses) else "after the last outcome"


def _whole(path: Path) -> int:
    count = 0
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            json.loads(line)
        except ValueError:
            break
        count += 1
    return count


def kill(ground: Ground, seed: int, kills: int, anew: int) -> Killed:
    """Rounds until so many kills were made, `anew` of them of interpreters of their own."""
    found = _anew(ground, seed, anew) if anew else Killed()
    usual, number = calibrated(ground, ground.lanes), 0
    with ThreadPoolExecutor(ground.lanes) as pool:
        while found.kills < kills and not found.wrong:
            pending = []
            for work in ground.rounds(ground.lanes, MAILBOXES):
                dice = random.Random(f"{seed} {ground.trial.name} {number}")
                pending.append(pool.submit(_in_lane, ground, work, moments(dice, usual)))
                number += 1
            for one in pending:
                found.add(one.result())
    return found


def _in_lane(ground: Ground, work: Round, when: Iterator[float]) -> Killed:
    with ground.starter() as start:
        return tortured(work, start, when)


def _anew(ground: Ground, seed: int, kills: int) -> Killed:
    usual, found = calibrated(ground, 1, anew=True), Killed()
    dice = random.Random(f"{seed} {ground.trial.name} anew")
    while found.kills < kills and not found.wrong:
        work = ground.rounds(1, MAILBOXES)[0]
        with ground.starter() as start:
            when = (dice.uniform(usual / 3, usual) for _ in count())
            found.add(tortured(work, start, when, most=kills - found.kills, anew=True))
    return found
