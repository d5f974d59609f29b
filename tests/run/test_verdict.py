"""How the end of a task becomes the status of its mailbox."""

import pytest

from bulkmail.errors import (
    BulkmailError,
    Defect,
    GraphError,
    LinkRefused,
    OutcomeUnknown,
    PermissionMissing,
    ServiceDown,
    SignInError,
    ThrottledOut,
    Unanswered,
    Unreachable,
)
from bulkmail.model import Problem, Status
from bulkmail.run.verdict import ABSENT, verdict

TABLE = [
    (GraphError(403, "ErrorAccessDenied", "no"), Status.DENIED, "ErrorAccessDenied"),
    (GraphError(404, "ErrorItemNotFound", "no"), Status.FAILED, "ErrorItemNotFound"),
    (GraphError(404, "", "no"), Status.FAILED, "404"),
    (GraphError(400, "MailboxNotEnabledForRESTAPI", "no"), Status.FAILED, "MailboxNotEnabledForRESTAPI"),
    (GraphError(500, "InternalServerError", "no"), Status.FAILED, "InternalServerError"),
    (GraphError(200, "NotAPage", "no"), Status.FAILED, "NotAPage"),
    (OutcomeUnknown("lost"), Status.UNKNOWN, "OutcomeUnknown"),
    (Unreachable("no"), Status.FAILED, "Unreachable"),
    (Unanswered("no"), Status.FAILED, "Unanswered"),
    (ThrottledOut("no"), Status.FAILED, "ThrottledOut"),
    (LinkRefused("no"), Status.FAILED, "LinkRefused"),
    (KeyError("secret value"), Status.FAILED, "TaskError"),
    *((GraphError(404, code, "no"), Status.ABSENT, code) for code in sorted(ABSENT)),
]


@pytest.mark.parametrize(("error", "status", "code"), TABLE, ids=lambda value: str(value)[:30])
def test_the_table(error: Exception, status: Status, code: str) -> None:
    found, problem = verdict(error)
    assert (found, problem.code) == (status, code)


def test_what_support_asks_for_is_kept() -> None:
    error = GraphError(500, "Bad", "text", request_id="r", client_request_id="c")
    assert verdict(error)[1] == Problem("Bad", "text", 500, "r", "c")
    lost = OutcomeUnknown("lost", request_id="r", client_request_id="c")
    assert verdict(lost)[1] == Problem("OutcomeUnknown", "lost", 0, "r", "c")


def test_the_text_of_a_task_s_accident_is_not_told() -> None:
    assert "secret" not in verdict(KeyError("secret value"))[1].message


def test_a_message_is_one_line() -> None:
    assert verdict(Unreachable("two\nlines\x1b[2J"))[1].message == "two lines [2J"


@pytest.mark.parametrize("error", [SignInError("x"), Defect("x"), PermissionMissing("x"), ServiceDown("x")])
def test_what_is_not_about_the_mailbox_is_raised(error: BulkmailError) -> None:
    with pytest.raises(type(error)):
        verdict(error)


def test_a_mailbox_that_refuses_a_token_with_which_others_are_let_in_is_denied() -> None:
    status, problem = verdict(GraphError(401, "UnknownError", "no reason given"))
    assert (status, problem.code, problem.status) == (Status.DENIED, "UnknownError", 401)
