"""How a run ended, as a table: errors before wishes, wishes before what the mailboxes say."""

import asyncio

import pytest

from bulkmail.app.ending import Found, Verdict, verdict
from bulkmail.errors import OutputError, PermissionMissing, SignInError
from bulkmail.run.stop import INTERRUPTED, Reason

FAILURES = Reason(5, "too many failed")
CANCELLED = asyncio.CancelledError()


@pytest.mark.parametrize(
    ("failure", "reason", "found", "expected"),
    [
        (None, None, Found(), ("finished", "", 0)),
        (None, None, Found(2), ("finished", "", 3)),
        (None, None, Found(drift=True), ("finished", "drift was found", 8)),
        (
            None,
            None,
            Found(1, drift=True),
            ("finished", "drift was found, and some mailboxes could not be looked at", 9),
        ),
        (None, None, Found(left=2), ("finished", "2 changes could not be taken back: see records.csv", 3)),
        (
            None,
            None,
            Found(4, bug=True),
            ("finished", "the task raised an error in every mailbox: a bug in the task", 1),
        ),
        (None, FAILURES, Found(9), ("stopped", FAILURES.text, 5)),
        (CANCELLED, None, Found(9), ("stopped", "cancelled", 130)),
        (CANCELLED, INTERRUPTED[15], Found(9), ("stopped", "terminated", 143)),
        (SignInError("no\ntoken"), None, Found(), ("failed", "no token", 4)),
        (PermissionMissing("x"), FAILURES, Found(9, drift=True), ("failed", "x", 4)),
        (OutputError("the disk is full"), INTERRUPTED[2], Found(), ("failed", "the disk is full", 7)),
        (ZeroDivisionError("secret"), None, Found(), ("failed", "a defect: ZeroDivisionError", 1)),
    ],
)
def test_the_gravest_decides(
    failure: BaseException | None, reason: Reason | None, found: Found, expected: tuple[str, str, int]
) -> None:
    assert verdict(failure, reason, found) == Verdict(*expected)  # type: ignore[arg-type]
