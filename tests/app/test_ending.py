"""How a run ended, as a table: errors before wishes, wishes before what the mailboxes say."""

import asyncio

import pytest

from bulkmail.app.ending import Verdict, verdict
from bulkmail.errors import OutputError, PermissionMissing, SignInError
from bulkmail.run.stop import FAILURES, INTERRUPTED, Reason

CANCELLED = asyncio.CancelledError()


@pytest.mark.parametrize(
    ("failure", "reason", "not_ok", "drifted", "expected"),
    [
        (None, None, 0, False, ("finished", "", 0)),
        (None, None, 2, False, ("finished", "", 3)),
        (None, None, 0, True, ("finished", "drift was found", 8)),
        (None, None, 1, True, ("finished", "", 3)),
        (None, FAILURES, 9, False, ("stopped", FAILURES.text, 5)),
        (CANCELLED, None, 9, False, ("stopped", "cancelled", 130)),
        (CANCELLED, INTERRUPTED[15], 9, False, ("stopped", "terminated", 143)),
        (SignInError("no\ntoken"), None, 0, False, ("failed", "no token", 4)),
        (PermissionMissing("x"), FAILURES, 9, True, ("failed", "x", 4)),
        (OutputError("the disk is full"), INTERRUPTED[2], 0, False, ("failed", "the disk is full", 7)),
        (ZeroDivisionError("secret"), None, 0, False, ("failed", "a defect: ZeroDivisionError", 1)),
    ],
)
def test_the_gravest_decides(
    failure: BaseException | None, reason: Reason | None, not_ok: int, drifted: bool, expected: tuple[str, str, int]
) -> None:
    assert verdict(failure, reason, not_ok=not_ok, drifted=drifted) == Verdict(*expected)  # type: ignore[arg-type]
