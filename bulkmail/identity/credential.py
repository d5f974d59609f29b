"""Keeps one app-only token fresh for all callers. Decides when to ask for a token; how to ask is the directory's part.

- Single flight: however many callers wait, there is one request under way. It outlives the caller that began it.
- A token is renewed when a fifth of its life is left (12 minutes of an hour), by the first caller from then on. The
  others go on with the old one. If the renewal fails, they still do, and it is tried again after a pause.
- A token that Graph has refused is not given again.
- The directory is asked in a thread that cannot hold the program when it ends.
- Time is the loop's monotonic clock, counted from before the request.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bulkmail.core.retry import RetryRules, backoff
from bulkmail.daemon import in_daemon
from bulkmail.errors import SignInError
from bulkmail.identity.certificate import Certificate
from bulkmail.identity.entra import Grant
from bulkmail.identity.refusal import Failure

RENEW_AT = 0.8  # of a token's life; room for an outage of some minutes
RULES = RetryRules(attempts=6, base=2.0, cap=30.0)  # about half a minute of trying, when there is no token at all
PAUSE = 30.0  # seconds after a failed renewal, while the old token lives
LONGEST_WAIT = 300.0  # seconds; a directory that asks for more is down for this run


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    expires: float


class Credential:
    """A `TokenSource`. `ask` blocks for one attempt, given the claims challenge; it runs in a thread.

    `certificate` is what it signs with, or None; `warnings` are sentences for the user. `sign` gives a detached
    signature (see `jws`) by the key of the certificate; None where there is no key.
    """

    def __init__(
        self,
        ask: Callable[[str], Grant | Failure],
        *,
        certificate: Certificate | None = None,
        warnings: tuple[str, ...] = (),
        sign: Callable[[bytes], str] | None = None,
        clock: Callable[[], float] = lambda: asyncio.get_running_loop().time(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.certificate = certificate
        self.warnings = warnings
        self.sign = sign
        self._ask = ask
        self._clock = clock
        self._sleep = sleep
        self._dice = dice
        self._held: _Held | None = None
        self._renew_at = 0.0
        self._refused: set[str] = set()
        self._challenge = ""
        self._renewal: asyncio.Task[None] | None = None

    async def token(self, *, refused: str = "", claims: str = "") -> str:
        """A token that is still valid and is not `refused`. Raises SignInError when the directory gives none."""
        self._reject(refused, claims)
        while True:
            held, now = self._held, self._clock()
            if held is not None and now < held.expires and (self._renewal is not None or now < self._renew_at):
                return held.token
            await asyncio.shield(self._renewal or self._begin())

    def _reject(self, refused: str, claims: str) -> None:
        """Drops the token that was refused, unless another one has replaced it already."""
        if not refused or (self._held is not None and self._held.token != refused):
            return
        self._held = None
        self._refused.add(refused)
        if _is_object(claims):
            self._challenge = claims

    def _begin(self) -> asyncio.Task[None]:
        self._renewal = asyncio.create_task(self._renew(), name="token renewal")
        self._renewal.add_done_callback(self._ended)
        return self._renewal

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # raised to the callers that still wait; if there are none, it is not an error

    async def _renew(self) -> None:
        tried = 0
        while True:
            tried += 1
            challenge, asked = self._challenge, self._clock()
            answer = await in_daemon(self._ask, challenge)
            if isinstance(answer, Grant) and answer.token not in self._refused:
                if challenge == self._challenge:
                    return self._accept(answer, asked)
                continue  # meanwhile Graph has asked for more claims than this token has
            failure = answer if isinstance(answer, Failure) else _same_again()
            if self._lives():
                self._renew_at = self._clock() + max(PAUSE, failure.after)
                return None
            if not failure.transient or tried >= RULES.attempts or failure.after > LONGEST_WAIT:
                raise failure.error
            await self._sleep(max(failure.after, backoff(RULES, tried, self._dice)))

    def _accept(self, grant: Grant, asked: float) -> None:
        self._held = _Held(grant.token, asked + grant.seconds)
        self._renew_at = asked + RENEW_AT * grant.seconds
        self._challenge = ""

    def _lives(self) -> bool:
        return self._held is not None and self._clock() < self._held.expires


def _same_again() -> Failure:
    return Failure(SignInError("the directory gives again the token that Graph refused"), transient=True)


def _is_object(claims: str) -> bool:
    """MSAL merges the challenge into its own claims and would fail on anything else."""
    try:
        return bool(claims) and isinstance(json.loads(claims), dict)
    except (ValueError, RecursionError):
        return False
