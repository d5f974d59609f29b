"""Notes every write before it leaves, and what became of it; makes sure that a lost one is not looked for too soon.

It stands above the retries, so that a change has one entry however often it is sent. What must never be repeated is
noted as late as can be, with its slot in hand: when a process dies, only what was under way is in doubt, and nothing
that still waited for its turn. All else can be looked at again, and is noted before it waits, so that no slot does.

A write with a key whose answer was lost may still be on its way, or be carried out late: requests for its row wait
until the service has settled, and what they find then can be trusted. Without that wait a look-up finds nothing, the
thing is made again, and both appear.
"""

import asyncio
from collections.abc import Mapping

from bulkmail.core.effect import writes
from bulkmail.errors import MAYBE_SENT, NOT_SENT, Defect, ServiceDown, SignInError, ThrottledOut, Unreachable
from bulkmail.model import Effect, Ending, Event, Ledger, Reporter, Request, Response, Transport

SETTLE = 300.0
"""Seconds after which what the service accepted has been carried out or dropped: a gateway of Graph gives up on a
request within minutes (learn.microsoft.com/graph/errors has no figure; this one is on the safe side)."""


SETTLING = "a write to settle, mailbox"
"""What is waited for, in the words in which limits are told."""


class Entry:
    """A change's place in the ledger, taken once however often its request leaves; its `number` is 0 before."""

    __slots__ = ("_ledger", "_request", "number")

    def __init__(self, ledger: Ledger, request: Request) -> None:
        self._ledger = ledger
        self._request = request
        self.number = 0

    async def intend(self) -> None:
        if not self.number:
            self.number = await self._ledger.intend(self._request)


class Booking:
    """`unsettled` gives rows whose last write by an earlier process may still be under way, with the seconds left."""

    def __init__(
        self,
        inner: Transport,
        ledger: Ledger,
        report: Reporter,
        *,
        settle: float = SETTLE,
        unsettled: Mapping[int, float] | None = None,
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._report = report
        self._settle = settle
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._settles = {row: now + seconds for row, seconds in (unsettled or {}).items()}  # row to instant

    def __repr__(self) -> str:
        return f"<Booking {len(self._settles)} rows unsettled>"

    async def send(self, request: Request, /) -> Response:
        if self._settles:
            await self._wait(request)
        if not writes(request):
            return await self._inner.send(request)
        entry = Entry(self._ledger, request)
        if request.effect is Effect.NONE:
            leaving = request._replace(ready=entry.intend)
        else:
            await entry.intend()
            leaving = request
        try:
            response = await self._inner.send(leaving)
        except BaseException as error:
            if entry.number:
                self._conclude(entry.number, request, _unanswered(error))
            raise
        if not entry.number:
            raise Defect("a write left before it was noted")
        self._conclude(entry.number, request, _ending(response), _id(response))
        return response

    async def _wait(self, request: Request) -> None:
        """Until the row has settled; its time may move on meanwhile."""
        told = False
        while (left := self._settles.get(request.row, 0.0) - self._loop.time()) > 0:
            if not told:
                self._report(Event("paused", SETTLING, request.mailbox, left, left))
                told = True
            with request.waits:
                await asyncio.sleep(left)
        self._settles.pop(request.row, None)

    def _conclude(self, number: int, request: Request, ending: Ending, id_: str = "") -> None:
        self._ledger.conclude(number, request, ending, id_)
        if ending is Ending.UNKNOWN and request.effect is Effect.KEYED:
            self._settles[request.row] = self._loop.time() + self._settle


def _unanswered(error: BaseException) -> Ending:
    """A request that ends without an answer may have been carried out, unless it is known that no attempt has begun:
    it still waited for its turn, it could not be encoded, or there was no token."""
    notes = getattr(error, "__notes__", ())
    stayed = isinstance(error, Unreachable | ThrottledOut | ServiceDown | SignInError) or NOT_SENT in notes
    return Ending.UNSENT if stayed and MAYBE_SENT not in notes else Ending.UNKNOWN


def _ending(response: Response) -> Ending:
    """A 5xx may have been carried out, and so may what was repeated and then refused. A redirect is not followed."""
    if response.status < 300:
        return Ending.DONE
    lost = response.status == 408 or (response.status >= 500 and response.status != 507)
    return Ending.UNKNOWN if lost or response.doubtful else Ending.REFUSED


def _id(response: Response) -> str:
    """What the service calls the thing that was made or changed; an import has another name for it."""
    body = response.body if isinstance(response.body, dict) else {}
    found = body.get("id") or body.get("itemId")
    return found if isinstance(found, str) else ""
