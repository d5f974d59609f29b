"""The sums of a run."""

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.model import Event, Mailbox, Outcome, Problem, Status, Tally
from bulkmail.rundir.totals import Totals, Waits

ADA = Mailbox("ada@example.com", 2)


def test_outcomes_add_up() -> None:
    totals = Totals()
    totals.add(Outcome(ADA, Status.OK, rows=3, tally=Tally(2, 1, 0.5)))
    totals.add(Outcome(ADA, Status.ABSENT, tally=Tally(1), problem=Problem("Gone", "no")))
    totals.add(Outcome(ADA, Status.FAILED, tally=Tally(4, 2, 1.5), problem=Problem("Bad", "no")))
    assert (totals.done, totals.not_ok, totals.rows) == (3, 1, 3)
    assert (totals.requests, totals.throttled, totals.waited) == (7, 3, 2.0)
    assert totals.problems == {"absent Gone": 1, "failed Bad": 1}


TALLIES = st.builds(Tally, st.integers(0, 9), st.integers(0, 9), st.integers(0, 99).map(lambda eighths: eighths / 8))
PROBLEMS = st.none() | st.sampled_from([Problem("Gone", "no"), Problem("Bad", "no")])
OUTCOMES = st.builds(Outcome, st.just(ADA), st.sampled_from(Status), st.integers(0, 9), TALLIES, st.just(1.5), PROBLEMS)


@given(st.lists(st.lists(OUTCOMES, max_size=5), max_size=4))
def test_groups_add_up_to_what_one_by_one_does(groups: list[list[Outcome]]) -> None:
    together, singly = Totals(), Totals()
    for group in groups:
        together.add_all(group)
        for outcome in group:
            singly.add(outcome)
    assert together == singly


def test_events_are_counted_by_kind() -> None:
    totals = Totals()
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "ada@example.com", 2.0, 2.0))
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "bob@example.com", 3.0, 3.0))
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "bob@example.com", 3.0, 0.5))
    totals.hear(Event("paused", "a budget", "bob@example.com", 7.0, 7.0))
    totals.hear(Event("retried", "503"))
    assert totals.waits == {"MailboxConcurrency, mailbox": Waits(3, 5.5), "a budget": Waits(1, 7.0)}
    assert (totals.retried, totals.throttled) == (1, 0)
