"""Prints how much of what can be had the pace gets where requests are refused by chance: alone, and on top of limits.

    python -m tests.bench.noise_plot [PART OF A SITUATION'S NAME ...]

Runs on a virtual clock against the tests' own models. At a rate r with a share p of refusals that each cost w seconds
of silence, r / (1 + p r w) a second can be had, in the mean: a quarter of an hour has only some 26 silences of 30 s,
and what is sent between them varies by a fifth. So what is got is also shown beside what a client gets that knows the
limit, and has the same luck. (One that sends 1,000 a second has 50 more under way when it is refused: where chance lets
through as few, its share of luck is large.)
"""

import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import Pool

from bulkmail.core.pace.pace import Pace
from tests.core.models import Bucket, Knowing, Noise, Open, Penalty, Service, Trace, drive, steady

Course = Callable[[float], float]
"""A figure that may change with the time."""

SEEDS = range(1, 5)


@dataclass(frozen=True, slots=True)
class Situation:
    """`rate` is what the service or the client can do a second, `share` what is refused by chance, for `wait`."""

    name: str
    service: Callable[[], Service]
    rate: Course
    share: Course = lambda _: 0.0
    wait: float = 1.0
    seconds: float = 300.0
    demand: float = math.inf

    def had(self, now: float) -> float:
        rate = self.rate(now)
        return rate / (1 + self.share(now) * rate * self.wait)


def even(rate: float) -> Course:
    return lambda _: rate


def bursts(share: float) -> Course:
    """Every ten minutes, for half a minute."""
    return lambda now: share if now % 600 >= 570 else 0.0


def shared(low: float, high: float, period: float) -> Course:
    """What another client leaves of a limit, between `low` and `high`."""
    return lambda now: low + (high - low) * (1 + math.cos(2 * math.pi * now / period)) / 2


def steps(seconds: float, *rates: float) -> Course:
    return lambda now: rates[int(now / seconds) % len(rates)]


def bucket(rate: Course, *, burst: float = 100, wait: float = 1, harsh: bool = False) -> Callable[[], Service]:
    return lambda: Bucket(rate, steady(0.05, 0.15), burst, wait, harsh)


def opened() -> Service:
    return Open(steady(0.04, 0.06))


def situations() -> list[Situation]:
    found = []
    for share in (0.0005, 0.001, 0.005, 0.01, 0.02):
        for wait in (1.0, 2.0, 10.0, 30.0):
            seconds = 300.0 if wait < 10 else 900.0
            name = f"noise {share:.2%} {wait:.0f} s"
            found.append(Situation(name, opened, even(1000), even(share), wait, seconds, 1000))
            name = f"500/s and noise {share:.2%} {wait:.0f} s"
            found.append(Situation(name, bucket(even(500)), even(500), even(share), wait, seconds))
    for share in (0.001, 0.005, 0.02):
        name = f"500/s harsh and noise {share:.2%} 1 s"
        found.append(Situation(name, bucket(even(500), harsh=True), even(500), even(share), 1.0))
        name = f"500, 200, 800/s and noise {share:.2%} 1 s"
        rate = steps(120, 500, 200, 800)
        found.append(Situation(name, bucket(rate), rate, even(share), 1.0, 360))
    for share in (0.005, 0.02):
        name = f"bursts of noise {share:.2%} 1 s"
        found.append(Situation(name, opened, even(1000), bursts(share), 1.0, 1260, 1000))
        name = f"500/s and bursts of noise {share:.2%} 1 s"
        found.append(Situation(name, bucket(even(500)), even(500), bursts(share), 1.0, 1260))
    for period in (120, 600):
        rate = shared(200, 500, period)
        found.append(Situation(f"500/s shared, waves of {period} s", bucket(rate), rate, seconds=1200))
    rate = steps(60, 500, 300, 400, 200)
    found.append(Situation("500/s shared, steps of 60 s", bucket(rate), rate, seconds=720))
    found.append(Situation("500/s shared, steps of 60 s, harsh", bucket(rate, harsh=True), rate, seconds=720))
    found.append(Situation("500/s", bucket(even(500)), even(500)))
    found.append(Situation("500/s harsh", bucket(even(500), harsh=True), even(500)))
    found.append(Situation("500/s penalty", lambda: Penalty(500, steady(0.05, 0.15)), even(500)))
    for high in (True, False):
        rate = steps(120, 500, 200, 800)
        found.append(Situation(f"500, 200, 800/s harsh={high}", bucket(rate, harsh=high), rate, seconds=360))
    return found


def chance(service: Service, situation: Situation, seed: int) -> Service:
    draw = random.Random(seed).random
    return Noise(service, situation.share, situation.wait, draw) if situation.share(570) else service


def longest_below(trace: Trace, situation: Situation) -> int:
    """Seconds on end, after the tenth, in which the rate stays below half of what can be had."""
    longest = run = 0
    for second, rate in enumerate(trace.rates):
        got = rate / (1 + situation.share(second) * rate * situation.wait)
        run = run + 1 if got < situation.had(second) / 2 and second > 10 else 0
        longest = max(longest, run)
    return longest


def measure(number: int) -> str:
    situation = situations()[number]
    spans = ((0.0, 60.0), (60.0, 120.0), (120.0, situation.seconds))
    shares, knowing, below, refused, pace = [0.0] * 3, [0] * 3, 0, 0.0, Pace()
    got = [0] * 3
    for seed in SEEDS:
        pace = Pace()
        trace = drive(pace, chance(situation.service(), situation, seed),
                      seconds=situation.seconds, demand=situation.demand)  # fmt: skip
        ideal = drive(Knowing(situation.rate), chance(situation.service(), situation, seed),
                      seconds=situation.seconds, demand=situation.demand)  # fmt: skip
        for place, (start, end) in enumerate(spans):
            had = sum(situation.had(start + tenth / 10) / 10 for tenth in range(int((end - start) * 10)))
            shares[place] += trace.between(start, end) / had / len(SEEDS)
            got[place] += trace.between(start, end)
            knowing[place] += ideal.between(start, end)
        below = max(below, longest_below(trace, situation))
        refused += trace.refused / len(SEEDS)
    lucky = [one / max(1, other) for one, other in zip(got, knowing, strict=True)]
    short = " " if max(shares[1], lucky[1]) >= 0.85 else "2"
    short += " " if max(shares[2], lucky[2]) >= 0.95 else "3"
    short += "h" if below > 20 else " "
    cells = " | ".join(f"{share:6.1%} {luck:6.1%}" for share, luck in zip(shares, lucky, strict=True))
    return f"| {situation.name:42} | {cells} | {refused:7.3%} | {below:4} | {short} | {pace!r}"


def main() -> None:
    parts = sys.argv[1:] or [""]
    wanted = [number for number, it in enumerate(situations()) if any(part in it.name for part in parts)]
    print("| situation | minute 1 | minute 2 | from minute 3 | refused | s below half | short |")
    print("|---|---|---|---|---|---|---|")
    with Pool(2) as pool:
        for line in pool.imap(measure, wanted):
            print(line, flush=True)


if __name__ == "__main__":
    main()
