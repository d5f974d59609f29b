"""Sends again what may be sent again, as `core.retry` judges. Holds no slot while it waits.

A request ends here in one of three ways: with an answer (good or bad), with the error of its last attempt, or with
OutcomeUnknown where repeating might do a thing twice.
"""

import asyncio
import random
from collections.abc import Callable

from bulkmail.core.access import Access, Refusals, Ruling, lets_in
from bulkmail.core.advice import token_refused
from bulkmail.core.attempts import Attempts
from bulkmail.core.odata import error_of, ids_of
from bulkmail.core.outage import Outage
from bulkmail.core.retry import DONE, JUDGEMENTS, Judgement, RetryRules, backoff, judge, judge_error, settled
from bulkmail.errors import (
    MAYBE_SENT,
    NOT_SENT,
    OutcomeUnknown,
    ThrottledOut,
    TransportError,
    Unanswered,
    Unreachable,
    noted,
)
from bulkmail.model import Effect, Event, Reporter, Request, Response, Transport
from bulkmail.text import one_line

PAGE_ATTEMPTS = 2
"""Tries of a page that ends in 504 or is cut off: once more, since that may be chance, and then a smaller one."""


class Retrying:
    """Bounded by attempts and by time; attempts that were throttled, or that an outage cost, count for neither.

    `access` rules on refused tokens, and `outage` knows what others were answered.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        rules: RetryRules,
        report: Reporter,
        access: Access | None = None,
        outage: Outage | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._rules = rules
        self._report = report
        self._access = access or Access()
        self._outage = outage or Outage(report)
        self._dice = dice

    async def send(self, request: Request, /) -> Response:
        if request.address is not None:
            return await self._aside(request)
        attempts: Attempts | None = None
        while True:
            answer: Response | TransportError
            began, served = self._access.now, self._outage.good
            try:
                answer = await self._inner.send(request)
            except TransportError as error:
                answer, judgement = error, judge_error(error, request.effect)
            except BaseException as error:  # noqa: BLE001 - raised again
                raise noted(error, doubtful=attempts is not None and attempts.doubtful) from error.__cause__
            else:
                judgement = judge(answer, request.effect)
                if self._access.watching and lets_in(answer.status):
                    self._access.accepted(began)
                if judgement is DONE and attempts is None and not answer.doubtful:
                    return answer  # like nearly every one
            attempts = attempts or Attempts()
            attempts.doubtful = attempts.doubtful or _doubted(answer)
            wait = self._ruling(request, answer, judgement, attempts, began, served)
            if wait is None:
                return self._end(request, _honest(answer, request.effect, attempts), judgement, attempts)
            if wait:
                with request.waits:
                    await _sleep(wait, attempts)
            request = _anew(request, answer, attempts)

    async def _aside(self, request: Request) -> Response:
        """To a pre-signed address: what was throttled is sent again when the limiter lets it, and nothing else is. Its
        host knows no tokens, and whether repeating is safe depends on how far its session is."""
        while True:
            answer = await self._inner.send(request)
            if JUDGEMENTS.get(answer.status) is not Judgement.THROTTLED:
                return answer

    def _ruling(
        self, request: Request, answer: Response | TransportError, judgement: Judgement, attempts: Attempts,
        began: int, served: int,
    ) -> float | None:  # fmt: skip
        """The seconds to wait before the next attempt; None if there is none."""
        if judgement is Judgement.RENEW and isinstance(answer, Response):
            return self._ruling_on_token(request, answer, attempts, began)
        if judgement is Judgement.THROTTLED:
            attempts.throttled()
            return 0.0
        if judgement is not Judgement.TRANSIENT:
            return None
        attempts.failed(answer, served=self._outage.good > served, down=self._outage.down)
        wait = backoff(self._rules, max(1, attempts.tried), self._dice)
        too_large = attempts.tried >= PAGE_ATTEMPTS and _too_large(request, answer)
        if too_large or attempts.last(self._rules, self._outage, wait, asyncio.get_running_loop().time()):
            return None
        self._report(Event("retried", _why(answer), request.mailbox, wait))
        return wait

    def _ruling_on_token(self, request: Request, answer: Response, attempts: Attempts, began: int) -> float | None:
        """The same for a 401. Raises SignInError where the token is lost for all."""
        refusals = attempts.refusals = attempts.refusals or Refusals()
        ruling = self._access.refused(request.lane, began, refusals)
        if ruling is Ruling.LOST:
            code, message = error_of(answer.body)
            raise noted(token_refused(code, one_line(message)), doubtful=attempts.doubtful)
        if ruling is Ruling.OWN:
            return None
        return refusals.pause() if ruling is Ruling.LATER else 0.0

    def _end(
        self, request: Request, answer: Response | TransportError, judgement: Judgement, attempts: Attempts
    ) -> Response:
        """An answer that no repetition follows."""
        if judgement is Judgement.TRANSIENT:
            return _given_up(answer, request.effect)
        if isinstance(answer, TransportError):
            raise answer
        if judgement is Judgement.UNKNOWN:
            said = f"the service answered {_why(answer)}, and may have done the work all the same"
            raise OutcomeUnknown(said, **ids_of(answer))
        return Response(204, answer.headers) if attempts.doubtful and settled(request, answer) else answer


def _doubted(answer: Response | TransportError) -> bool:
    """Whether it is known below that the request was sent before, as a part of a batch that failed."""
    return answer.doubtful if isinstance(answer, Response) else MAYBE_SENT in getattr(answer, "__notes__", ())


async def _sleep(seconds: float, attempts: Attempts) -> None:
    """Before a repetition. Cancelled here, a request has begun only if an attempt before has."""
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError as cancelled:
        cancelled.add_note(NOT_SENT)
        noted(cancelled, doubtful=attempts.doubtful)
        raise


def _too_large(request: Request, answer: Response | TransportError) -> bool:
    """Whether an answer is what comes of a page that is too much for the service."""
    if not request.page:
        return False
    return answer.status == 504 if isinstance(answer, Response) else isinstance(answer, OutcomeUnknown)


def _anew(request: Request, answer: Response | TransportError, attempts: Attempts) -> Request:
    """The repetition: after a failure alone, since it may be what failed a batch. After a 503 or a lost answer by
    another connection: the old one may be pinned to a sick front end, or may have lost its order."""
    failed = isinstance(answer, TransportError) or answer.status >= 500
    if not failed:
        return request
    doubted = answer.status == 503 if isinstance(answer, Response) else isinstance(answer, OutcomeUnknown)
    return request._replace(batchable=False, fresh=request.fresh or doubted, suspect=attempts.suspect)


def _honest(answer: Response | TransportError, effect: Effect, attempts: Attempts) -> Response | TransportError:
    """The last answer, and what it leaves open: that the last attempt never began, or was refused, does not say that a
    write was not made by one before."""
    if not attempts.doubtful or effect is Effect.READ:
        return answer
    if isinstance(answer, Response):
        return answer._replace(doubtful=answer.status >= 300)
    return _told_as(OutcomeUnknown, answer) if isinstance(answer, Unreachable | ThrottledOut) else answer


def _given_up(answer: Response | TransportError, effect: Effect) -> Response:
    """The last of too many failures; one with a good status does not come from Graph, and is not an answer."""
    if isinstance(answer, Response) and answer.status >= 400:
        return answer
    if isinstance(answer, Response):
        answer = OutcomeUnknown(f"what came, {_why(answer)}, is not an answer of Graph", **ids_of(answer))
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
