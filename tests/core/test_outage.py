"""An outage is told from chance, and from what is wrong with one mailbox."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core.attempts import SUSPECT, Attempts
from bulkmail.core.outage import FIRST_PAUSE, LONGEST_PAUSE, MAILBOXES, PATIENCE, Outage
from bulkmail.core.retry import RetryRules
from bulkmail.errors import OutcomeUnknown, Unreachable
from bulkmail.model import Event, Response


def failing(outage: Outage, times: int, mailboxes: int = 100, now: float = 0.0) -> int:
    """Failures until it is down, at most `times`."""
    for number in range(times):
        outage.failed(f"m{number % mailboxes}", "503", now, now)
        if outage.down:
            return number + 1
    return times + 1


def after(share: float) -> Outage:
    """One that has seen a thousand answers, of which a share failed."""
    outage, dice = Outage(lambda _event: None), random.Random(1)
    for number in range(3000):
        if dice.random() < share:
            outage.failed(f"m{number}", "503", 0.0, 0.0)
        else:
            outage.answered()
    outage.answered()
    assert not outage.down
    return outage


def test_a_few_failures_in_a_row_without_history_are_an_outage() -> None:
    assert failing(Outage(lambda _event: None), 99) == 7


@pytest.mark.parametrize("mailboxes", [1, MAILBOXES - 1])
def test_what_fails_in_few_mailboxes_may_be_theirs(mailboxes: int) -> None:
    assert failing(Outage(lambda _event: None), 999, mailboxes) == 1000


def test_the_more_fails_by_chance_the_more_in_a_row_it_takes() -> None:
    lengths = [failing(after(share), 99) for share in (0.0, 0.1, 0.3)]
    assert lengths == sorted(lengths)
    assert lengths[0] == 7
    assert 12 <= lengths[2] <= 30


def test_attempts_grow_with_the_share_that_fails() -> None:
    assert after(0.0).attempts(6) == 6
    assert 10 <= after(0.2).attempts(6) <= 20
    assert after(0.2).attempts(50) == 50


def test_it_watches_good_answers_only_for_as_long_as_it_has_to() -> None:
    outage = Outage(lambda _event: None)
    watching = [outage.watching]
    outage.failed("ada", "503", 0.0, 0.0)
    watching.append(outage.watching)
    for _ in range(1000):
        outage.answered()
    assert [*watching, outage.watching] == [False, True, False]


def test_pauses_between_probes_double_up_to_a_minute() -> None:
    told: list[Event] = []
    outage = Outage(told.append)
    failing(outage, 99)
    now = 0.0
    for _ in range(9):
        now = outage.next_probe
        outage.probe(now)
        outage.failed("ada", "503", now - 1.0, now + 0.1)  # left before it was down
        outage.failed("ada", "503", now, now + 0.2)
    assert [event.seconds for event in told] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert told[0] == Event("paused", "Graph does not answer (503)", "", FIRST_PAUSE, FIRST_PAUSE)
    assert told[-1].seconds == LONGEST_PAUSE
    assert repr(outage).startswith("<Outage down")
    outage.answered()
    assert repr(outage).startswith("<Outage not down")
    assert outage.waits(now) == []


def test_a_probe_without_an_answer_does_not_hold_up_the_next_one_for_ever() -> None:
    outage = Outage(lambda _event: None)
    failing(outage, 99)
    outage.probe(5.0)
    assert outage.next_probe == 5.0 + PATIENCE


def test_it_ends_when_it_has_lasted_too_long_with_a_last_probe_at_that_instant() -> None:
    outage = Outage(lambda _event: None, max_wait=10.0)
    failing(outage, 99)
    while outage.over is None:
        now = outage.next_probe
        outage.probe(now)
        outage.failed("ada", "no connection", now, now)
    assert now == 10.0
    assert str(outage.over) == "Graph does not answer (no connection) for 10 s; the job allows 10 s"
    assert outage.over is not outage.over, "each request has an error of its own"
    assert outage.over.exit_code == 5


def test_an_outage_does_not_count_for_the_share_that_fails() -> None:
    outage = after(0.0)
    failing(outage, 7)
    for number in range(300):
        outage.probe(float(number))
        outage.failed("ada", "503", float(number), float(number))
    outage.answered()
    assert outage.attempts(6) == 6


@given(st.floats(0.0, 0.4), st.integers(0, 2**32))
def test_chance_alone_is_no_outage(share: float, seed: int) -> None:
    outage, dice = Outage(lambda _event: None), random.Random(seed)
    for number in range(2000):
        if dice.random() < min(share, number / 1000):  # it sets in slowly: a sudden one is told by its length
            outage.failed(f"m{number}", "503", 0.0, 0.0)
        else:
            outage.answered()
        assert not outage.down


RULES = RetryRules(attempts=3, seconds=100.0)


def test_attempts_of_an_outage_cost_nothing() -> None:
    outage, attempts = Outage(lambda _event: None), Attempts()
    failing(outage, 7)
    for now in range(0, 10_000, 100):
        attempts.failed(Response(503), served=False, down=True)
        assert not attempts.last(RULES, outage, 1.0, float(now))
    outage.answered()
    ends = []
    for _ in range(3):
        attempts.failed(Response(503), served=True, down=False)
        ends.append(attempts.last(RULES, outage, 1.0, 10_000.0))
    assert ends == [False, False, True]


def test_time_counts_from_the_first_failure_in_a_row() -> None:
    outage, attempts = Outage(lambda _event: None), Attempts()
    attempts.failed(Response(500), served=False, down=False)
    assert not attempts.last(RULES, outage, 1.0, 1000.0)
    attempts.failed(Response(500), served=False, down=False)
    assert attempts.last(RULES, outage, 1.0, 1100.0)
    attempts.throttled()
    assert not attempts.last(RULES, outage, 1.0, 1200.0)


def test_failures_while_others_are_served_make_a_request_suspect() -> None:
    attempts = Attempts()
    for _ in range(SUSPECT):
        assert not attempts.suspect
        attempts.failed(Unreachable("no route"), served=True, down=False)
    assert attempts.suspect
    assert not attempts.doubtful
    attempts.failed(OutcomeUnknown("lost"), served=True, down=False)
    assert attempts.doubtful
