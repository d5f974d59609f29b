"""Harm at every seam of a small run, one after the other: a kill, or an error of the disk; then it goes on.

A kill strikes every write, sync, open, rename, unlink and lock in the run directory, and everything sent or received.
After an error of the disk sending has to stop, the exit code is 7, what was committed stays true, and `resume` does the
rest. A folder that is moved away is noticed when the next file in it is named; until then open files take what they are
given, and it is there when the folder is. Nothing is asked of the sign of life (`.alive`): its loss only makes the next
process wait longer.
"""

import errno
import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.judge import judged
from tests.torture.round import ENDED, Ground, Round
from tests.torture.seams import Harm
from tests.torture.starts import Start, Starter

MAILBOXES = 30
FEW = 6
"""Mailboxes of a run whose disk fails."""

ACTS: Sequence[str | int] = (errno.ENOSPC, errno.EIO, errno.EACCES, "short", "torn", "gone")

STORAGE, HELD = 7, 6
STILL_SENT = 16
"""Sends after an error of the disk: what eight requests in flight had ready."""


@dataclass(slots=True)
class Points:
    """What a number of points came to. `codes` counts exit codes by what was done, `seams` where it was done."""

    points: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    seams: Counter[str] = field(default_factory=Counter)
    most_sent: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Points") -> None:
        self.points += other.points
        self.codes += other.codes
        self.seams += other.seams
        self.most_sent = max(self.most_sent, other.most_sent)
        self.wrong += other.wrong


def kill_everywhere(ground: Ground, stride: int) -> Points:
    """A kill at every `stride`-th seam."""
    return _everywhere(ground, MAILBOXES, [Harm()], stride)


def fail_everywhere(ground: Ground, stride: int) -> Points:
    """Each error of the disk at every `stride`-th seam."""
    return _everywhere(ground, FEW, [Harm(act=act, files=True) for act in ACTS], stride)


def _everywhere(ground: Ground, mailboxes: int, harms: Sequence[Harm], stride: int) -> Points:
    found = Points()
    with ThreadPoolExecutor(ground.lanes) as pool:
        for harm in harms:
            crossings = _counted(ground, mailboxes, harm)
            places = range(1, crossings + 1, stride)
            for first in range(0, len(places), 40):
                some = places[first : first + 40]
                rounds = ground.rounds(len(some), mailboxes)
                harmed = [_at(harm, place, work) for place, work in zip(some, rounds, strict=True)]
                for points in pool.map(lambda pair: _in_lane(ground, *pair), zip(rounds, harmed, strict=True)):
                    found.add(points)
    return found


def _counted(ground: Ground, mailboxes: int, harm: Harm) -> int:
    """The seams that an undisturbed run crosses."""
    work = ground.rounds(1, mailboxes)[0]
    work.prepare()
    with ground.starter() as start:
        ended = start(work.folder, *work.command(), harm=_at(harm, 0, work))
    assert ended.code == 0, work.said()
    return ended.crossings


def _at(harm: Harm, place: int, work: Round) -> Harm:
    return Harm(place, harm.act, str(work.out.resolve()), harm.files)


def _in_lane(ground: Ground, work: Round, harm: Harm) -> Points:
    with ground.starter() as start:
        return struck(start, work, harm)


def struck(start: Starter, work: Round, harm: Harm) -> Points:
    """One point: the run is harmed, goes on, and is judged."""
    work.prepare()
    ended = start(work.folder, *work.command(), harm=harm)
    found = Points()
    if not ended.harmed:  # it crossed fewer seams than the one before: groups are as large as they come
        return found
    found.points, found.most_sent = 1, ended.sent
    found.seams[ended.where] += 1
    found.codes[f"{_name(harm.act)}: {ended.code}"] += 1
    wrong = _unexpected(ended, harm)
    moved = Path(f"{work.out}-moved")
    if moved.exists():
        if not work.out.exists():
            moved.rename(work.out)
        elif any(moved.iterdir()):
            wrong.append("the folder was made anew")
    if not wrong:
        again = start(work.folder, *work.command())
        wrong = judged(work) if again.code in ENDED else [f"went on and ended with {again.code}: {work.said()}"]
    found.wrong += [f"{work.folder} at {ended.where} ({harm.at}, {_name(harm.act)}): {one}" for one in wrong]
    return found


def _unexpected(ended: Start, harm: Harm) -> list[str]:
    if harm.act == "kill":
        return [] if ended.code == -signal.SIGKILL else [f"ended with {ended.code}"]
    harmless = (
        harm.act == "short"
        or ".alive" in ended.where
        or "samples" in ended.where
        or not ended.where.startswith("write ")
    )
    allowed = (STORAGE, 0) if harmless or harm.act == "gone" else (STORAGE,)
    if ended.where.startswith("flock ") and harm.act == errno.EACCES:
        allowed = (*allowed, HELD)  # as some systems say it
    wrong = [] if ended.code in allowed else [f"ended with {ended.code}"]
    if ended.code == STORAGE and harm.act != "gone" and ended.sent > STILL_SENT:
        wrong.append(f"sent {ended.sent} times after it")
    return wrong


def _name(act: str | int) -> str:
    return errno.errorcode[act] if isinstance(act, int) else act
