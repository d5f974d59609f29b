"""A granted rate: never more than it, never longer than it; what the law has to know is said until it is heard."""

import math

import pytest

from bulkmail.core.pace.granted import MARKS, Grant, GrantedPace, Refusal


def sent(pace: GrantedPace, start: float, end: float) -> int:
    """How many leave in this time, each answered at once."""
    count = 0
    for milli in range(round(1000 * start), round(1000 * end)):
        now = milli / 1000
        while pace.try_send(now) == 0.0:
            pace.answered(now, now)
            count += 1
    return count


def granted(rate: float = 100.0, seconds: float = 3.0) -> GrantedPace:
    """A pace with a grant, said and made at 1.0."""
    pace = GrantedPace(in_flight=1000)
    said = pace.say(1.0)
    pace.grant(1.0, Grant(said.number, rate, seconds))
    return pace


def test_nothing_leaves_without_a_grant_and_nothing_after_it() -> None:
    pace = GrantedPace(in_flight=1000)
    assert pace.try_send(0.5) == math.inf
    assert sent(pace, 0.5, 1.0) == 0
    pace = granted()
    assert pace.may_send(3.9)
    assert sent(pace, 1.0, 5.0) == pytest.approx(300, abs=2)
    assert not pace.may_send(4.0)
    assert pace.try_send(5.0) == math.inf


def test_a_grant_counts_from_when_it_was_asked_for() -> None:
    pace = GrantedPace(in_flight=1000)
    said = pace.say(1.0)
    pace.grant(2.5, Grant(said.number, 100.0, 3.0))
    assert sent(pace, 2.5, 6.0) == pytest.approx(150, abs=2)


def test_a_later_grant_takes_the_place_of_an_earlier_one_and_an_earlier_one_comes_too_late() -> None:
    pace = granted()
    first, second = pace.say(1.5), pace.say(1.6)
    pace.grant(1.7, Grant(second.number, 50.0, 3.0))
    assert pace.unanswered == 0
    pace.grant(1.8, Grant(first.number, 1000.0, 3.0))
    pace.grant(1.9, Grant(second.number, 1000.0, 3.0))
    assert sent(pace, 2.0, 3.0) == pytest.approx(50, abs=2)
    assert (pace.say(3.0).held, pace.say(3.0).least) == (second.number, second.number + 1)


def test_no_news_leaves_what_there_was_and_nothing_is_nothing() -> None:
    pace = granted()
    pace.grant(1.5, Grant(pace.say(1.5).number, None, soon=True))
    assert pace.soon
    assert pace.may_send(1.5)
    pace.grant(1.6, Grant(pace.say(1.6).number, 0.0, 3.0))
    assert not pace.may_send(1.6)


def test_what_was_sent_ahead_is_paid_back_at_the_new_rate() -> None:
    pace = granted(10.0)
    assert pace.try_send(1.0) == 0.0
    assert pace.follow(1.0)
    pace.pass_on()
    assert pace.try_send(1.0) == pytest.approx(1.19)
    pace.grant(1.0, Grant(pace.say(1.0).number, 100.0, 3.0))
    assert pace.try_send(1.0) == pytest.approx(1.019)


def test_a_refusal_ends_the_grant_and_those_that_were_asked_for_before_it() -> None:
    pace = granted()
    assert pace.try_send(1.0) == pace.try_send(1.02) == 0.0
    asked = pace.say(1.1)
    pace.refused(1.2, 1.0, 2.2)
    pace.refused(1.3, 1.02, 2.3)
    assert not pace.may_send(1.3)
    pace.grant(1.4, Grant(asked.number, 100.0, 3.0))
    assert not pace.may_send(1.4)
    said = pace.say(1.5)
    assert (said.held, said.refused, said.fence) == (0, 2, 2.3)
    assert said.refusals == (Refusal(1.0, 1.2, 2.2),), "only the first of an episode teaches"
    pace.grant(1.6, Grant(said.number, 50.0, 3.0))
    assert pace.try_send(1.7) == 2.3
    assert sent(pace, 2.3, 3.3) == pytest.approx(50, abs=2)
    again = pace.say(3.4)
    assert (again.refusals, again.earlier, again.refused) == ((), 1, 2), "heard of by now"


def test_a_fence_of_others_ends_the_grant_once() -> None:
    pace = granted()
    pace.fenced(1.5, 2.5)
    assert not pace.may_send(1.5)
    pace.grant(1.6, Grant(pace.say(1.6).number, 50.0, 3.0))
    pace.fenced(1.7, 2.6)
    assert pace.may_send(1.7)
    assert pace.try_send(1.7) == 2.6
    assert pace.say(1.8).refusals == ()


def test_all_that_was_not_heard_of_is_said_again() -> None:
    pace = granted()
    sent(pace, 1.0, 2.0)
    pace.warned(2.0, 0.9)
    pace.warned(2.0, 1.2)
    lost, said = pace.say(2.0), pace.say(2.5)
    assert said.marks[: len(lost.marks)] == lost.marks
    assert said.warned == lost.warned == 1.2
    assert said.marks[-1].sent == said.marks[-1].good == pytest.approx(100, abs=2)
    pace.grant(2.6, Grant(said.number, None))
    later = pace.say(2.7)
    assert [mark.at for mark in later.marks] == [2.7]
    assert later.warned == 0.0


def test_marks_that_nobody_hears_of_are_kept_for_a_while() -> None:
    pace = granted(1000.0, 60.0)
    sent(pace, 1.0, 10.0)
    said = pace.say(10.0)
    assert len(said.marks) == MARKS
    pace.grant(10.0, Grant(said.number, None))
    assert len(pace.say(10.1).marks) == 1


def test_what_it_could_use_is_what_it_did_or_more_where_the_rate_held_it_back() -> None:
    pace = GrantedPace(in_flight=1000)
    assert pace.say(1.0).demand == math.inf, "nothing is known"
    pace = granted(10.0)
    sent(pace, 1.0, 2.0)
    assert pace.say(2.0).demand == pytest.approx(40.0), "more than it had"
    pace.grant(2.0, Grant(pace.say(2.0).number, 100.0, 3.0))
    for tenth in range(5):
        assert pace.try_send(2.05 + tenth / 10) == 0.0
    assert pace.say(2.5).demand == pytest.approx(13.0, rel=0.2)
    assert pace.say(3.0).demand == 0.0
    assert pace.say(3.001).demand == 0.0, "too short a time to tell anything"


def test_faults_of_before_a_fall_do_not_count() -> None:
    pace = granted()
    for _ in range(3):
        assert pace.try_send(1.5) == 0.0 or pace.try_send(1.6) == 0.0
    pace.faltered(1.7, 1.5)
    assert pace.say(1.7).marks[-1].faults == 1
    pace.grant(2.0, Grant(pace.say(2.0).number, None, fallen=0.2))
    pace.faltered(2.1, 1.6)
    pace.faltered(2.2, 1.9)
    assert pace.say(2.3).marks[-1].faults == 2
    assert pace.statistics().in_flight == 0
