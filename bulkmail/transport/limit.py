"""Admits requests: each needs a slot of its mailbox, an open fence, and the pace's leave. The only place where requests
wait.

All decisions are made by `core.window` and `core.pace`, synchronously; this shell keeps the queues and the timers. A
request that cannot leave waits in the lane of its mailbox; a lane that could send stands in one of two lines, and
mailboxes that have begun come before those that have not, so that few are half done at any time. No lane waits for
another's fence.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from bulkmail.core import retryafter
from bulkmail.core.batch import Recalled
from bulkmail.core.pace import Pace
from bulkmail.core.throttle import Refusal, Scope, Spread, refusal
from bulkmail.core.window import Lane, Window
from bulkmail.errors import ThrottledOut
from bulkmail.model import Event, Reporter, Request, Response, Tally, Transport

GUESS, LONGEST_GUESS = 1.0, 60.0
"""Seconds to wait after a refusal that names no time, doubled with each in a row: learn.microsoft.com/graph/throttling
asks for exponential backoff then."""


class Waiter:
    """A request in a lane's queue."""

    __slots__ = ("admitted", "upload")

    def __init__(self, admitted: asyncio.Future[None], upload: int) -> None:
        self.admitted = admitted
        self.upload = upload


class Limiting:
    """Keeps both kinds of limit. `max_wait` is the longest wait in seconds that a request accepts; see ThrottledOut."""

    def __init__(
        self,
        inner: Transport,
        *,
        window: Window,
        pace: Pace,
        report: Reporter,
        max_wait: float = math.inf,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._window = window
        self._pace = pace
        self._report = report
        self._max_wait = max_wait
        self._dice = dice
        self._loop = asyncio.get_running_loop()
        self._begun: deque[Lane] = deque()
        self._fresh: deque[Lane] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf
        self._spread = Spread()
        self._streak = 0  # application-wide refusals in a row
        self._fence = 0.0  # nothing leaves before; the pace keeps it, this is to be asked for it

    def __repr__(self) -> str:
        return f"<Limiting {len(self._begun)}+{len(self._fresh)} lanes in line, {self._pace!r}, {self._window!r}>"

    def enter(self, key: str, /) -> None:
        self._window.enter(key)

    def leave(self, key: str, /) -> Tally:
        return self._window.leave(key)

    def held(self, key: str) -> bool:
        """Whether a fence is up for `key` now, its own or everybody's."""
        now, lane = self._loop.time(), self._window.lanes.get(key)
        return self._fence > now or (lane is not None and lane.fence > now)

    async def send(self, request: Request, /) -> Response:
        lane = self._window.enter(request.mailbox)
        try:
            upload = _size(request)
            while True:
                await self._admit(lane, upload)
                try:
                    return await self._attempt(lane, request)
                except Recalled:
                    continue
        finally:
            self._window.leave(request.mailbox)

    async def _admit(self, lane: Lane, upload: int) -> None:
        asked = self._loop.time()
        self._check_wait(lane, asked)
        if not (lane.waiting or self._begun or self._fresh) and self._take_at_once(lane, asked, upload):
            return
        waiter = Waiter(self._loop.create_future(), upload)
        lane.waiting.append(waiter)
        self._line_up(lane, asked)
        self._pump()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter.admitted.done() and not waiter.admitted.cancelled():
                self._pace.abandoned(self._loop.time())  # admitted and cancelled in the same turn of the loop
                self._window.recall(lane)
                self._move_on(lane)
            raise
        finally:
            lane.waited += self._loop.time() - asked

    def _take_at_once(self, lane: Lane, now: float, upload: int) -> bool:
        if self._window.ready(lane, now, upload) > now or self._pace.try_send(now) > 0:
            return False
        self._window.take(lane, now, upload)
        return True

    async def _attempt(self, lane: Lane, request: Request) -> Response:
        sent = self._loop.time()
        try:
            response = await self._inner.send(request)
        except Recalled:
            self._pace.abandoned(self._loop.time())
            self._window.recall(lane)
            self._move_on(lane)
            raise
        except Exception:
            self._pace.faltered(self._loop.time(), sent)
            self._window.give(lane)
            self._move_on(lane)
            raise
        except BaseException:
            self._pace.abandoned(self._loop.time())
            self._window.give(lane)
            self._move_on(lane)
            raise
        self._learn(lane, request, response, sent)
        self._window.give(lane)
        self._move_on(lane)
        return response

    def _learn(self, lane: Lane, request: Request, response: Response, sent: float) -> None:
        now = self._loop.time()
        refused = refusal(response)
        if refused is None:
            self._note_answer(lane, response, sent, now)
        elif response.status == 503:
            self._pace.faltered(now, sent)
            wait = retryafter.parse(response.headers, _wall())
            if wait:
                self._refuse_mailbox(lane, request, refused, now, retryafter.obey(wait, self._dice()))
        elif refused.scope is Scope.MAILBOX:
            wait = self._wait(response, lane.streak)
            if refused.limit == "MailboxConcurrency" and self._spread.refused(request.mailbox, now):
                self._pace.crowded(now, sent)
            else:
                self._pace.answered(now, sent)  # the mailbox is full; the application is not
            self._refuse_mailbox(lane, request, refused, now, wait)
        else:
            wait = self._wait(response, self._streak)
            self._streak += 1
            lane.throttled += 1
            self._pace.refused(now, sent, now + wait)
            self._fence = max(self._fence, now + wait)
            self._report(Event("throttled", f"{refused.limit}, {refused.scope}", request.mailbox, wait))

    def _note_answer(self, lane: Lane, response: Response, sent: float, now: float) -> None:
        if response.status >= 500:
            self._pace.faltered(now, sent)
            return
        lane.streak = self._streak = 0
        self._pace.answered(now, sent)
        percentage = response.headers.get("x-ms-throttle-limit-percentage")
        if percentage:
            try:
                self._pace.warned(now, float(percentage))
            except ValueError:
                return

    def _refuse_mailbox(self, lane: Lane, request: Request, refused: Refusal, now: float, wait: float) -> None:
        self._window.refuse(lane, now + wait)
        self._report(Event("throttled", f"{refused.limit}, {refused.scope}", request.mailbox, wait))

    def _wait(self, response: Response, streak: int) -> float:
        """Seconds until the fence opens: what the service says, rounded up and a little later; a growing guess
        otherwise."""
        said = retryafter.parse(response.headers, _wall())
        if not said:
            said = min(LONGEST_GUESS, GUESS * 2.0 ** min(streak, 10))
        return retryafter.obey(said, self._dice())

    def _check_wait(self, lane: Lane, now: float) -> None:
        wait = max(lane.fence, self._fence) - now
        if wait > self._max_wait:
            raise self._too_long(wait)

    def _too_long(self, wait: float) -> ThrottledOut:
        return ThrottledOut(f"the service asks for a wait of {wait:.0f} s; the job allows {self._max_wait:.0f} s")

    def _move_on(self, lane: Lane) -> None:
        """A slot came back: whoever waited for it may be next."""
        if lane.waiting:
            self._line_up(lane, self._loop.time())
        if self._begun or self._fresh:
            self._pump()

    def _line_up(self, lane: Lane, now: float) -> None:
        """Put a lane with waiters where it belongs: in line, behind a timer, or nowhere until a slot comes back."""
        while lane.waiting and lane.waiting[0].admitted.done():
            lane.waiting.popleft()
        if lane.queued or not lane.waiting:
            return
        at = self._window.ready(lane, now, lane.waiting[0].upload)
        if at <= now:
            lane.queued = True
            (self._begun if lane.requests else self._fresh).append(lane)
        elif at < math.inf:
            self._fail_overlong(lane, at - now)
            if lane.waiting:
                lane.queued = True
                self._loop.call_at(at, self._fence_opened, lane)

    def _fail_overlong(self, lane: Lane, wait: float) -> None:
        if wait > self._max_wait:
            for waiter in lane.waiting:
                if not waiter.admitted.done():
                    waiter.admitted.set_exception(self._too_long(wait))
            lane.waiting.clear()

    def _fence_opened(self, lane: Lane) -> None:
        lane.queued = False
        self._line_up(lane, self._loop.time())
        self._pump()

    def _pump(self) -> None:
        """Admit from the lines for as long as the pace allows, and come back when it will allow more."""
        now = self._loop.time()
        while line := self._begun or self._fresh:
            lane = line[0]
            while lane.waiting and lane.waiting[0].admitted.done():
                lane.waiting.popleft()
            if not lane.waiting or self._window.ready(lane, now, lane.waiting[0].upload) > now:
                line.popleft()  # its requests were cancelled, or its fence rose while it stood in line
                lane.queued = False
                self._line_up(lane, now)
                continue
            at = self._pace.try_send(now)
            if at > 0:
                self._wake_at(at)
                return
            line.popleft()
            lane.queued = False
            waiter = lane.waiting.popleft()
            self._window.take(lane, now, waiter.upload)
            waiter.admitted.set_result(None)
            self._line_up(lane, now)

    def _wake_at(self, at: float) -> None:
        if at == math.inf:
            return  # an answer will come, and pump
        if self._timer is not None:
            if self._wakes <= at:
                return
            self._timer.cancel()
        self._wakes = at  # kept here, since the handle of uvloop does not always tell
        self._timer = self._loop.call_at(at, self._awake)

    def _awake(self) -> None:
        self._timer = None
        self._pump()


def _wall() -> float:
    return datetime.now(UTC).timestamp()


def _size(request: Request) -> int:
    """Bytes that count as upload."""
    if request.body is None:
        return 0
    return len(request.body) if isinstance(request.body, bytes) else len(orjson.dumps(request.body))
