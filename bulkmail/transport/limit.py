"""Admits requests: each needs a slot of its mailbox, an open fence, and the pace's leave. The only place where requests
wait.

All decisions are made by `core.window`, `core.fences` and `core.pace`, synchronously; this shell keeps the queues and
the timers. A request that cannot leave waits in the lane of its mailbox; a lane that could send stands in one of two
lines, and mailboxes that have begun come before those that have not, so that few are half done at any time. No lane
waits for another's fence.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from aiolimiter import AsyncLimiter

from bulkmail.core.batch import Recalled
from bulkmail.core.content import content_of
from bulkmail.core.odata import sends_mail
from bulkmail.core.pace.pace import Pace
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.window import Lane, Window
from bulkmail.errors import NOT_SENT, ThrottledOut
from bulkmail.model import Event, Reporter, Request, Response, Tally, Transport, Wait

TICK = 0.001
"""Seconds: no timer is set for sooner. Loops round to a millisecond, and one that calls early would be asked again at
once, thousands of times a second; what the pace allows meanwhile, it allows together."""


AHEAD = 32
"""Mailboxes that wait to begin: enough that a wider window is filled at once, few enough that they cost nothing."""


class Waiter:
    """A request in a lane's queue."""

    __slots__ = ("admitted", "sends", "upload")

    def __init__(self, admitted: asyncio.Future[None], upload: int, sends: int) -> None:
        self.admitted = admitted
        self.upload = upload
        self.sends = sends

    def has_slot(self) -> bool:
        return self.admitted.done() and not self.admitted.cancelled() and self.admitted.exception() is None


class Limiting:
    """Keeps both kinds of limit. `max_wait` and `dice` are those of its `fences`; `rate` fixes requests a second."""

    def __init__(
        self,
        inner: Transport,
        *,
        window: Window,
        pace: Pace,
        report: Reporter,
        rate: float | None = None,
        max_wait: float = math.inf,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._window = window
        self._pace = pace
        self._report = report
        self._rate = _bucket(rate) if rate else None
        self._loop = asyncio.get_running_loop()
        self._begun: deque[Lane] = deque()
        self._fresh: deque[Lane] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf
        self._wanted: Callable[[], None] = _nobody
        self.fences = Fences(window, pace, report, max_wait=max_wait, wall=_wall, dice=dice)

    def __repr__(self) -> str:
        return f"<Limiting {len(self._begun)}+{len(self._fresh)} lanes in line, {self._pace!r}, {self._window!r}>"

    def enter(self, key: str, /) -> None:
        self._window.enter(key)

    def leave(self, key: str, /) -> Tally:
        lane = self._window.lanes[key]
        if again := self._window.leave(lane, self._loop.time()):
            self._linger(lane, again)
        return lane.bill()

    def room(self) -> bool:
        return len(self._fresh) < AHEAD

    def call_for_more(self, wanted: Callable[[], None], /) -> None:
        self._wanted = wanted

    def begun(self, key: str, /) -> bool:
        lane = self._window.lanes.get(key)
        return lane is not None and lane.requests > 0

    def held(self, key: str) -> bool:
        """Whether a fence is up for `key` now, its own or everybody's."""
        return self.fences.held(key, self._loop.time())

    def waits(self) -> list[Wait]:
        """Who waits because of a limit at this moment; everybody comes first."""
        return self.fences.waits(self._loop.time())

    async def send(self, request: Request, /) -> Response:
        upload, sends = _weight(request)
        while True:
            lane = self._window.at(request.mailbox)
            sent = self._take_at_once(lane, upload, sends)
            if sent is None or self._rate is not None or request.ready is not None:
                if sent is None:
                    with request.waits:
                        await self._admit(lane, upload, sends)
                if (sent := await self._prepared(lane, request)) is None:
                    continue
            try:
                response = await self._inner.send(request)
            except BaseException as error:
                self._lose(lane, sent, error)
                if not isinstance(error, Recalled):
                    raise
            else:
                now = self._loop.time()
                if held_up := self.fences.learn(lane, response, sent, now):
                    self._fail_overlong(held_up, now)
                return response
            finally:
                self._give(lane)

    def _forget(self, lane: Lane) -> None:
        """If nobody needs it any more."""
        if again := self._window.forget(lane, self._loop.time()):
            self._linger(lane, again)

    def _linger(self, lane: Lane, again: float) -> None:
        """A fence outlives the work on its mailbox, and so do its budgets: whoever comes back early finds them."""
        if not lane.lingers:  # else the timer of an earlier visit will see to it
            lane.lingers = True
            self._loop.call_at(again, self._lingered, lane)

    def _lingered(self, lane: Lane) -> None:
        lane.lingers = False
        self._forget(lane)

    async def _admit(self, lane: Lane, upload: int, sends: int) -> None:
        asked = self._loop.time()
        lane.entered += 1  # whoever waits keeps it
        try:
            self.fences.check(lane, asked)
            await self._turn(lane, asked, upload, sends)
        finally:
            lane.entered -= 1
            self._note_wait(lane, asked)
            self._forget(lane)

    async def _turn(self, lane: Lane, asked: float, upload: int, sends: int) -> None:
        waiter = Waiter(self._loop.create_future(), upload, sends)
        lane.queue().append(waiter)
        first = not (self._begun or self._fresh)  # whoever is in line already has asked the pace
        self._line_up(lane, asked)
        if first:
            self._pump()
        try:
            await waiter.admitted
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(NOT_SENT)
            if waiter.has_slot():  # admitted and cancelled in the same turn of the loop
                self._take_back(lane)
            raise

    def _note_wait(self, lane: Lane, asked: float) -> None:
        """A request has waited since `asked`; the longest wait that a limit had a part in is told of its mailbox."""
        waited = self._loop.time() - asked
        lane.waited += waited
        fence = lane.fence if lane.fence.until > asked else self.fences.everybody
        until, by = (fence.until, fence.by) if fence.until > asked else lane.held
        if until > asked and waited > lane.longest[0]:
            lane.longest = (waited, by)

    async def _prepared(self, lane: Lane, request: Request) -> float | None:
        """The instant at which an admitted request leaves, after what it has to wait for with its slot in hand; None if
        it may not leave after all, and its slot is given back."""
        if self._rate is not None:
            await self._in_hand(lane, request, self._rate.acquire)
        if request.ready is not None:
            await self._in_hand(lane, request, request.ready)
        now = self._loop.time()
        if now < self.fences.until(lane):  # one has risen since it was admitted
            self._take_back(lane)
            return None
        return now

    async def _in_hand(self, lane: Lane, request: Request, wait: Callable[[], Awaitable[None]]) -> None:
        """Waits with the slot in hand, so that who waits here is next."""
        try:
            with request.waits:
                await wait()
        except BaseException as error:
            error.add_note(NOT_SENT)
            self._take_back(lane)
            raise

    def _take_at_once(self, lane: Lane, upload: int, sends: int) -> float | None:
        """The instant at which a request left past all lines, since nobody stands in one; None if it has to wait."""
        if lane.waiting or self._begun or self._fresh:
            return None
        now = self._loop.time()
        if self._window.ready(lane, now, upload, sends) > now or self._pace.try_send(now) > 0:
            return None
        self._window.take(lane, now, upload, sends)
        return now

    def _take_back(self, lane: Lane) -> None:
        """A request that was admitted does not leave after all."""
        self._pace.abandoned(self._loop.time())
        self._window.recall(lane)
        self._give(lane)

    def _lose(self, lane: Lane, sent: float, error: BaseException) -> None:
        """Tells the pace of a request that has no answer."""
        now = self._loop.time()
        if isinstance(error, Recalled):
            self._pace.abandoned(now)
            self._window.recall(lane)
        elif isinstance(error, Exception):
            self._pace.faltered(now, sent)
        else:
            self._pace.abandoned(now)

    def _fail_overlong(self, held_up: Collection[Lane], now: float) -> None:
        """Those who wait already hear of a fence that is too high for them, like those who come."""
        for lane in held_up:
            try:
                self.fences.check(lane, now)
            except ThrottledOut as error:
                for waiter in lane.waiting:
                    if not waiter.admitted.done():
                        waiter.admitted.set_exception(error)

    def _give(self, lane: Lane) -> None:
        """A slot comes back: whoever waited for it may be next."""
        self._window.give(lane)
        if lane.waiting:
            self._line_up(lane, self._loop.time())
        if not lane.entered:
            self._forget(lane)
        if self._begun or self._fresh:
            self._pump()

    def _line_up(self, lane: Lane, now: float) -> None:
        """Put a lane with waiters where it belongs: in line, behind a timer, or nowhere until a slot comes back."""
        at = self._ready(lane, now)
        if lane.queued or at == math.inf:
            return
        lane.queued = True
        if at <= now:
            (self._begun if lane.requests else self._fresh).append(lane)
        else:
            self._note_budget(lane, now, at)
            self._loop.call_at(at, self._fence_opened, lane)

    def _note_budget(self, lane: Lane, now: float, at: float) -> None:
        """Tells of a wait until `at` that no refusal has asked for, if it is one."""
        first = lane.waiting[0]
        by = self._window.in_the_way(lane, now, first.upload, first.sends) if at > lane.fence.until else ""
        if by:
            lane.held = (at, by)
            self._report(Event("paused", by, lane.key, at - now, at - now))

    def _ready(self, lane: Lane, now: float) -> float:
        """The instant from which the first who still waits may leave; infinite if nobody waits."""
        while lane.waiting and lane.waiting[0].admitted.done():
            lane.waiting.popleft()
        if not lane.waiting:
            return math.inf
        first = lane.waiting[0]
        return self._window.ready(lane, now, first.upload, first.sends)

    def _fence_opened(self, lane: Lane) -> None:
        lane.queued = False
        self._line_up(lane, self._loop.time())
        self._pump()

    def _pump(self) -> None:
        """Admit from the lines for as long as the pace allows, and come back when it will allow more."""
        now = self._loop.time()
        if self._timer is not None and now < self._wakes:
            return
        before = len(self._fresh)
        while line := self._begun or self._fresh:
            lane = line[0]
            may_leave = self._ready(lane, now) <= now
            at = self._pace.try_send(now) if may_leave else 0.0
            if at > 0:
                self._wake_at(max(at, now + TICK))
                break
            line.popleft()
            lane.queued = False
            if may_leave:
                waiter = lane.waiting.popleft()
                self._window.take(lane, now, waiter.upload, waiter.sends)
                waiter.admitted.set_result(None)
            if lane.waiting:
                self._line_up(lane, now)  # also if its fence rose while it stood in line
        if len(self._fresh) < before and self.room():
            self._wanted()

    def _wake_at(self, at: float) -> None:
        if at == math.inf or (self._timer is not None and self._wakes <= at):
            return  # an answer will come and pump, or the timer will
        if self._timer is not None:
            self._timer.cancel()
        self._wakes = at  # kept here, since the handle of uvloop does not always tell
        self._timer = self._loop.call_at(at, self._awake)

    def _awake(self) -> None:
        self._timer = None
        self._pump()


def _bucket(rate: float) -> AsyncLimiter:
    """`rate` requests a second by a leaky bucket that holds a hundredth of it.

    A bucket of a second's size would let a full one and a second's leak through at once: twice the rate.
    """
    size = max(1.0, rate / 100)
    return AsyncLimiter(size, size / rate)


def _nobody() -> None:
    """Hears that there is room, before anybody has asked to."""


def _wall() -> float:
    return datetime.now(UTC).timestamp()


def _weight(request: Request) -> tuple[int, int]:
    """Bytes that count as upload, and messages that are sent."""
    if request.method == "GET":
        return 0, 0
    return len(content_of(request) or b""), int(sends_mail(request.method, request.path))
