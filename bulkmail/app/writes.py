"""What becomes of the writes of a run: they are refused, planned, or booked in a ledger before they leave."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from bulkmail.config import Limits
from bulkmail.model import Ledger, Made, Reporter, Transport
from bulkmail.rundir import heartbeat
from bulkmail.rundir.addresses import Addresses, journal_of
from bulkmail.rundir.folder import ALIVE, CHANGES
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.ledger import ChangeLedger, written
from bulkmail.rundir.manifest import Mode
from bulkmail.rundir.planned import Planned, PlannedOnly
from bulkmail.rundir.unfinished import Unfinished
from bulkmail.sink.appender import reopened
from bulkmail.transport.book import SETTLE, Booking
from bulkmail.transport.plan import Planning, Refusing


@dataclass(frozen=True, slots=True)
class Writes:
    """`unsettled` are rows in which a write of an earlier process may be under way, with the seconds that are left
    until it has settled; `made` are the changes that were, or may have been, made in rows that are not finished."""

    mode: Mode = "read"
    ledger: Ledger | None = None
    settle: float = SETTLE
    unsettled: Mapping[int, float] = field(default_factory=dict)
    made: Mapping[int, Mapping[int, Made]] = field(default_factory=dict)

    def guard(self, inner: Transport, report: Reporter) -> Transport:
        """The wrapper for this mode."""
        if self.ledger is None:
            return Refusing(inner)
        if self.mode != "apply":
            return Planning(inner, self.ledger)
        return Booking(inner, self.ledger, report, settle=self.settle, unsettled=self.unsettled)


@asynccontextmanager
async def booked(
    folder: Path, mode: Mode, limits: Limits, known: Unfinished, under_way: Mapping[int, Heartbeat], *,
    exhausted: Callable[[], None], planned: Planned | None = None, run: str = "",
    addresses: Addresses | None = None, lease: float = 0.0,
) -> AsyncIterator[Writes]:  # fmt: skip
    """The writes of a run in `folder`, with its ledger open until the block ends. `known` is what the ledger says so
    far; `under_way` are rows in which another run had a write under way. `exhausted` is called at `max_changes`.
    Of a plan that is carried out, only the changes that are `planned` are made. `run` is the id that the
    ledger names; `addresses` are kept out of it. Of `lease` seconds are the leases of its workers."""
    alive = folder / ALIVE
    if mode == "read":
        async with heartbeat.beating(alive, lease) if lease else nullcontext():
            yield Writes()
        return
    last = heartbeat.last(alive)
    with await asyncio.to_thread(reopened, folder / CHANGES, known.length) as file:
        ledger = ChangeLedger(
            journal_of(Journal(file, run), addresses), number=known.number, counts=known.counts,
            most=limits.max_changes, exhausted=exhausted,
        )  # fmt: skip
        if known.length:
            ledger.reopen(last)
        unsettled = _left(limits.settle, under_way, known.unsettled)
        async with heartbeat.beating(alive, lease), written(ledger):
            yield Writes(
                mode, ledger if planned is None else PlannedOnly(ledger, planned), limits.settle, unsettled, known.made
            )


def _left(settle: float, *beats: Mapping[int, Heartbeat]) -> dict[int, float]:
    """Seconds until each row has settled, by the last heartbeat of the process whose write may be under way."""
    now, left = heartbeat.current(), dict[int, float]()
    for row, beat in (pair for one in beats for pair in one.items()):
        left[row] = max(left.get(row, 0.0), settle + heartbeat.INTERVAL - heartbeat.elapsed(beat, now))
    return left
