"""A sweep on a stage: a source out of a list, files in memory, lanes that only count. Nothing is patched."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bulkmail.errors import OutputError
from bulkmail.graph import Graph
from bulkmail.model import Counts, Lanes, Mailbox, Rejected, Request, Response, Row, Source, Tally, Transport
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.pending import Outputs
from bulkmail.run.stop import Stop
from bulkmail.run.sweep import Sweep, SweepSettings
from bulkmail.run.turns import PARKED
from bulkmail.run.writer import Sink, Writer
from bulkmail.rundir.freshness import Freshness
from bulkmail.rundir.totals import Totals
from bulkmail.sink import Ndjson
from bulkmail.sink.blobs import Blobs
from bulkmail.sink.spill import Spills
from bulkmail.source.once import ReadOnce
from bulkmail.tasks import Options, Task, task

BASE = "https://graph.example/v1.0"
COLUMNS = {"mailbox": "address", "zone": "time zone"}


def mailboxes(number: int, first: int = 2) -> list[Mailbox | Rejected]:
    return [Mailbox(f"user{row}@example.com", row) for row in range(first, first + number)]


class ListSource(ReadOnce):
    """Yields `chunks`, then raises `error` if there is one. `pause` is waited for before each chunk."""

    def __init__(
        self,
        chunks: Sequence[Sequence[Mailbox | Rejected]],
        *,
        error: Exception | None = None,
        pause: Callable[[], Any] | None = None,
    ) -> None:
        self._chunks = chunks
        self._error = error
        self._pause = pause
        self.name = "a list"
        self.counts = Counts()

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        counted: Counter[str] = Counter()
        for chunk in self._chunks:
            if self._pause is not None:
                await self._pause()
            counted.update(row.reason if isinstance(row, Rejected) else "unique" for row in chunk)
            self.counts = Counts(counted["unique"], counted["duplicate"], counted["blank"], counted["invalid"])
            yield chunk
        if self._error is not None:
            raise self._error


@dataclass
class MemoryFile:
    """Takes blocks, up to `largest` bytes in all."""

    largest: int = 1 << 40
    content: bytearray = field(default_factory=bytearray)

    def append(self, block: bytes, /) -> int:
        if len(self.content) + len(block) > self.largest:
            raise OutputError("no space left")
        self.content += block
        return len(self.content)

    def sync(self) -> None:
        """Memory lasts as long as the test."""

    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.content.splitlines()]


@dataclass
class MemoryJournal:
    """Takes entries, unless it is `full`."""

    entries: list[bytes] = field(default_factory=list)
    full: bool = False

    def append(self, entries: Sequence[bytes], /) -> None:
        if self.full:
            raise OutputError("no space left")
        self.entries += entries

    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(entry) for entry in self.entries]


@dataclass
class MemoryRejects:
    rows: list[Rejected] = field(default_factory=list)

    def append(self, rows: Sequence[Rejected], /) -> None:
        self.rows.extend(rows)


class CountingLanes:
    """A mailbox has begun when the transport below was asked for it."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.asked: Counter[str] = Counter()
        self.inside: Counter[str] = Counter()

    async def send(self, request: Request, /) -> Response:
        self.asked[request.mailbox] += 1
        return await self._inner.send(request)

    def enter(self, key: str, /) -> None:
        self.inside[key] += 1

    def leave(self, key: str, /) -> Tally:
        assert self.inside[key] > 0
        self.inside[key] -= 1
        return Tally(self.asked[key])

    def room(self) -> bool:
        return True

    def call_for_more(self, wanted: Callable[[], None], /) -> None:
        """There is room all the time, so nobody has to be called."""

    def begun(self, key: str, /) -> bool:
        return self.asked[key] > 0


@task("stage.zone", summary="The time zone", permission="MailboxSettings.Read", columns=COLUMNS)
async def zone(mailbox: Mailbox, graph: Graph, options: Options) -> AsyncIterator[Row]:
    yield {"zone": (await graph.get("/mailboxSettings"))["timeZone"]}


def zoned(_request: Request) -> Response:
    return Response(200, body={"timeZone": "UTC"})


class Stage:
    """One sweep with everything around it; `await stage.run()`, then look."""

    def __init__(
        self,
        source: Source,
        transport: Transport,
        *,
        chosen: Task = zone,
        options: Options | None = None,
        workers: int = 64,
        grace: float = 30.0,
        parked: int = PARKED,
        watched: AlarmSettings | None = None,
        largest: int = 1 << 40,
        lanes: Lanes | None = None,
        folder: Path = Path("nowhere"),
        freshness: Freshness | None = None,
    ) -> None:
        """`lanes` are those of a whole stack, if `transport` is one."""
        self.source = source
        self.totals = Totals()
        self.stop = Stop()
        self.records = MemoryFile(largest)
        self.outcomes = MemoryJournal()
        self.rejects = MemoryRejects()
        self.lanes = CountingLanes(transport)
        sink = Sink("records.ndjson", Ndjson(), self.records, 0)
        self.writer = Writer([sink], self.outcomes, self.rejects, self.totals, None, freshness)
        self.outputs = Outputs(self.writer, Spills(folder), Blobs(folder / "blobs"))
        below = transport if lanes else self.lanes
        self.sweep = Sweep(
            chosen,
            options or chosen.options(),
            source=source,
            open_graph=lambda mailbox, target, store: Graph.of(mailbox, below, BASE, target=target, store=store),
            lanes=lanes or self.lanes,
            outputs=self.outputs,
            alarm=Alarm(watched or AlarmSettings(permission=chosen.permission)),
            stop=self.stop,
            settings=SweepSettings(workers, grace, parked),
        )

    async def run(self) -> None:
        """Everything that was begun ends with it, however it ends."""
        await self.sweep.run()

    def statuses(self) -> dict[str, str]:
        lines = self.outcomes.lines()
        statuses = {line["mailbox"]: line["status"] for line in lines}
        assert len(statuses) == len(lines), "a mailbox has two outcomes"
        return statuses

    def check_accounts(self) -> None:
        """Rows in are outcomes and rejected rows out, and the rows of a mailbox are there if and only if it is ok."""
        counts = self.source.counts
        statuses = self.statuses()
        assert len(statuses) == counts.unique == self.totals.done
        assert len(self.rejects.rows) == counts.rows - counts.unique
        assert {row["mailbox"] for row in self.records.lines()} == {m for m, s in statuses.items() if s == "ok"}
        assert self.lanes.inside.total() == 0
        assert len(asyncio.all_tasks()) == 1, "something still runs"
