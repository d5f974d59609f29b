"""Turns the way a task ended into the status of its mailbox. A table, and no judgement about the run."""

from dataclasses import replace

from bulkmail.core.advice import ABSENT, UNKNOWN_404
from bulkmail.errors import (
    BulkmailError,
    ChangesExhausted,
    Defect,
    GraphError,
    OutcomeUnknown,
    OutputError,
    PermissionMissing,
    ServiceDown,
    SignInError,
    TaskMistake,
    TransportError,
    WriteRefused,
)
from bulkmail.model import Problem, Status
from bulkmail.text import one_line

_ITEM = frozenset({"ErrorItemNotFound", "ErrorFolderNotFound", "itemNotFound"})
"""404s that are about something in a mailbox that is there."""

DENIED = (401, 403)
"""Statuses of a mailbox that the application may not touch. A 401 comes here only from one that refuses a token with
which others are let in: what concerns all is a SignInError."""

_NOT_ITS_OWN = (SignInError, PermissionMissing, Defect, OutputError, ChangesExhausted, ServiceDown)


def verdict(error: BaseException, place: str = "") -> tuple[Status, Problem]:
    """The status and the problem of a mailbox whose task raised `error`, in the line `place` of the task.

    Raises what is not about the mailbox: a token that is refused for all, a missing permission, a bug in bulkmail,
    a ledger that cannot be written or is full, or a service that does not answer.
    """
    if isinstance(error, GraphError):
        return _answered(error)
    if isinstance(error, _NOT_ITS_OWN):
        raise error
    if isinstance(error, TransportError):
        status = Status.UNKNOWN if isinstance(error, OutcomeUnknown) else Status.FAILED
        said = one_line(str(error))
        return status, Problem(type(error).__name__, said, 0, error.request_id, error.client_request_id)
    return Status.FAILED, _problem(error, place)


def _problem(error: BaseException, place: str) -> Problem:
    """What an accident says may hold anything; its kind and its place do not."""
    if isinstance(error, BulkmailError):
        code, said = type(error).__name__, f"{error}. {error.hint}" if error.hint else str(error)
    else:
        code, said = "TaskError", f"the task raised {type(error).__name__}"
    is_mistake = isinstance(error, TaskMistake | WriteRefused) or code == "TaskError"
    return Problem(code, one_line(f"{said} ({place})" if is_mistake and place else said))


def _answered(error: GraphError) -> tuple[Status, Problem]:
    problem = Problem(
        error.code or str(error.status), error.message, error.status, error.request_id, error.client_request_id
    )
    if error.status == 404 and error.code in ABSENT:
        return Status.ABSENT, problem
    if error.status == 404 and error.code not in _ITEM:
        problem = replace(problem, message=one_line(f"{error.message} ({UNKNOWN_404})"))
    return (Status.DENIED if error.status in DENIED else Status.FAILED), problem
