"""The samples of a run as curves over its working time. Pure.

Where a run was stopped and resumed, the time between does not count: the curve goes on, with a mark. Samples become
some hundred steps, rates as what was done in a step and other figures as their mean.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import fmean

from bulkmail.rundir.samples import Sample

STEPS = 160
"""Steps of a curve: a screen shows no more."""

FEW = 3
"""Samples below which there is no curve."""


LONGEST, GREATEST = 1e9, 1e15
"""Seconds, and any other figure, beyond which a sample is not believed."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over time: a value for each of the `times` of its curves. `total` is what a rate adds up to."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def peak(self) -> float:
        return max(self.values, default=0.0)

    @property
    def mean(self) -> float:
        return fmean(self.values) if self.values else 0.0


@dataclass(frozen=True, slots=True)
class Curves:
    """`times` are seconds of work at which steps end; at those in `resumed` another process went on."""

    times: tuple[float, ...]
    resumed: tuple[float, ...]
    curves: tuple[Curve, ...]


def curves_of(samples: Sequence[Sample]) -> Curves | None:
    """None where there are too few samples."""
    usable = [sample for sample in samples if _is_usable(sample)]
    processes = list(_processes(usable))
    whole = sum(process[-1].seconds for process in processes)
    if len(usable) < FEW or whole <= 0:
        return None
    steps, resumed, base = list[_Step](), list[float](), 0.0
    for process in processes:
        steps += _steps(process, base, whole / STEPS)
        base += process[-1].seconds
        resumed.append(base)
    drawn = (Curve(name, unit, tuple(map(value, steps))) for name, unit, value in _FIGURES)
    return Curves(tuple(step.time for step in steps), tuple(resumed[:-1]), tuple(drawn))


@dataclass(frozen=True, slots=True)
class _Step:
    """Samples of a step that ends at `time`, and the last one before it."""

    time: float
    before: Sample
    samples: tuple[Sample, ...]

    def rate(self, figure: Callable[[Sample], float]) -> float:
        last = self.samples[-1]
        seconds = last.seconds - self.before.seconds
        return max(0.0, figure(last) - figure(self.before)) / seconds if seconds > 0 else 0.0

    def mean(self, figure: Callable[[Sample], float]) -> float:
        return fmean(map(figure, self.samples))


_FIGURES: tuple[tuple[str, str, Callable[[_Step], float]], ...] = (
    ("Mailboxes a second", "a second", lambda step: step.rate(lambda one: one.done)),
    ("Requests a second", "a second", lambda step: step.rate(lambda one: one.requests)),
    ("Requests in flight", "", lambda step: step.mean(lambda one: one.in_flight)),
    ("Refusals a second", "a second", lambda step: step.rate(lambda one: one.throttled)),
    ("Mailboxes that wait", "", lambda step: step.mean(lambda one: one.waiting)),
    ("Memory", "MB", lambda step: step.mean(lambda one: one.memory) / 1_000_000),
)


def _is_usable(sample: Sample) -> bool:
    """Whether its figures are such as a run can have: the file may come from elsewhere."""
    figures = (sample.done, sample.requests, sample.in_flight, sample.throttled, sample.waiting, sample.memory)
    return 0 <= sample.seconds <= LONGEST and all(0 <= number <= GREATEST for number in figures)


def _processes(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """The samples of each process that worked on the run: its time begins anew."""
    process: list[Sample] = []
    for sample in samples:
        if process and sample.seconds < process[-1].seconds:
            yield process
            process = []
        process.append(sample)
    if process:
        yield process


def _steps(process: Sequence[Sample], base: float, width: float) -> Iterator[_Step]:
    """The steps of one process, which begins at `base`; its first sample is where they start from."""
    first, *rest = process
    groups = [tuple(group) for _, group in groupby(rest, lambda sample: int(sample.seconds / width))]
    for before, group in pairwise([(first,), *groups]):
        yield _Step(base + group[-1].seconds, before[-1], group)
