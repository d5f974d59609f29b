"""The sums of a run."""

from bulkmail.model import Event, Mailbox, Outcome, Problem, Status, Tally
from bulkmail.run.totals import Totals, Waits

ADA = Mailbox("ada@example.com", 2)


def test_outcomes_add_up() -> None:
    totals = Totals()
    totals.add(Outcome(ADA, Status.OK, rows=3, tally=Tally(2, 1, 0.5)))
    totals.add(Outcome(ADA, Status.ABSENT, tally=Tally(1), problem=Problem("Gone", "no")))
    totals.add(Outcome(ADA, Status.FAILED, tally=Tally(4, 2, 1.5), problem=Problem("Bad", "no")))
    assert (totals.done, totals.not_ok, totals.rows) == (3, 1, 3)
    assert (totals.requests, totals.throttled, totals.waited) == (7, 3, 2.0)
    assert totals.problems == {"absent Gone": 1, "failed Bad": 1}


def test_events_are_counted_by_kind() -> None:
    totals = Totals()
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "ada@example.com", 2.0, 2.0))
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "bob@example.com", 3.0, 3.0))
    totals.hear(Event("throttled", "MailboxConcurrency, mailbox", "bob@example.com", 3.0, 0.5))
    totals.hear(Event("paused", "a budget", "bob@example.com", 7.0, 7.0))
    totals.hear(Event("retried", "503"))
    totals.hear(Event("note", "x"))
    assert totals.waits == {"MailboxConcurrency, mailbox": Waits(3, 5.5), "a budget": Waits(1, 7.0)}
    assert (totals.retried, totals.throttled) == (1, 0)
