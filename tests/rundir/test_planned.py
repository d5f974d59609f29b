"""A plan that is carried out lets those changes pass that it has, of mailboxes that were planned to their end."""

import pytest

from bulkmail.errors import NotAsPlanned
from bulkmail.model import Change, Effect, Ending, Request
from bulkmail.rundir.entries import Concluded, Intent
from bulkmail.rundir.planned import Planned, PlannedOnly
from bulkmail.source.rows import Rows
from bulkmail.testing import MemoryLedger, run

ZONE = Change("settings", {"timeZone": "UTC", "language": "en"}, {"timeZone": "CET", "language": "en"})


def intent(row: int, change: Change = ZONE, *, planned: bool = True) -> Intent:
    return Intent(row, row, "ada@contoso.com", change, Effect.IDEMPOTENT, planned)


def rows(*numbers: int) -> Rows:
    found = Rows()
    for number in numbers:
        found.add(number)
    return found


PLAN = Planned(
    [intent(2), intent(3), intent(4, planned=False), Concluded(2, 2, Ending.PLANNED)],
    rows(2, 4),
)


def test_what_counts_is_planned_and_of_a_mailbox_that_was_planned_to_its_end() -> None:
    assert len(PLAN) == 1
    assert [row for row in range(6) if row in PLAN.rows] == [2]
    assert repr(PLAN) == "<Planned 1 changes in 1 mailboxes>"


def asking(row: int, change: Change) -> Request:
    return Request("PATCH", "/users/ada@contoso.com/mailboxSettings", "ada@contoso.com", row=row, change=change)


@pytest.mark.parametrize(
    ("row", "change"),
    [
        (3, ZONE),  # its mailbox was not planned to its end
        (4, ZONE),  # it was no plan
        (2, ZONE._replace(before={"timeZone": "CET", "language": "en"})),  # changed since
        (2, ZONE._replace(after={"timeZone": "PST", "language": "en"})),
        (2, ZONE._replace(key="other")),
    ],
)
def test_any_other_change_is_refused_and_noted_nowhere(row: int, change: Change) -> None:
    ledger = MemoryLedger()
    with pytest.raises(NotAsPlanned):
        run(PlannedOnly(ledger, PLAN).intend(asking(row, change)))
    assert ledger.intended == []


def test_the_order_of_members_does_not_matter() -> None:
    ledger = MemoryLedger()
    only = PlannedOnly(ledger, PLAN)
    asked = asking(2, Change("settings", dict(reversed(ZONE.before.items())), ZONE.after))
    number = run(only.intend(asked))
    only.conclude(number, asked, Ending.DONE)
    run(only.plan(asked))
    assert (ledger.intended, ledger.planned, ledger.ended) == ([asked], [asked], [(asked, Ending.DONE, "")])
