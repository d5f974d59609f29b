"""Every error that bulkmail raises on purpose: what happened, and what to do next. Knows nothing of where it is raised.

    BulkmailError                  1   (the number is the exit code, should it end the run)
    ├── Defect                     1   a bug in bulkmail itself
    ├── UsageError                 2   the command line
    ├── ConfigError                2   the job file, the environment or a flag
    ├── InputError                 2   the list of mailboxes
    ├── SignInError                4   no token
    │   └── CertificateError       4   the key pair on this machine
    ├── PermissionMissing          4   a token, but not the right to do this
    ├── RunHeld                    6   another process works in the run directory
    ├── OutputError                7   a result could not be written
    ├── Damaged                    7   a file of a run is not what was written
    ├── ChangesExhausted           5   the run may change no more
    ├── ServiceDown                5   the service does not answer at all
    ├── NotAsPlanned               1   a write that the plan which is carried out does not have
    ├── TaskMistake                1   a task asked for something that cannot be sent
    ├── WriteRefused               1   a task that may only read tried to write
    ├── LinkRefused                1   the service named an address that bulkmail will not follow
    ├── TransportError             1   one request got no answer
    │   ├── Unreachable            1   it never began: safe to repeat, whatever it was
    │   ├── OutcomeUnknown         1   it may have been carried out
    │   ├── Unanswered             1   a read got no usable answer, however often it was asked
    │   └── ThrottledOut           1   the service asks for a longer wait than the job allows
    └── GraphError                 1   one request was answered with an error

Texts here are printed and logged: none may hold a token, a key, a password or the body of an answer.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, TypeVar

NOT_SENT = "the request had not left"
"""The note on the error of a request that still waited for its turn: this attempt has begun nothing."""

MAYBE_SENT = "an earlier attempt may have been carried out"
"""The note on the error of a request that is repeated, whatever became of its last attempt."""


EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "every mailbox is `ok` or `absent` (with `output.absent_is_failure = true`: `ok`)",
        1: "a bug in bulkmail or, where every mailbox fails by it, in the task; or an environment that cannot be used",
        2: "usage, input or configuration: also a list of which no mailbox exists",
        3: "finished, and some mailboxes are not ok: see `failed.csv`; or an undo had to leave something as it is",
        4: "sign-in or permission",
        5: "stopped early and resumable: `--max-duration`, `--max-changes`, `--canary`, `limits.max_failures`, a "
        "service that does not answer, or writes that are all refused",
        6: "another process works in the run directory",
        7: "output could not be written, or a file of the run is damaged; resumable once that is mended",
        8: "finished with `--drift`, and there is drift or a finding",
        9: "finished with `--drift`: there is drift or a finding, and some mailboxes are not ok: see `failed.csv`",
        129: "the terminal was closed (SIGHUP): what was in flight was finished, the rest is `not_run`; resumable",
        130: "interrupted (Ctrl-C): what was in flight was finished, the rest is `not_run`; resumable",
        143: "terminated (SIGTERM): the same",
        149: "on Windows, Ctrl-Break or the window was closed: the same",
    }
)
"""What the exit codes of `bulkmail run`, `resume` and `undo` mean, for people and for schedulers."""


class BulkmailError(Exception):
    """`str(error)` says what happened; `hint` says what to do about it, or is empty."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Defect(BulkmailError):
    """A bug in bulkmail itself: the run ends, because nothing that it goes on to say could be trusted."""


class UsageError(BulkmailError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class ConfigError(BulkmailError):
    """The job file, the environment or a flag is wrong: names the key, its place, the nearest right one."""

    exit_code = 2


class InputError(BulkmailError):
    """The list of mailboxes cannot be read as one."""

    exit_code = 2


class SignInError(BulkmailError):
    """No token was given. `code` is the directory's own, such as `AADSTS700027`, or empty."""

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class CertificateError(SignInError):
    """The key or certificate on this machine cannot be used: wrong password, expired, not a pair."""


class CertificateLocked(CertificateError):
    """The key is locked by a password, and none was given."""


class PermissionMissing(BulkmailError):
    """Graph accepts the token and refuses the work for every mailbox."""

    exit_code = 4


class RunHeld(BulkmailError):
    """Another living process holds the run directory."""

    exit_code = 6


class OutputError(BulkmailError):
    """A result could not be written; what was committed before is still true."""

    exit_code = 7


class Damaged(BulkmailError):
    """A file of a run is not what was written to it; names the file and the place. Nothing was repaired."""

    exit_code = 7


class ChangesExhausted(BulkmailError):
    """The run has made as many changes as it may; this one was not sent."""

    exit_code = 5


class ServiceDown(BulkmailError):
    """The service answers nothing for longer than the job allows, or asks all for a longer wait; the request was not
    sent."""

    exit_code = 5


class NotAsPlanned(BulkmailError):
    """A write that the plan which is carried out does not have: its mailbox was changed since. Nothing was sent."""


class TaskMistake(BulkmailError):
    """A task asked for something that cannot be sent, such as a path outside its mailbox or a body that is not JSON.

    Nothing was sent. It ends the task's mailbox as failed, and not the run.
    """


class WriteRefused(BulkmailError):
    """A task that is declared to read only tried to write; nothing was sent."""


class LinkRefused(BulkmailError):
    """The service named an address outside the configured Graph endpoint or the mailbox, or a pre-signed one on a host
    that the cloud does not list; nothing was sent there."""


class TransportError(BulkmailError):
    """A request got no usable answer. The ids are those of the attempt, as far as it had any: see GraphError."""

    def __init__(self, message: str, *, hint: str = "", request_id: str = "", client_request_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.request_id = request_id
        self.client_request_id = client_request_id


class Unreachable(TransportError):
    """The request never began: no address, no connection, no handshake. Repeating it is safe."""


class Lapsed(Unreachable):
    """It may not leave now: the lease of this process has ended, and was not renewed yet."""


class OutcomeUnknown(TransportError):
    """The request left and its answer was lost: it may or may not have been carried out."""


class Unanswered(TransportError):
    """A read got no usable answer, however often it was asked; nothing has changed."""


class ThrottledOut(TransportError):
    """The service asks for a longer wait than the job allows; the request was not sent."""


class GraphError(BulkmailError):
    """Graph answered a request with an error.

    `status` is the HTTP status, `code` the most detailed error code of the body (empty if there was none),
    `request_id` and `client_request_id` are what Microsoft's support asks for.
    """

    def __init__(
        self, status: int, code: str, message: str, *, request_id: str = "", client_request_id: str = ""
    ) -> None:
        super().__init__(f"{status} {code}: {message}" if code else f"{status}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.client_request_id = client_request_id


E = TypeVar("E", bound=BaseException)


def noted(error: E, *, doubtful: bool) -> E:
    """The error, with MAYBE_SENT on it where that is `doubtful`. One of ours is copied then: many requests may have
    been told the same, such as that there is no token, and the note is about one of them."""
    if not doubtful:
        return error
    if isinstance(error, BulkmailError):
        told, error = error, type(error).__new__(type(error), *error.args)
        error.__dict__ |= told.__dict__ | {"__notes__": [*getattr(told, "__notes__", ())]}
        error.__cause__ = told.__cause__
        error.with_traceback(told.__traceback__)
    error.add_note(MAYBE_SENT)
    return error


GRAVITY: tuple[tuple[type[BaseException], ...], ...] = (
    (Defect, SignInError, PermissionMissing, OutputError, Damaged, ChangesExhausted, ServiceDown),  # the run's business
    (OutcomeUnknown,),  # a write that may have been made: it must not be taken for one that was not
    (BulkmailError,),
    (BaseException,),  # an accident, which may have followed from one of the others
)
"""Errors by what they decide, the gravest first."""


def gravest(errors: Iterable[BaseException]) -> BaseException:
    """The error that decides among several that were raised together; the first of those that are equally grave. Groups
    count for what is in them. Raises ValueError where there is none."""
    return min(_flat(errors), key=_rank)


def _flat(errors: Iterable[BaseException]) -> Iterator[BaseException]:
    for error in errors:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error.exceptions)
        else:
            yield error


def _rank(error: BaseException) -> int:
    return next(rank for rank, kinds in enumerate(GRAVITY) if isinstance(error, kinds))
