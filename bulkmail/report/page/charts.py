"""Where lines, bars and labels of a chart stand. Pure geometry: the templates draw it.

A chart is 380 units wide, about as many as a telephone has pixels, so that its labels can be read there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bulkmail.report.page.curves import Curve, Curves
from bulkmail.text import duration

WIDTH, HEIGHT = 380.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 42.0, 10.0, 10.0, 22.0

THIN = 0.004
"""Share of a bar that the smallest part gets, so that it is seen."""


class Tick(NamedTuple):
    """A label and where it stands on its axis."""

    at: float
    label: str


class Bar(NamedTuple):
    """A bar with its label in words."""

    x: float
    y: float
    width: float
    height: float
    label: str
    number: int


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: SVG paths of its line and of the area below, and the labels of both axes. `marks` are places on the
    horizontal one at which something happened."""

    name: str
    unit: str
    line: str
    area: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    marks: tuple[float, ...]
    peak: float
    mean: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Upright bars over labels, and the labels of the vertical axis."""

    bars: tuple[Bar, ...]
    up: tuple[Tick, ...]


class Part(NamedTuple):
    """A part of a bar that lies: where it begins and how long it is, as shares of the whole."""

    at: float
    width: float


def lines(curves: Curves) -> list[Line]:
    return [line(curves, curve) for curve in curves.curves]


def line(curves: Curves, curve: Curve) -> Line:
    end = curves.times[-1]
    high, up = _upward(curve.peak)
    points = [
        (round(_across(time / end), 1), round(_up(value / high), 1))
        for time, value in zip(curves.times, curve.values, strict=True)
    ]
    drawn = " ".join(f"{x} {y}" for x, y in points)
    floor = HEIGHT - BOTTOM
    area = f"M{points[0][0]} {floor} L{drawn} L{points[-1][0]} {floor} Z"
    marks = tuple(round(_across(time / end), 1) for time in curves.resumed)
    return Line(curve.name, curve.unit, f"M{drawn}", area, _over_time(end), up, marks, curve.peak, curve.mean)


def bars(numbers: Sequence[tuple[str, int]]) -> Bars:
    """One for each label and number."""
    high, up = _upward(max((number for _, number in numbers), default=0), whole=True)
    room = (WIDTH - LEFT - RIGHT) / max(1, len(numbers))
    drawn = []
    for place, (label, number) in enumerate(numbers):
        top = _up(max(number / high, 0.01 if number else 0.0))
        x = LEFT + place * room + room * 0.1
        drawn.append(
            Bar(round(x, 1), round(top, 1), round(room * 0.8, 1), round(HEIGHT - BOTTOM - top, 1), label, number)
        )
    return Bars(tuple(drawn), up)


def spread(numbers: Sequence[float], most: int = 10) -> list[tuple[str, int]]:
    """Numbers in their order, in ranges that are as wide as each other."""
    low, high = numbers[0], numbers[-1]
    if low == high:
        return [(_shown(low), len(numbers))]
    found = [0] * most
    for number in numbers:
        found[min(most - 1, int((number - low) / (high - low) * most))] += 1
    width = (high - low) / most
    return [(_shown(low + place * width), count) for place, count in enumerate(found)]


def parts(numbers: Sequence[float]) -> list[Part]:
    """How a whole is divided; what is there at all is wide enough to be seen."""
    total = sum(numbers)
    if not total:
        return [Part(0.0, 0.0) for _ in numbers]
    shares = [max(number / total, THIN) if number else 0.0 for number in numbers]
    whole, at, found = sum(shares), 0.0, []
    for share in shares:
        found.append(Part(round(at, 4), round(share / whole, 4)))
        at += share / whole
    return found


def _across(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _up(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _upward(peak: float, *, whole: bool = False) -> tuple[float, tuple[Tick, ...]]:
    """The upper end of an axis on which `peak` has room, and labels at round figures."""
    step = _round_step(peak / 3)
    step = max(step, 1.0) if whole else step
    high = max(step, math.ceil(peak / step) * step)
    count = round(high / step)
    return high, tuple(Tick(round(_up(n / count), 1), _shown(n * step)) for n in range(count + 1))


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is not below `least`."""
    if least <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(power * lead for lead in (1, 2, 5, 10) if power * lead >= least * 0.999)


def _over_time(seconds: float) -> tuple[Tick, ...]:
    unit = 3600.0 if seconds >= 7200 else 60.0 if seconds >= 120 else 1.0
    step = _round_step(seconds / unit / 4) * unit
    count = int(seconds / step + 0.001)
    return tuple(Tick(round(_across(n * step / seconds), 1), _time(n * step)) for n in range(count + 1))


def _time(seconds: float) -> str:
    if not seconds:
        return "0"
    return duration(seconds).replace(" 0 s", "").replace(" 0 min", "")


def _shown(value: float) -> str:
    """A figure in few characters."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            scale = 1e3 if unit == "k" else limit
            return f"{value / scale:.3g}{unit}"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.2g}"
