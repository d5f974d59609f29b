"""Ends in good order: a signal at a random moment, a second one, a time box, a bound, and a folder that is held.

A stopped run says how to go on, and going on completes it. Signals are sent from when the run has begun to when it
should have ended: one that comes before bulkmail listens ends the process as the system does it, which is a kill.
"""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import mean

from tests.torture.judge import judged, lines
from tests.torture.kills import MAILBOXES
from tests.torture.round import ENDED, Ground, Round
from tests.torture.starts import Start, Starter

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
GRACE = 30.0

BEGUN = "out/run.json"
"""Whoever has written it listens."""


@dataclass(slots=True)
class Stopped:
    """What a number of stops came to; `orderly` ones ended with the code for it. `longest` is the most seconds from
    the signal to the end."""

    stops: int = 0
    orderly: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0
    wrong: list[str] = field(default_factory=list)


def stop(ground: Ground, seed: int, stops: int) -> Stopped:
    """One signal each, and every fourth time a second one a moment later."""
    found = Stopped()
    with ThreadPoolExecutor(ground.lanes) as pool:
        usual = mean(pool.map(lambda work: _undisturbed(ground, work), ground.rounds(ground.lanes, MAILBOXES)))
        pending = []
        for first in range(0, stops, 20):
            for place, work in enumerate(ground.rounds(min(20, stops - first), MAILBOXES), first):
                dice = random.Random(f"{seed} stop {place}")
                pending.append(pool.submit(_in_lane, ground, work, dice, usual, twice=place % 4 == 3))
        for one in pending:
            told = one.result()
            found.stops += told.stops
            found.orderly += told.orderly
            found.codes += told.codes
            found.longest = max(found.longest, told.longest)
            found.wrong += told.wrong
    if not found.orderly:
        found.wrong.append("no run was stopped in good order")
    return found


def _undisturbed(ground: Ground, work: Round) -> float:
    """The seconds from its beginning to its end, beside as many others as will be stopped at a time."""
    work.prepare()
    with ground.starter() as start:
        ended = start(work.folder, *work.command(), since=BEGUN)
    return ended.seconds - ended.begun


def _in_lane(ground: Ground, work: Round, dice: random.Random, usual: float, *, twice: bool) -> Stopped:
    work.prepare()
    number = dice.choice(list(CODES))
    after = dice.uniform(0.0, usual)
    signals = [(after, int(number)), *([(after + 0.05, int(number))] if twice else [])]
    with ground.starter() as start:
        ended = start(work.folder, *work.command(), signals=signals, since=BEGUN)
        found = Stopped(
            1, int(ended.code == CODES[number]), Counter({f"{number.name}{' twice' * twice}: {ended.code}": 1})
        )
        if ended.told:
            found.longest = ended.seconds - ended.told[0]
        wrong = _unexpected(ended, CODES[number], work)
        wrong = wrong or _completed(start, work)
    found.wrong = [f"{work.folder} ({number.name}, {after:.3f} s): {one}" for one in wrong]
    return found


def _unexpected(ended: Start, code: int, work: Round) -> list[str]:
    """A signal may also come while the summary of a finished run is printed."""
    said = work.said("said.err", "said.out")
    if ended.hangs or (ended.told and ended.seconds - ended.told[0] > GRACE):
        return ["did not end in time"]
    if ended.code not in (code, 0, 3, -(code - 128)):
        return [f"ended with {ended.code}: {said[-300:]}"]
    state = json.loads((work.out / "run.json").read_bytes())["state"]
    if ended.code == code and state != "finished" and "bulkmail resume" not in said:
        return ["does not say how to go on"]
    return []


def _completed(start: Starter, work: Round) -> list[str]:
    again = start(work.folder, *work.command())
    return judged(work) if again.code in ENDED else [f"went on and ended with {again.code}: {work.said()}"]


def bound(ground: Ground, most: int) -> list[str]:
    """`--max-changes` in a trial whose mailboxes have one change each: exactly so many are made, then the rest."""
    work = ground.rounds(1, MAILBOXES)[0]
    work.prepare()
    before = ground.tenant.books()["effects"]["total"]
    with ground.starter() as start:
        ended = start(work.folder, *work.command("--max-changes", str(most)))
        made = ground.tenant.books()["effects"]["total"] - before
        wrong = [] if (ended.code, made) == (5, most) else [f"--max-changes {most}: {made} made, code {ended.code}"]
        again = start(work.folder, *work.command("--max-changes", "0"))
        return wrong + (judged(work) if again.code == 0 else [f"went on and ended with {again.code}: {work.said()}"])


def time_boxed(ground: Ground) -> list[str]:
    """`--max-duration`, long enough to begin and too short to end."""
    work = ground.rounds(1, MAILBOXES)[0]
    work.prepare("requests_per_second = 20\n")
    with ground.starter() as start:
        ended = start(work.folder, *work.command("--max-duration", "500ms"))
        if ended.code != 5:
            return [f"--max-duration: ended with {ended.code}"]
        again = start(work.folder, *work.command("--max-duration", "0s"))
        return judged(work) if again.code == 0 else [f"went on and ended with {again.code}: {work.said()}"]


def held(ground: Ground) -> list[str]:
    """A second process is turned away with the number of the first; once that is killed, nothing is in the way."""
    work = ground.rounds(1, MAILBOXES)[0]
    work.prepare("requests_per_second = 5\n")
    command = [sys.executable, "-m", "bulkmail"]
    with subprocess.Popen(
        [*command, *work.command()], cwd=work.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as holder:
        try:
            for _ in range(600):
                if lines(work.out / "outcomes.ndjson"):
                    break
                time.sleep(0.05)
            second = subprocess.run(
                [*command, "resume", "out"], cwd=work.folder, capture_output=True, text=True, timeout=30, check=False
            )
        finally:
            holder.kill()
    wrong = [] if second.returncode == 6 else [f"the second process ended with {second.returncode}"]
    if not re.search(rf"\b{holder.pid}\b", second.stderr):
        wrong.append(f"it does not name the holder: {second.stderr}")
    text = (work.folder / "job.toml").read_text(encoding="utf-8").replace("requests_per_second = 5\n", "")
    (work.folder / "job.toml").write_text(text, encoding="utf-8")
    with ground.starter() as start:
        return wrong + _completed(start, work)


def shown(found: Stopped) -> str:
    codes = json.dumps(dict(sorted(found.codes.items())))
    return f"{found.stops} stops, {found.orderly} in good order, {codes}, longest {found.longest:.1f} s"
