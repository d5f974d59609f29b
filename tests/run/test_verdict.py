"""How the end of a task becomes the status of its mailbox."""

import pytest

from bulkmail.core.advice import ABSENT, ADVICE, UNKNOWN_404, token_refused
from bulkmail.errors import (
    BulkmailError,
    Defect,
    GraphError,
    InputError,
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
from bulkmail.run.verdict import verdict

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


def test_an_address_without_a_mailbox_is_absent_in_all_its_spellings() -> None:
    assert {
        "MailboxNotEnabledForRESTAPI", "ResourceNotFound", "Request_ResourceNotFound", "ErrorInvalidUser",
        "ErrorNonExistentMailbox",
    } <= set(ABSENT)  # fmt: skip


@pytest.mark.parametrize(("code", "said"), [("ErrorItemNotFound", "gone"), ("SomethingNew", f"gone ({UNKNOWN_404})")])
def test_a_404_that_is_not_known_says_so(code: str, said: str) -> None:
    status, problem = verdict(GraphError(404, code, "gone"))
    assert (status, problem.code, problem.message) == (Status.FAILED, code, said)


def test_the_hint_of_an_error_is_kept_with_the_mailbox() -> None:
    _, problem = verdict(InputError("the cell could not be read", hint="Save it as UTF-8."))
    assert problem.message == "the cell could not be read. Save it as UTF-8."


def test_a_tenant_without_exchange_is_told_as_such_and_not_as_a_bad_certificate() -> None:
    error = token_refused("OrganizationFromTenantGuidNotFound", "The tenant for tenant guid 'x' does not exist.")
    assert "OrganizationFromTenantGuidNotFound: The tenant for" in str(error)
    assert "no Exchange Online" in error.hint
    assert error.code == "OrganizationFromTenantGuidNotFound"
    assert "cloud, tenant" in token_refused("", "").hint
    assert "no reason given" in str(token_refused("", ""))


def test_each_advice_is_a_sentence_for_a_line() -> None:
    assert len(ADVICE) > 24
    for text in ADVICE.values():
        assert text.endswith(".")
        assert len(text) < 240
        assert text.isprintable()
