"""Reads a token bucket's rate and burst off the refusals it causes; steers nothing, and knows time only as a number.

A bucket that holds `burst` and fills at `rate` lets through, in any span of time, at most

    count = burst + rate * seconds

and the span that begins when it was last full and ends with a refusal has exactly that many. So a refusal tells the
rate as a function of the burst: the largest (count - burst) / seconds of all spans that end with it. Two refusals, one
after a fast climb and one after a slow approach, give two such curves, and where they cross both figures can be read: a
limit of 500/s with a burst of 100 is known within one percent after its second refusal. The windows of time that
some Graph services count by look much the same from outside: what may be spent at once is their burst.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice

REMEMBER = 1200
"""Marks kept: a minute of them, beside which the bursts that are met do not matter."""

PRIOR = 0.1
"""Seconds of sending that a first refusal puts down to the burst, before anything is known of it."""

SHORTEST = 0.1
"""Seconds; a shorter span counts as this long, since a small error of the burst would be a large one of the rate."""

APART = 2.0
"""Two refusals are compared when one came after a span this many times as long as the other's."""

HALVINGS = 16
"""Steps in the search for a burst: enough to know the largest to a hundredth of a percent."""

DENSE, COARSE = 40, 20
"""Of the spans the DENSE shortest are looked at, and of the others every COARSE-th."""


@dataclass(frozen=True, slots=True)
class Span:
    """`count` requests were let through in `seconds`."""

    count: float
    seconds: float


class SendLog:
    """How many requests had been sent by when, since sending last began."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=REMEMBER)
        self._begun = 0

    def begin(self, now: float, sent: int) -> None:
        self._marks.clear()
        self._marks.append((now, sent))
        self._begun = sent

    def mark(self, now: float, sent: int) -> None:
        self._marks.append((now, sent))

    def count(self, end: float, rate: float) -> float:
        """How many were sent until `end` since sending began; past the last mark, at `rate`."""
        return self._until(end, rate)[1] - self._begun if self._marks else 0.0

    def spans(self, end: float, rate: float) -> list[Span]:
        """Spans from a mark to `end`; past the last mark, sending is taken to have gone on at `rate`."""
        if not self._marks:
            return [Span(0.0, 0.0)]
        behind, total = self._until(end, rate)
        spans = [Span(total - count, max(0.0, end - start)) for start, count in islice(self._marks, behind)]
        return spans[:-DENSE:COARSE] + spans[-DENSE:]

    def _until(self, end: float, rate: float) -> tuple[int, float]:
        """How many marks lie before `end`, and how many requests had been sent by then."""
        marks = self._marks
        behind = max(1, bisect_right(marks, end, key=lambda mark: mark[0]))
        at, sent = marks[behind - 1]
        if behind < len(marks):
            later, then = marks[behind]
            rate = (then - sent) / (later - at)
        return behind, sent + rate * max(0.0, end - at)


def tightest(spans: list[Span], burst: float | None) -> tuple[float, Span]:
    """The largest rate that one of `spans` speaks for, had it begun with a full bucket and ended with an empty one."""
    return max(((_rate(span, burst), span) for span in spans), key=lambda pair: pair[0])


def _rate(span: Span, burst: float | None) -> float:
    if burst is None:
        return span.count / (span.seconds + PRIOR)
    return (span.count - burst) / max(span.seconds, SHORTEST)


class BucketFit:
    """The bucket as far as refusals have shown it. `burst` is None until two of them crossed."""

    def __init__(self) -> None:
        self.burst: float | None = None
        self._earlier: list[Span] = []

    def rate(self, spans: list[Span]) -> float:
        """Requests a second that a refusal at the end of `spans` speaks for, by what is known of the burst."""
        return tightest(spans, self.burst)[0]

    def compare(self, spans: list[Span]) -> bool:
        """Learns the burst from this refusal and an earlier one of the same limit; False if they do not tell."""
        burst = self._crossing(spans) if self._earlier else None
        if burst is not None:
            self.burst = burst if self.burst is None else (self.burst + min(burst, 2 * self.burst)) / 2
        if not self._earlier or self._differ(self._earlier, spans, self.burst):
            self._earlier = spans
        return burst is not None

    def forget(self) -> None:
        """The limit moved: earlier refusals were another's. The burst is kept as the best guess there is."""
        self._earlier = []

    def _crossing(self, spans: list[Span]) -> float | None:
        """The burst for which this refusal and the earlier one mean the same rate; None if none is plausible."""

        def gap(burst: float) -> float:
            return tightest(self._earlier, burst)[0] - tightest(spans, burst)[0]

        low, high = 0.0, max(span.count for span in spans + self._earlier)
        sign = gap(low) > 0
        if sign == (gap(high) > 0):
            return None
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if (gap(middle) > 0) == sign else (low, middle)
        return low if self._differ(self._earlier, spans, low) else None

    @staticmethod
    def _differ(one: list[Span], other: list[Span], burst: float | None) -> bool:
        """Whether two refusals are far enough apart to cross anywhere in particular."""
        short, long = sorted(tightest(spans, burst)[1].seconds for spans in (one, other))
        return long - short > SHORTEST and long > APART * short
