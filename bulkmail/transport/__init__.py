"""Stacks the wrappers: the one place that knows their order.

What guards the writes is outermost: a planned write takes no slot, and a booked one has one entry however often it is
sent. A request that waits to be repeated holds no slot. Parts of a batch are admitted one by one, so no batch can hold
more than four of one mailbox; the links of a chain are admitted together, since the service works on one at a time. A
batch needs one token.
"""

import math
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from bulkmail.core.access import Access
from bulkmail.core.batch import Pause
from bulkmail.core.outage import Outage
from bulkmail.core.pace.granted import GrantedPace
from bulkmail.core.pace.pace import CEILING, START, Pace
from bulkmail.core.retry import RetryRules
from bulkmail.core.slots.chain import LONGEST
from bulkmail.core.slots.lane import SLOTS, Slots
from bulkmail.core.slots.line import LineStatistics
from bulkmail.model import Lanes, Reporter, TokenSource, Transport, Wait
from bulkmail.transport.authorize import Authorizing
from bulkmail.transport.batch import LINGER, batching
from bulkmail.transport.chain import chaining
from bulkmail.transport.limit import Limiting
from bulkmail.transport.retry import Retrying

AT_A_TIME = 4
"""Parts of one batch that the service works on at a time, whatever their mailboxes: a full one takes five times as long
as a request (learn.microsoft.com/graph/throttling-limits, Outlook: four requests at a time)."""

WIDER = 2
"""Times as many requests in flight at most where they travel in batches: 5,400 a second at the 1.5 s that a full batch
takes where an answer takes 300 ms. More would be held in memory for a process that cannot make use of them."""


@dataclass(frozen=True, slots=True)
class StackSettings:
    """`batch` is the number of parts, 0 for plain requests; `chain` that of the links of the longest chain, 1 for none.
    `rate` is requests a second, `in_flight` requests at a time; None lets the pace learn them, from what keeps `start`
    requests in flight on. `max_wait` is in seconds. A rate that is `granted` is not learned here; `rate` is
    its most then."""

    slots: int = SLOTS
    rate: float | None = None
    in_flight: int | None = None
    batch: int = 0
    chain: int = LONGEST
    linger: float = LINGER
    max_wait: float = math.inf
    start: int = START
    granted: bool = False
    retries: RetryRules = field(default_factory=RetryRules)


@dataclass(frozen=True, slots=True)
class Stack:
    """The top of the stack, and the state of its parts for progress and summary. `waits` says which mailboxes wait for
    what. `share` changes how many requests of a mailbox may be in flight, and `most_in_flight` is how many any has.
    `tell` has the seconds and the limit of each fence of everybody told, so that other processes with the application
    can `hold`, too. `resume` is called after a grant to the `pace`."""

    transport: Transport
    lanes: Lanes
    waits: Callable[[], Sequence[Wait]]
    pace: Pace
    statistics: Callable[[], LineStatistics]
    share: Callable[[int], None]
    most_in_flight: Callable[[], int]
    hold: Callable[[float, str], None]
    tell: Callable[[Callable[[float, str], None]], None]
    resume: Callable[[], None]


@asynccontextmanager
async def stack(
    terminal: Transport,
    tokens: TokenSource,
    settings: StackSettings,
    report: Reporter,
    *,
    guard: Callable[[Transport], Transport] = lambda inner: inner,
    beside: Callable[[Transport], Transport] = lambda inner: inner,
) -> AsyncIterator[Stack]:
    """Everything between a task and `terminal`. `guard` makes the wrapper that sees to the writes: `plan.Planning`,
    `plan.Refusing` or `book.Booking`; `beside` the one that sends what goes to pre-signed addresses, `direct.Aside`: it
    is below the limits, which are those of the mailbox, and above tokens and batches."""
    wide = max(1, settings.batch // AT_A_TIME)  # so many times as many parts keep the service as busy as plain requests
    rate = math.inf if settings.rate else None  # a fixed one is not learned
    most = CEILING * min(wide, WIDER)
    paced = GrantedPace if settings.granted else partial(Pace, rate=rate)
    pace = paced(in_flight=settings.in_flight, start=settings.start * wide, ceiling=most)

    def held(mailbox: str) -> bool:
        return limiting.held(mailbox)  # the batch is below the limiter, and asks it when a post leaves

    def fenced() -> bool:
        return limiting.fenced()

    access, outage = Access(), Outage(report, max_wait=settings.max_wait, dice=random.random)
    pause = Pause(random.random)
    async with _as_it_is(), AsyncExitStack() as opened:
        transport: Transport = Authorizing(terminal, tokens, access, lambda: limiting.fences.risen)
        if settings.batch:
            gathered = batching(
                transport, size=settings.batch, linger=settings.linger, held=held, fenced=fenced, pause=pause
            )
            transport = await opened.enter_async_context(gathered)
        if settings.chain > 1:
            transport = await opened.enter_async_context(chaining(transport, held=held, pause=pause))
        slots = Slots(settings.slots, settings.chain)
        transport = limiting = Limiting(
            beside(transport), slots=slots, pace=pace, outage=outage, report=report, rate=settings.rate,
            max_wait=settings.max_wait,
        )  # fmt: skip
        transport = Retrying(transport, rules=settings.retries, report=report, access=access, outage=outage)
        transport = guard(transport)
        yield Stack(
            transport, limiting, limiting.waits, pace, limiting.statistics, limiting.share, slots.most_in_flight,
            limiting.hold, limiting.fences.tell, limiting.resume,
        )  # fmt: skip


@asynccontextmanager
async def _as_it_is() -> AsyncIterator[None]:
    """An error of the block comes out as it is, and not in the groups of the posts: these tell their own errors to
    those who wait for their answers."""
    try:
        yield
    except BaseExceptionGroup as errors:
        error: BaseException = errors
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from error.__cause__
