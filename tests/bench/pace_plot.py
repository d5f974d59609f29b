"""Prints what the pace gets in each situation, and draws how it follows a limit that moves.

    python -m tests.bench.pace_plot [FILE.svg]

Runs on a virtual clock, half a minute of CPU for an hour of sending; needs nothing but the tests' own models.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from bulkmail.core.pace.pace import Pace
from tests.core.models import Bucket, Crowd, Open, Queue, Service, Trace, drive, noisy, steady

WIDTH, HEIGHT, LEFT, TOP = 860, 300, 50, 20
PHASES = (500.0, 200.0, 800.0)
PHASE = 120.0


def moving(now: float) -> float:
    return PHASES[min(len(PHASES) - 1, int(now / PHASE))]


def limit(rate: float, *, burst: float = 100, wait: float = 1, harsh: bool = False, faults: float = 0) -> Bucket:
    return Bucket(lambda _: rate, steady(0.05, 0.15), burst, wait, harsh, faults)


SITUATIONS: list[tuple[str, Service, Callable[[float], float], float]] = [
    ("500/s", limit(500), lambda _: 500, 180),
    ("500/s, refuses all until Retry-After", limit(500, harsh=True), lambda _: 500, 180),
    ("500, 200, 800/s, two minutes each", Bucket(moving, steady(0.05, 0.15)), moving, 3 * PHASE),
    ("the same, refuses all", Bucket(moving, steady(0.05, 0.15), harsh=True), moving, 3 * PHASE),
    ("20/s", limit(20), lambda _: 20, 180),
    ("100/s", limit(100), lambda _: 100, 180),
    ("2,000/s", limit(2000), lambda _: 2000, 180),
    ("5,000/s", limit(5000), lambda _: 5000, 120),
    ("500/s, burst 10", limit(500, burst=10), lambda _: 500, 180),
    ("500/s, burst 500", limit(500, burst=500), lambda _: 500, 180),
    ("500/s, burst 2,000", limit(500, burst=2000), lambda _: 500, 180),
    ("500/s, Retry-After 5 s", limit(500, wait=5), lambda _: 500, 300),
    ("500/s, Retry-After 30 s", limit(500, wait=30), lambda _: 500, 900),
    ("500/s, log-normal latency", Bucket(lambda _: 500, noisy(0.1, 0.7), harsh=True), lambda _: 500, 180),
    ("500/s, 1 % of 5xx", limit(500, faults=0.01), lambda _: 500, 180),
    ("queue of 100 servers, 100 ms", Queue(100, 0.1), lambda _: 1000, 60),
    ("300 in flight at most", Crowd(300, steady(0.05, 0.15)), lambda _: 3000, 120),
]


def share(trace: Trace, rate: Callable[[float], float], start: float, end: float) -> str:
    offered = sum(rate(start + tenth / 10) / 10 for tenth in range(int((end - start) * 10)))
    return f"{trace.between(start, end) / offered:6.1%}" if end > start else "     -"


def table() -> None:
    print("| situation | minute 1 | from minute 2 | whole | refused |")
    print("|---|---|---|---|---|")
    for name, service, rate, seconds in SITUATIONS:
        trace = drive(Pace(), service, seconds=seconds)
        shares = [share(trace, rate, *span) for span in ((0, 60), (60, seconds), (0, seconds))]
        print(f"| {name} | {' | '.join(shares)} | {trace.refused:.2%} |")
    for latency in (0.15, 0.75):
        trace = drive(Pace(), Open(steady(latency, latency)), work=50_000)
        print(f"\n50,000 requests of {latency * 1000:.0f} ms, no limit: {trace.end:.1f} s, {50_000 / trace.end:,.0f}/s")


def points(values: list[float], highest: float) -> str:
    across, up = (WIDTH - LEFT) / len(values), (HEIGHT - 2 * TOP) / highest
    return " ".join(f"{LEFT + at * across:.1f},{HEIGHT - TOP - value * up:.1f}" for at, value in enumerate(values))


DRAWING = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
{scale}<polyline points="{limit}" fill="none" stroke="#c33" stroke-dasharray="5 3"/>
<polyline points="{answered}" fill="none" stroke="#246"/>
<text x="{left}" y="14" fill="#c33">- - what the service takes a second: 500, 200, 800</text>
<text x="{middle}" y="14" fill="#246">answers in each second, nothing told beforehand</text>
<text x="{left}" y="{bottom}">0</text><text x="{middle}" y="{bottom}">{half} s</text>
</svg>
"""


def scale(highest: float) -> str:
    """A line and a figure for each limit, and for nothing at all."""
    across = 'stroke="#ddd"'
    lines = []
    for value in (0, *sorted(PHASES)):
        y = HEIGHT - TOP - value * (HEIGHT - 2 * TOP) / highest
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" {across}/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.0f}</text>')
    return "\n".join(lines) + "\n"


def drawing() -> str:
    """Requests answered in each second against the limit, as an SVG document."""
    seconds = int(3 * PHASE)
    trace = drive(Pace(), Bucket(moving, steady(0.05, 0.15), harsh=True), seconds=seconds)
    answered = [0.0] * seconds
    for at in trace.good:
        answered[min(seconds - 1, int(at))] += 1
    highest = max(*answered, *PHASES)
    return DRAWING.format(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        middle=(LEFT + WIDTH) // 2,
        bottom=HEIGHT - 4,
        half=seconds // 2,
        scale=scale(highest),
        limit=points([moving(at) for at in range(seconds)], highest),
        answered=points(answered, highest),
    )


if __name__ == "__main__":
    table()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(drawing(), encoding="utf-8")
