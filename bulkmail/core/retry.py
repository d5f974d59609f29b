"""Decides whether a request is sent again, and after how long. Is told the time and the dice; never waits.

The rules, and where they come from:

- What a status means is the table JUDGEMENTS. 429 and 509 were refused before they were worked on, so anything may be
  sent again after them; 500, 502, 503 and 504 may have been carried out (learn.microsoft.com/graph/errors and best
  practices).
- A request that would do a thing twice when repeated (Effect.KEYED, Effect.NONE) is never repeated here once it may
  have begun: its end is unknown, and the task that knows its key decides (compare Azure's split of request errors and
  response errors).
- Backoff is full jitter, `random * min(cap, base * 2**n)`, after the AWS architecture blog "Exponential Backoff And
  Jitter".
- The wait that Retry-After asks for is not in here: it is a fence of the limiter, so that all requests of a mailbox
  learn of it. It costs no attempts, since the service has asked for the repetition.
- A DELETE, or a POST to permanentDelete, that is repeated after a lost answer and finds nothing has done its work the
  first time.
- What an outage costs is bounded by `core.outage`, and how many attempts noise may cost as well. There is no quota of
  repetitions for the run: it would protect the service, and fail mailboxes for what is not theirs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from bulkmail.core.odata import contradicts, error_of
from bulkmail.errors import OutcomeUnknown, TransportError, Unreachable
from bulkmail.model import Effect, Request, Response


class Judgement(Enum):
    """What an answer means for its request."""

    DONE = auto()  # an answer to hand to the task, good or bad
    RENEW = auto()  # the token was refused: once more with another
    THROTTLED = auto()  # refused before it was worked on: again, when the limiter lets it
    TRANSIENT = auto()  # may have been worked on: again after a backoff, if repeating is safe
    UNKNOWN = auto()  # may have been worked on, and repeating is not safe


DONE = Judgement.DONE
"""By a name of its own, since it is asked for with every answer: a member of an enum costs a call."""


JUDGEMENTS = {
    401: Judgement.RENEW,
    408: Judgement.TRANSIENT,
    429: Judgement.THROTTLED,
    500: Judgement.TRANSIENT,
    502: Judgement.TRANSIENT,
    503: Judgement.TRANSIENT,
    504: Judgement.TRANSIENT,
    509: Judgement.THROTTLED,
}
"""Status to judgement; anything else below 500 is done, anything else from 500 on is transient. 507 is a full mailbox:
done."""

_FOR_GOOD = re.compile(r"/(?:microsoft\.graph\.)?permanentDelete(?:\(\))?/?\Z", re.IGNORECASE)

REPEATABLE = frozenset({Effect.READ, Effect.IDEMPOTENT, Effect.VERIFIED})


@dataclass(frozen=True, slots=True)
class RetryRules:
    """`attempts` a request, counted without throttling; backoff from `base` to `cap` seconds.

    `seconds` pass at most from the first failure to the last attempt, counted anew after a throttled one: the wait that
    follows was asked for.
    """

    attempts: int = 6
    seconds: float = 900.0
    base: float = 0.5
    cap: float = 30.0


def judge(response: Response, effect: Effect) -> Judgement:
    """What `response` means for a request with this `effect`."""
    status, body = response.status, response.body
    if status == 200 and type(body) is dict and "error" not in body:
        return DONE  # nearly every answer
    if status < 400 or status == 507:
        judgement = Judgement.TRANSIENT if _foreign(response, effect) else Judgement.DONE
    else:
        judgement = JUDGEMENTS.get(status, Judgement.TRANSIENT if status >= 500 else Judgement.DONE)
    if judgement is Judgement.TRANSIENT and effect not in REPEATABLE:
        return Judgement.UNKNOWN
    return judgement


def _foreign(response: Response, effect: Effect) -> bool:
    """A good status that means nothing: a page of a portal or proxy, nothing where something was read, or an error.

    Graph can hand out a page as well, such as an attachment, but signs its answers with a `request-id`.
    """
    if isinstance(response.body, dict):
        return contradicts(response)
    page = isinstance(response.body, bytes) and "html" in response.headers.get("content-type", "").lower()
    if page and "request-id" not in response.headers:
        return True
    return response.status == 200 and response.body is None and effect is Effect.READ


def judge_error(error: TransportError, effect: Effect) -> Judgement:
    """The same for a request that got no answer at all; DONE where the error is final."""
    if isinstance(error, Unreachable):
        return Judgement.TRANSIENT
    if isinstance(error, OutcomeUnknown):
        return Judgement.TRANSIENT if effect in REPEATABLE else Judgement.UNKNOWN
    return Judgement.DONE


def settled(request: Request, response: Response) -> bool:
    """Whether the answer to a repetition shows that the attempt before it did the work after all."""
    deletes = request.method == "DELETE" or (request.method == "POST" and _FOR_GOOD.search(request.path) is not None)
    return deletes and response.status == 404 and error_of(response.body)[0] == "ErrorItemNotFound"


def backoff(rules: RetryRules, tried: int, dice: Callable[[], float]) -> float:
    """Seconds to wait after `tried` failed attempts; `dice()` is uniform in [0, 1)."""
    return dice() * min(rules.cap, rules.base * 2.0 ** min(tried - 1, 60))
