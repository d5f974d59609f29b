"""Writes the snapshots of a run into its `samples.ndjson`: an observer that only remembers, and a thread that writes.

A file of curves must not disturb what it shows: if it cannot be written, that is logged once and the run goes on
without it; if the disk is slow, samples are left out.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from bulkmail.errors import OutputError
from bulkmail.run.snapshot import Snapshot
from bulkmail.rundir.manifest import Waited
from bulkmail.rundir.samples import Sample, Samples
from bulkmail.sink.uncancelled import uncancelled

log = logging.getLogger(__name__)

BEHIND = 60
"""Samples that wait for the disk at most, about as many seconds."""

FEW = 20
"""Limits that are told apart; the service names them, and could name ever new ones."""

OTHERS = "others"


@asynccontextmanager
async def sampled(folder: Path) -> AsyncIterator[Callable[[Snapshot], None]]:
    """An observer whose samples are in the file when the block has ended."""
    sampler = Sampler(Samples(folder))
    writing = asyncio.create_task(sampler.write())
    try:
        yield sampler
    finally:
        sampler.close()
        cancelled = await uncancelled(_ended(writing))
    if cancelled:
        raise cancelled


class Sampler:
    """Takes snapshots on the loop; `write` takes them to the disk until it is closed."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._waiting: deque[Snapshot] = deque(maxlen=BEHIND)
        self._work = asyncio.Event()
        self._closed = False

    def __repr__(self) -> str:
        return f"<Sampler {self._samples!r}, {len(self._waiting)} waiting>"

    def __call__(self, snapshot: Snapshot) -> None:
        self._waiting.append(snapshot)
        self._work.set()

    def close(self) -> None:
        self._closed = True
        self._work.set()

    async def write(self) -> None:
        """Until closed, and all is written."""
        try:
            try:
                await self._write_on()
            finally:
                await asyncio.to_thread(self._samples.close)
        except OutputError as error:
            log.warning("the run goes on without its samples: %s", error)
        except Exception:
            log.exception("the run goes on without its samples")

    async def _write_on(self) -> None:
        while self._waiting or not self._closed:
            await self._work.wait()
            self._work.clear()
            taken = [sample_of(snapshot) for snapshot in self._waiting]
            self._waiting.clear()
            await asyncio.to_thread(self._samples.add, taken, last=self._closed)


def sample_of(now: Snapshot) -> Sample:
    """What is kept of a snapshot; it names no mailbox."""
    pace = now.pace
    return Sample(
        at=round(now.at, 3), seconds=round(now.seconds, 3), expected=now.expected, done=now.done,
        statuses={str(status): number for status, number in now.statuses.items() if number},
        rows=now.rows, findings=now.findings, requests=now.requests, throttled=now.throttled, retried=now.retried,
        waited=round(now.waited, 3), limits=few(now.limits),
        changes={str(ending): number for ending, number in now.changes.items() if number},
        waiting=sum(bool(wait.mailbox) for wait in now.waits),
        all_wait=round(max((wait.seconds for wait in now.waits if not wait.mailbox), default=0.0), 3),
        in_flight=pace.in_flight, window=pace.window, rate=_finite(pace.rate), limit=_finite(pace.limit),
        noise=now.service.noise,
        mode=pace.mode, queue=now.queue, memory=now.memory,
    )  # fmt: skip


def few(limits: Mapping[str, Waited]) -> dict[str, Waited]:
    """The limits that came first by name, and the sum of the others as one."""
    kept = dict(list(limits.items())[:FEW])
    rest = list(limits.values())[FEW:]
    if rest:
        kept[OTHERS] = Waited(sum(one.times for one in rest), round(sum(one.seconds for one in rest), 3))
    return kept


def _finite(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


async def _ended(task: asyncio.Task[None]) -> None:
    await task
