"""Admits requests: each needs a slot of its mailbox, an open fence, and the pace's leave. The only place where requests
wait.

Who is next is decided by `core.slots.line`, synchronously; this shell sends, and keeps one timer.
"""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiolimiter import AsyncLimiter

from bulkmail.core.batch import Alone, Readmit
from bulkmail.core.content import content_of
from bulkmail.core.odata import sends_mail, user
from bulkmail.core.outage import Outage
from bulkmail.core.pace.pace import Pace
from bulkmail.core.retry import REPEATABLE
from bulkmail.core.slots.chain import Chain, Link
from bulkmail.core.slots.fences import Fences
from bulkmail.core.slots.lane import Lane, Slots
from bulkmail.core.slots.line import TICK, Line, LineStatistics
from bulkmail.errors import NOT_SENT, TransportError, Unreachable, noted
from bulkmail.model import Effect, Reporter, Request, Response, Tally, Transport, Wait, key_of

THROTTLED = (429, 509)
OF_A_MAILBOX = {"error": {"code": "ApplicationThrottled"}}
"""What a pre-signed address that refuses concerns: it is one mailbox's, whatever its host says."""


LINKS = frozenset({Effect.IDEMPOTENT, Effect.VERIFIED})
"""Effects of what may leave in a chain: writes, of which the answers are small, and which may be repeated."""


class Turn(Link):
    """A request that waits in its lane, and the future that it awaits."""

    __slots__ = ("_turn", "safe", "sends", "upload")

    def __init__(self, turn: asyncio.Future[None], upload: int, sends: int, *, safe: bool, links: bool) -> None:
        super().__init__(links=links)
        self._turn = turn
        self.upload = upload
        self.sends = sends
        self.safe = safe

    def gone(self) -> bool:
        return self._turn.done()

    def admit(self) -> None:
        self._turn.set_result(None)

    def refuse(self, error: Exception) -> None:
        self._turn.set_exception(error)

    def has_slot(self) -> bool:
        return self._turn.done() and not self._turn.cancelled() and self._turn.exception() is None


class Limiting:
    """Keeps both kinds of limit. `max_wait` and `dice` are those of its `fences`; `rate` fixes requests a second."""

    def __init__(
        self,
        inner: Transport,
        *,
        slots: Slots,
        pace: Pace,
        report: Reporter,
        outage: Outage | None = None,
        rate: float | None = None,
        max_wait: float = math.inf,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._slots = slots
        self._rate = _bucket(rate) if rate else None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf
        self._wanted: Callable[[], None] = _unheard
        self._pace = pace
        self._outage = outage or Outage(report, max_wait=max_wait, dice=dice)
        self.fences = Fences(slots, pace, self._outage, report, max_wait=max_wait, wall=_wall, dice=dice)
        self._line = Line(slots, self.fences, pace, self._outage, report)

    def __repr__(self) -> str:
        return f"<Limiting {self._line!r}, {self._pace!r}, {self._slots!r}>"

    def enter(self, key: str, /) -> None:
        self._slots.enter(key)

    def leave(self, key: str, /) -> Tally:
        lane = self._slots.lanes[key]
        tally = self._line.leave(lane, self._loop.time())
        if lane.lingers:
            self._wake()
        return tally

    def room(self) -> bool:
        return self._line.room()

    def call_for_more(self, wanted: Callable[[], None], /) -> None:
        self._wanted = wanted

    def share(self, slots: int) -> None:
        """From now on each mailbox has so many slots."""
        self._line.share(slots)
        self._admit()

    def resume(self) -> None:
        """The pace allows another rate from now on."""
        self._line.resume()
        self._admit()

    def hold(self, seconds: float, by: str) -> None:
        """Another process with this application was told to wait: so does this one."""
        now = self._loop.time()
        if held_up := self.fences.hear(now, seconds, by):
            self._line.refuse_overlong(held_up, now)

    def begun(self, key: str, /) -> bool:
        lane = self._slots.lanes.get(key)
        return lane is not None and lane.requests > 0

    def held(self, key: str) -> bool:
        """Whether a fence is up for `key` now, its own or everybody's."""
        return self.fences.held(key, self._loop.time())

    def fenced(self) -> bool:
        """Whether any fence is up now."""
        return self.fences.up(self._loop.time())

    def waits(self) -> list[Wait]:
        """The mailboxes that wait because of a limit at this moment; the wait of all of them comes first."""
        return self.fences.waits(self._loop.time())

    def statistics(self) -> LineStatistics:
        return self._line.statistics()

    async def send(self, request: Request, /) -> Response:
        request, upload, sends = (request, 0, 0) if request.method == "GET" else _weighed(request)
        key = request.key or key_of(request.mailbox)
        try:
            while True:
                lane, now = self._slots.lanes.get(key) or self._slots.at(key), self._loop.time()
                sent: float | None = now
                leaving = request
                if not self._line.passes(lane, now, upload, sends):
                    with request.waits:
                        request = await self._wait(lane, now, request, upload, sends)
                    leaving = self._probe_for(request)
                    sent = await self._prepared(lane, leaving)
                elif self._rate is not None or request.ready is not None:
                    sent = await self._prepared(lane, request)
                if sent is None:
                    request = _unchained(request)
                    continue
                try:
                    response = await self._inner.send(leaving)
                except BaseException as error:
                    if (again := self._lost(lane, request, leaving, sent, error)) is None:
                        raise
                    request = again
                else:
                    self._learn(lane, leaving, response, sent)
                    if leaving is request:
                        return response._replace(doubtful=True) if request.doubtful else response
                finally:
                    self._give(lane, leaving.chain)
        except BaseException as error:  # noqa: BLE001 - raised again
            raise noted(error, doubtful=request.doubtful) from error.__cause__

    def _probe_for(self, request: Request) -> Request:
        """What leaves when a request is admitted: itself, or in an outage, where it would be a probe that must not be
        repeated, a harmless read of the same mailbox. Whatever that is answered, the request is admitted again then."""
        if not self._outage.down or request.effect in REPEATABLE:
            return request
        path = f"{user(request.mailbox)}?$select=id"
        return Request("GET", path, request.mailbox, batchable=False, key=request.key, row=request.row)

    async def _wait(self, lane: Lane, now: float, request: Request, upload: int, sends: int) -> Request:
        """For the request's turn. Returns it with the chain that it leaves in, if any."""
        turn: asyncio.Future[None] = self._loop.create_future()
        waiter = Turn(turn, upload, sends, safe=request.effect in REPEATABLE, links=self._may_link(request))
        try:
            if self._line.arrive(lane, waiter, now):
                self._admit()
            await turn
        except asyncio.CancelledError as cancelled:
            cancelled.add_note(NOT_SENT)
            if waiter.has_slot():  # admitted and cancelled in the same turn of the loop
                self._take_back(lane, waiter.chain)
            raise
        finally:
            self._line.depart(lane, now, self._loop.time())
            if lane.lingers:
                self._wake()
        return request if waiter.chain is None else request._replace(chain=waiter.chain)

    def _may_link(self, request: Request) -> bool:
        """What leaves in a chain leaves at once when it is admitted, and as a part of a batch."""
        bound = self._rate is not None or request.ready is not None or isinstance(request.body, bytes)
        return request.effect in LINKS and request.batchable and not bound

    async def _prepared(self, lane: Lane, request: Request) -> float | None:
        """The instant at which an admitted request leaves, after what it has to wait for with its slot in hand; None if
        it may not leave after all, and its slot is given back."""
        if self._rate is not None:
            await self._in_hand(lane, request, self._rate.acquire)
        if request.ready is not None:
            await self._in_hand(lane, request, request.ready)
        now = self._loop.time()
        if now < self.fences.until(lane):  # one has risen since it was admitted
            self._take_back(lane, request.chain)
            return None
        return now

    async def _in_hand(self, lane: Lane, request: Request, wait: Callable[[], Awaitable[None]]) -> None:
        """Waits with the slot in hand, so that the request that waits here is next."""
        try:
            with request.waits:
                await wait()
        except BaseException as error:
            error.add_note(NOT_SENT)
            self._take_back(lane, request.chain)
            raise

    def _take_back(self, lane: Lane, chain: Chain | None) -> None:
        """A request that was admitted does not leave after all."""
        self._line.take_back(lane, self._loop.time())
        self._give(lane, chain)

    def _give(self, lane: Lane, chain: Chain | None) -> None:
        if self._line.give(lane, chain):
            self._admit()

    def _learn(self, lane: Lane, request: Request, response: Response, sent: float) -> None:
        now = self._loop.time()
        if request.address is not None:  # of another host, which says nothing about Graph
            if response.status not in THROTTLED:
                self._pace.abandoned(now)
                return
            response = response._replace(body=OF_A_MAILBOX)
        if held_up := self.fences.learn(lane, response, sent, now, suspect=request.suspect):
            self._line.refuse_overlong(held_up, now)

    def _lost(
        self, lane: Lane, request: Request, leaving: Request, sent: float, error: BaseException
    ) -> Request | None:
        """Tells that what left for a request has no answer. Returns the request as it is to be admitted again at once,
        if it is."""
        now = self._loop.time()
        if leaving.address is not None:
            self._pace.abandoned(now)
            return None
        if isinstance(error, Readmit):
            self._line.take_back(lane, now)
            return _unchained(request)
        if isinstance(error, Alone):
            if error.said:
                self.fences.failed(lane, error.said, sent, now)
            else:
                self._pace.abandoned(now)
            doubtful = error.doubtful and request.effect is not Effect.READ
            return _unchained(request)._replace(batchable=False, doubtful=doubtful)
        if not isinstance(error, TransportError):
            self._pace.abandoned(now)
            return None
        said = "no connection" if isinstance(error, Unreachable) else "no answer"
        self.fences.failed(lane, said, sent, now, suspect=leaving.suspect)
        return None if leaving is request else request

    def _admit(self) -> None:
        """Let those go that may, and call for more work when mailboxes have begun that waited to."""
        for waiter in self._line.admit(self._loop.time()):
            waiter.admit()
        self._wake()
        if self._line.took_fresh and self._line.room():
            self._wanted()

    def _wake(self) -> None:
        """Set the timer, unless it is set for an earlier instant."""
        at = self._line.again()
        if at < self._wakes:
            if self._timer is not None:
                self._timer.cancel()
            self._wakes = at  # kept here, since the handle of uvloop does not always tell
            # Loops round to a millisecond: one that calls early would be asked again at once, thousands of times.
            self._timer = self._loop.call_at(max(at, self._loop.time() + TICK), self._awake)

    def _awake(self) -> None:
        self._timer, self._wakes = None, math.inf
        self._admit()


def _bucket(rate: float) -> AsyncLimiter:
    """`rate` requests a second by a leaky bucket that holds a hundredth of it.

    A bucket of a second's size would let a full one and a second's leak through at once: twice the rate.
    """
    size = max(1.0, rate / 100)
    return AsyncLimiter(size, size / rate)


def _unchained(request: Request) -> Request:
    """The request as it is admitted again: what it was to share its slot with has left, or stays as well."""
    return request if request.chain is None else request._replace(chain=None)


def _unheard() -> None:
    """Hears that there is room before a sweep has asked to be told."""


def _wall() -> float:
    return datetime.now(UTC).timestamp()


def _weighed(request: Request) -> tuple[Request, int, int]:
    """A request with its body encoded, the bytes that count as upload, and the messages that it sends. Raises TypeError
    for a body that JSON cannot hold; nothing has left then."""
    if request.pieces is not None:
        return request, request.pieces.size, 0
    try:
        content = content_of(request)
    except TypeError as error:
        error.add_note(NOT_SENT)
        raise
    if content is not request.content:
        request = request._replace(content=content)
    return request, len(content or b""), int(sends_mail(request.method, request.path))
