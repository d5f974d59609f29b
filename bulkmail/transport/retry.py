"""Sends again what may be sent again, as `core.retry` judges. Holds no slot while it waits.

A request ends here in one of three ways: with an answer (good or bad), with the error of its last attempt, or with
OutcomeUnknown where repeating might do a thing twice.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from bulkmail.core.odata import error_of
from bulkmail.core.retry import Quota, RetryRules, Verdict, backoff, judge, judge_error
from bulkmail.errors import OutcomeUnknown, TransportError, Unanswered
from bulkmail.model import Effect, Event, Reporter, Request, Response, Transport


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
        clock = asyncio.get_running_loop().time
        started = clock()
        tried, renewed = 0, False
        while True:
            answer = await self._attempt(request)
            verdict = (
                judge(answer, request.effect) if isinstance(answer, Response) else judge_error(answer, request.effect)
            )
            if verdict is Verdict.THROTTLED:
                continue
            if verdict is Verdict.RENEW and not renewed:
                renewed = True
                continue
            if verdict is Verdict.UNKNOWN:
                raise answer if isinstance(answer, TransportError) else _unknown(answer)
            if verdict is not Verdict.TRANSIENT:
                self.quota.refund(repeated=tried > 0)
                return _final(answer, request.effect)
            tried += 1
            wait = backoff(self._rules, tried, self._dice)
            if (
                tried >= self._rules.attempts
                or clock() + wait - started > self._rules.seconds
                or not self.quota.spend()
            ):
                return _final(answer, request.effect)
            self._report(Event("retried", _why(answer), request.mailbox, wait))
            await asyncio.sleep(wait)
            if isinstance(answer, Response) and answer.status == 503 and not request.fresh:
                request = replace(request, fresh=True)  # the old connection may be pinned to the sick front end

    async def _attempt(self, request: Request) -> Response | TransportError:
        try:
            return await self._inner.send(request)
        except TransportError as error:
            return error


def _final(answer: Response | TransportError, effect: Effect) -> Response:
    if isinstance(answer, OutcomeUnknown) and effect is Effect.READ:
        raise Unanswered(str(answer))
    if isinstance(answer, TransportError):
        raise answer
    return answer


def _unknown(answer: Response) -> OutcomeUnknown:
    return OutcomeUnknown(f"the service answered {_why(answer)}, and may have done the work all the same")


def _why(answer: Response | TransportError) -> str:
    if isinstance(answer, TransportError):
        return str(answer)
    code, _ = error_of(answer.body)
    return f"{answer.status} {code}".rstrip()
