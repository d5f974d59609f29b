"""Sends again what may be sent again, as `core.retry` judges. Holds no slot while it waits.

A request ends here in one of three ways: with an answer (good or bad), with the error of its last attempt, or with
OutcomeUnknown where repeating might do a thing twice.
"""

import asyncio
import math
import random
from collections.abc import Callable

from bulkmail.core.odata import error_of, ids_of
from bulkmail.core.retry import Judgement, Quota, RetryRules, backoff, judge, judge_error, settled
from bulkmail.errors import OutcomeUnknown, ThrottledOut, TransportError, Unanswered, Unreachable
from bulkmail.model import Effect, Event, Reporter, Request, Response, Transport

PAGE_ATTEMPTS = 2
"""Tries of a page that ends in 504 or is cut off: once more, since that may be chance, and then a smaller one."""


class Retrying:
    """Bounded by attempts, by time and by the run's quota; throttled attempts count for none of them."""

    def __init__(
        self,
        inner: Transport,
        *,
        rules: RetryRules,
        report: Reporter,
        quota: Quota | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._rules = rules
        self._report = report
        self._dice = dice
        self.quota = quota or Quota()

    async def send(self, request: Request, /) -> Response:
        tried, renewed, failing_since = 0, False, math.inf
        doubtful = False  # an attempt may have been carried out
        while True:
            answer: Response | TransportError
            try:
                answer = await self._inner.send(request)
            except TransportError as error:
                answer, judgement = error, judge_error(error, request.effect)
            else:
                judgement = judge(answer, request.effect)
                if judgement is Judgement.DONE and not tried:  # as nearly always
                    self.quota.refund(repeated=False)
                    return answer
            if judgement is Judgement.THROTTLED:
                failing_since = math.inf
            elif judgement is Judgement.RENEW and not renewed:
                renewed = True
            elif judgement is not Judgement.TRANSIENT:
                return self._end(request, _honest(answer, request.effect, doubtful=doubtful), judgement, tried)
            else:
                tried += 1
                doubtful = doubtful or not isinstance(answer, Unreachable)
                now = asyncio.get_running_loop().time()
                failing_since = min(failing_since, now)
                wait = backoff(self._rules, tried, self._dice)
                late = now + wait - failing_since > self._rules.seconds
                last = tried >= self._rules.attempts or (tried >= PAGE_ATTEMPTS and _too_large(request, answer))
                if late or last or not self.quota.spend():
                    return _given_up(_honest(answer, request.effect, doubtful=doubtful), request.effect)
                self._report(Event("retried", _why(answer), request.mailbox, wait))
                with request.waits:
                    await asyncio.sleep(wait)
                request = _anew(request, answer)

    def _end(self, request: Request, answer: Response | TransportError, judgement: Judgement, tried: int) -> Response:
        """A judgement that no repetition follows."""
        if isinstance(answer, TransportError):
            raise answer
        if judgement is Judgement.UNKNOWN:
            said = f"the service answered {_why(answer)}, and may have done the work all the same"
            raise OutcomeUnknown(said, **ids_of(answer))
        if judgement is Judgement.DONE:
            self.quota.refund(repeated=tried > 0)
        return Response(204, answer.headers) if tried and settled(request, answer) else answer


def _too_large(request: Request, answer: Response | TransportError) -> bool:
    """Whether an answer is what comes of a page that is too much for the service."""
    if not request.page:
        return False
    return answer.status == 504 if isinstance(answer, Response) else isinstance(answer, OutcomeUnknown)


def _anew(request: Request, answer: Response | TransportError) -> Request:
    """The repetition: after a 503 or a lost answer by another connection, since the old one may be pinned to a sick
    front end, or may have lost its order."""
    doubted = answer.status == 503 if isinstance(answer, Response) else isinstance(answer, OutcomeUnknown)
    return request._replace(fresh=True) if doubted and not request.fresh else request


def _honest(answer: Response | TransportError, effect: Effect, *, doubtful: bool) -> Response | TransportError:
    """The last answer, and what it leaves open: that the last attempt never began, or was refused, does not say that a
    write was not made by one before."""
    if not doubtful or effect is Effect.READ:
        return answer
    if isinstance(answer, Response):
        return answer._replace(doubtful=answer.status >= 300)
    return _told_as(OutcomeUnknown, answer) if isinstance(answer, Unreachable | ThrottledOut) else answer


def _given_up(answer: Response | TransportError, effect: Effect) -> Response:
    """The last of too many failures; one with a good status does not come from Graph, and is no answer."""
    if isinstance(answer, Response) and answer.status >= 400:
        return answer
    if isinstance(answer, Response):
        answer = OutcomeUnknown(f"what came, {_why(answer)}, is no answer of Graph", **ids_of(answer))
    if isinstance(answer, OutcomeUnknown) and effect is Effect.READ:
        raise _told_as(Unanswered, answer)
    raise answer


def _told_as(kind: type[TransportError], error: TransportError) -> TransportError:
    return kind(str(error), request_id=error.request_id, client_request_id=error.client_request_id)


def _why(answer: Response | TransportError) -> str:
    if isinstance(answer, TransportError):
        return str(answer)
    code, _ = error_of(answer.body)
    return f"{answer.status} {code}".rstrip()
