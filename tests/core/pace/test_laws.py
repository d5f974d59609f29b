"""The parts of the pace by themselves: reading a bucket off its refusals, and finding the knee."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bulkmail.core.pace.bucket import BucketFit, SendLog, Span
from bulkmail.core.pace.knee import Knee
from bulkmail.core.pace.rate import RateLaw


def until_refused(rate: float, burst: float, sending: float) -> list[Span]:
    """All spans, a tenth of a second apart, that end as a full bucket is emptied by `sending` a second."""
    seconds = burst / (sending - rate)
    marks = range(int(seconds * 10) + 1)
    return [Span(sending * (seconds - mark / 10), seconds - mark / 10) for mark in marks]


@given(st.floats(20, 5000), st.floats(0.2, 3), st.floats(2.5, 4), st.floats(1.05, 1.2))
def test_two_refusals_tell_rate_and_burst(rate: float, depth: float, fast: float, slow: float) -> None:
    burst = rate * depth
    climb, approach = until_refused(rate, burst, rate * fast), until_refused(rate, burst, rate * slow)
    assume(climb[0].seconds > 0.25)
    fit = BucketFit()
    assert not fit.compare(climb)
    assert fit.compare(approach)
    assert fit.burst == pytest.approx(burst, rel=0.02)
    assert fit.rate(approach) == pytest.approx(rate, rel=0.02)


def test_two_refusals_alike_tell_nothing_of_the_burst() -> None:
    fit = BucketFit()
    fit.compare(until_refused(500, 100, 600))
    assert not fit.compare(until_refused(500, 100, 605))
    assert fit.burst is None


def test_refusals_of_two_limits_are_not_compared_once_the_first_is_forgotten() -> None:
    fit = BucketFit()
    fit.compare(until_refused(500, 100, 1000))
    fit.forget()
    assert not fit.compare(until_refused(200, 100, 220))


def test_refusals_that_cross_nowhere_tell_nothing() -> None:
    fit = BucketFit()
    fit.compare(until_refused(200, 100, 250))
    assert not fit.compare([*until_refused(500, 400, 2000)[:1], Span(0.0, 0.0)])


def test_refusals_that_cross_below_no_burst_at_all_tell_nothing() -> None:
    fit = BucketFit()
    fit.compare([Span(99.5, 1.0)])
    assert not fit.compare([Span(299.5, 3.0)]), "both say 100 a second, if the burst were half a request less than none"


def test_the_log_counts_between_its_marks_and_past_the_last() -> None:
    log = SendLog()
    assert log.spans(5.0, 100.0) == [Span(0.0, 0.0)]
    log.begin(10.0, 1000)
    log.mark(11.0, 1100)
    log.mark(12.0, 1300)
    assert log.spans(11.5, 0.0) == [Span(200.0, 1.5), Span(100.0, 0.5)]
    assert log.spans(12.5, 80.0) == [Span(340.0, 2.5), Span(240.0, 1.5), Span(40.0, 0.5)]
    assert log.spans(9.0, 80.0) == [Span(0.0, 0.0)], "a request that left before the log began"


def test_a_long_log_is_thinned_but_for_its_end() -> None:
    log = SendLog()
    log.begin(0.0, 0)
    for step in range(1, 601):
        log.mark(step / 10, step)
    spans = log.spans(60.0, 0.0)
    assert len(spans) < 100
    assert spans[-1] == Span(0.0, 0.0)
    assert spans[0].seconds > 59


def answers(knee: Knee, capacity: float, rounds: int, now: float = 0.0, latency: float = 0.1) -> float:
    """Rounds in which the window was full and `capacity` in flight would have brought as many answers as there are."""
    for _ in range(rounds):
        now += 0.1
        knee.step(now, round(min(knee.window, capacity)), 0.1, latency)
    return now


def test_a_window_that_pays_is_widened_to_the_ceiling() -> None:
    knee = Knee(64, 1000)
    answers(knee, 5000, 100)
    assert knee.window == 1000


@pytest.mark.parametrize("capacity", [40, 100, 300, 1500])
def test_it_settles_near_the_knee(capacity: float) -> None:
    knee = Knee(64, 4096)
    answers(knee, capacity, 3000)
    assert min(64, 0.8 * capacity) <= knee.window <= max(80, 1.6 * capacity)


def test_a_bold_trial_that_fails_tells_where_the_knee_is() -> None:
    knee, now, wide = Knee(64, 4096), 0.0, 64.0
    while knee.window >= wide:
        wide = knee.window
        now = answers(knee, 150, 1, now)
    assert wide == 256
    assert knee.window == pytest.approx(150), "not back to 64"


def test_trials_that_fail_become_rare() -> None:
    knee, now, trials = Knee(64, 4096), 0.0, []
    for _ in range(3000):
        before = knee.window
        now = answers(knee, 60, 1, now)
        if knee.window > before:
            trials.append(now)
    pauses = [later - earlier for earlier, later in pairwise(trials)]
    assert len(trials) < 15
    assert pauses[-1] > 50


def test_a_knee_that_moves_out_is_followed() -> None:
    knee = Knee(64, 4096)
    now = answers(knee, 100, 1000)
    narrow = knee.window
    answers(knee, 1000, 1000, now)
    assert knee.window > 4 * narrow


def test_a_crowd_on_trial_narrows_the_window_to_what_is_known_to_pay() -> None:
    knee = Knee(64, 4096)
    now = answers(knee, 5000, 3)
    assert knee.window == 256
    sizes = []
    for _ in range(20):
        knee.crowded(now, 256)
        sizes.append(knee.window)
    assert sizes[0] == pytest.approx(230.4)
    assert min(sizes[:13]) >= 64


def crowd(knee: Knee, now: float, capacity: float) -> float:
    """A crowd for a few rounds of answers, each with a refusal."""
    for _ in range(40):
        knee.crowded(now, int(knee.window))
        now = answers(knee, capacity, 4, now)
    return now


def test_a_full_service_is_left_with_a_narrow_window() -> None:
    knee = Knee(64, 4096)
    crowd(knee, 0.0, 10)
    assert knee.window <= 16, "a quarter of what it was, and still not less answers than before"


def test_the_narrowest_window_is_one() -> None:
    knee = Knee(2, 4096)
    crowd(knee, 0.0, 1)
    assert knee.window == 1


def test_a_window_that_brings_less_when_it_is_narrow_was_not_too_wide() -> None:
    knee = Knee(64, 4096)
    now = crowd(knee, 0.0, 5000)
    assert knee.window > 64, "it went on"
    wide = knee.window
    knee.crowded(now, int(wide))
    assert knee.window == wide, "not heard for a while"


def test_a_crowd_that_does_not_come_again_is_over() -> None:
    knee = Knee(64, 4096)
    knee.crowded(0.0, 64)
    now = answers(knee, 5000, 10)
    knee.crowded(now, 64)
    assert knee.window == pytest.approx(57.6)
    answers(knee, 5000, 300, now)
    assert knee.window > 64


def test_fewer_in_flight_than_the_window_are_the_window_that_was_too_wide() -> None:
    knee = Knee(64, 4096)
    knee.crowded(0.0, 30)
    assert knee.window == 30
    knee.crowded(0.1, 20)
    assert knee.window == 20
    knee.crowded(0.2, 20)
    assert knee.window == 20, "first it is measured what that brings"


def test_a_probe_however_dear_comes_in_the_end() -> None:
    law, now, sent = RateLaw(), 0.0, 0
    for wait in (1.0, 1000.0):
        law.begin(now, sent)
        for _ in range(30):
            now, sent = now + 0.05, sent + round(0.05 * law.value)
            law.step(now, sent, 0.05)
        law.refused(now, now, wait)
    for _ in range(1700):
        now += 1.0
        law.step(now, sent, 1.0)
    assert law.value < law.limit
    for _ in range(200):
        now += 1.0
        law.step(now, sent, 1.0)
    assert law.value > law.limit


def meet(law: RateLaw, now: float, sent: int, rate: float, burst: float) -> tuple[float, int]:
    """Sends all that the law lets go until such a bucket refuses; returns the end of a second of silence."""
    law.begin(now, sent)
    tokens, due = burst, 0.0
    while True:
        now, tokens, due = now + 0.05, min(burst, tokens + 0.05 * rate), due + 0.05 * law.value
        whole = int(due)
        if whole > tokens:
            law.refused(now, now, 1.0)
            return now + 1.0, sent + int(tokens)
        tokens, sent, due = tokens - whole, sent + whole, due - whole
        law.step(now, sent, 0.05)


def test_a_limit_that_rose_is_known_by_the_burst_that_stayed() -> None:
    law, now, sent = RateLaw(), 0.0, 0
    for _ in range(2):
        now, sent = meet(law, now, sent, 500.0, 100.0)
    risen, sent = meet(law, now, sent, 1000.0, 100.0)
    assert 850 < law.limit < 1000
    again, sent = meet(law, risen, sent, 1000.0, 100.0)
    assert again - risen > 10, "a guess would be probed twice as soon"


def test_the_burst_that_filled_up_in_the_silence_is_spent_in_the_second_after_it() -> None:
    law, now, sent = RateLaw(), 0.0, 0
    for _ in range(2):
        now, sent = meet(law, now, sent, 500.0, 100.0)
    law.begin(now, sent)
    law.step(now + 0.5, sent, 0.0)
    assert 500 < law.value < 600
    law.step(now + 1.0, sent, 0.0)
    assert law.value < law.limit


def test_what_held_until_a_probe_is_not_doubted_for_a_burst_that_is_no_more() -> None:
    law = RateLaw()
    now, sent = meet(law, 0.0, 0, 500.0, 1.0)
    law._fit.burst = 2000.0
    held = law.value
    meet(law, now, sent, 1.1 * held, 100.0)
    assert law.limit > 0.85 * held
