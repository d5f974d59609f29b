"""Runs a task against every mailbox of a source: workers pull, one writer writes. The only task group of a run is here.

Expected failures become outcomes. What ends the run is a lost credential, a missing permission, an output that cannot
be written, and a wish to stop; then every mailbox that was not finished gets the outcome `not_run`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bulkmail.errors import BulkmailError, PermissionMissing
from bulkmail.graph import Graph
from bulkmail.model import Lanes, Mailbox, Outcome, Problem, Rejected, Row, Source, Status
from bulkmail.run.feed import Feed
from bulkmail.run.stop import FAILURES, Stop
from bulkmail.run.totals import Totals
from bulkmail.run.verdict import verdict
from bulkmail.run.writer import Finished, Writer
from bulkmail.tasks import Options, Task

log = logging.getLogger(__name__)

SAMPLE = 100
"""Mailboxes that must have ended before a share of failures means anything."""

ACCIDENTS = 3
"""Tracebacks of a task that are logged."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """`workers` mailboxes at a time. `max_failures` is a count from 1, a share below 1, or 0 for never; times in
    seconds."""

    workers: int = 4096
    max_failures: float = 0
    stop_if_denied: int = 25
    grace: float = 30.0


class Sweep:
    """One run. `open_graph` gives the Graph of a mailbox, `lanes` knows what each mailbox cost."""

    def __init__(
        self,
        task: Task,
        options: Options,
        *,
        source: Source,
        open_graph: Callable[[Mailbox], Graph],
        lanes: Lanes,
        writer: Writer,
        totals: Totals,
        stop: Stop,
        settings: SweepSettings,
    ) -> None:
        self._task = task
        self._options = options
        self._source = source
        self._open_graph = open_graph
        self._lanes = lanes
        self._writer = writer
        self._totals = totals
        self._stop = stop
        self._settings = settings
        self._feed = Feed(source)
        self._active: dict[int, Mailbox] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._denied_so_far = 0
        self._accidents = 0
        self._names_mailbox = "mailbox" in task.columns(options)

    def __repr__(self) -> str:
        return f"<Sweep of {self._task.name}: {len(self._active)} active, {self._writer!r}>"

    async def run(self) -> None:
        """To the end of the source, or until asked to stop. Raises what ends a run, after everything known is
        written."""
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._writer.write())
                try:
                    await self._work()
                finally:
                    if not writing.done():
                        await self._account_for_the_rest()
                        await self._writer.close()
                        await writing
        except BaseExceptionGroup as errors:
            raise _first(errors) from errors

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as beside:
            watch = beside.create_task(self._watch())
            async with asyncio.TaskGroup() as workers:
                self._add_worker(workers)
            watch.cancel()

    def _add_worker(self, workers: asyncio.TaskGroup) -> None:
        worker = workers.create_task(self._pull(workers))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _watch(self) -> None:
        """When a stop is asked for, workers take no more; those that are still busy after the grace are cancelled."""
        await self._stop.wait()
        await asyncio.sleep(self._settings.grace)
        for worker in self._workers:
            worker.cancel()

    async def _pull(self, workers: asyncio.TaskGroup) -> None:
        while self._stop.reason is None:
            item = await self._feed.next()
            if item is None:
                return
            if isinstance(item, Rejected):
                await self._writer.put(item)
                continue
            if len(self._workers) < self._settings.workers:
                self._add_worker(workers)  # one more for as long as there is work, so a short list needs few
            self._active[item.row] = item
            finished = await self._run_one(item)
            await self._writer.put(finished)
            del self._active[item.row]
            self._draw_conclusions(finished.outcome)

    async def _run_one(self, mailbox: Mailbox) -> Finished:
        clock = asyncio.get_running_loop().time
        started = clock()
        status, problem, blocks, count = Status.OK, None, [], 0
        self._lanes.enter(mailbox.key)
        try:
            rows = [self._named(row, mailbox) async for row in self._rows(mailbox)]
            blocks, count = self._writer.encode(rows), len(rows)
        except BulkmailError as error:
            status, problem = verdict(error)
        except Exception as error:  # noqa: BLE001 - a task's accident is its mailbox's, not the run's
            self._log_accident(mailbox, error)
            status, problem = verdict(error)
        finally:
            tally = self._lanes.leave(mailbox.key)
        return Finished(Outcome(mailbox, status, count, tally, clock() - started, problem), blocks)

    def _log_accident(self, mailbox: Mailbox, error: Exception) -> None:
        """Where in a task the error was, for the first few: the rest will be the same."""
        self._accidents += 1
        if self._accidents <= ACCIDENTS:
            log.error("the task raised an error; the mailbox of row %d fails", mailbox.row, exc_info=error)

    def _rows(self, mailbox: Mailbox) -> AsyncIterator[Row]:
        return self._task.run(mailbox, self._open_graph(mailbox), self._options)

    def _named(self, row: Row, mailbox: Mailbox) -> Row:
        return {"mailbox": mailbox.address, **row} if self._names_mailbox and "mailbox" not in row else row

    def _draw_conclusions(self, outcome: Outcome) -> None:
        """Stop a run that is going wrong: everybody denied from the start, or too many failures."""
        if self._denied_so_far >= 0:
            self._watch_the_opening(outcome.status)
        limit, failed = self._settings.max_failures, self._totals.not_ok
        share = failed / max(self._totals.done, SAMPLE)
        if (failed >= limit) if limit >= 1 else 0 < limit < share:
            self._stop.ask(FAILURES)

    def _watch_the_opening(self, status: Status) -> None:
        if status is Status.DENIED:
            self._denied_so_far += 1
        elif status is not Status.ABSENT:
            self._denied_so_far = -1  # somebody was let in: no need to watch any more
        if self._denied_so_far >= self._settings.stop_if_denied > 0:
            raise self._missing()

    def _missing(self) -> PermissionMissing:
        return PermissionMissing(
            f"the first {self._denied_so_far} mailboxes were all denied",
            hint=f"Give the application {self._task.permission} (an application permission, with admin consent), or a "
            "role in Exchange that covers these mailboxes; either may take two hours to be felt. "
            "If the first mailboxes are meant to be out of reach, set limits.stop_if_denied = 0.",
        )

    def require_admission(self) -> None:
        """Raises PermissionMissing for a run that has ended with nobody letting the application in, be it ever so
        short."""
        if self._denied_so_far > 0 and self._stop.reason is None:
            raise self._missing()

    async def _account_for_the_rest(self) -> None:
        """Every mailbox that was read and not finished did not run; so did the rest of the input, where it is at
        hand."""
        reason = self._stop.reason.text if self._stop.reason else "the run ended early"
        for mailbox in self._active.values():
            await self._put_not_run(mailbox, reason)
        for item in self._feed.at_hand():
            await self._put_rest(item, reason)
        while self._source.local and (rest := await self._feed.next()) is not None:
            await self._put_rest(rest, reason)

    async def _put_rest(self, item: Mailbox | Rejected, reason: str) -> None:
        if isinstance(item, Rejected):
            await self._writer.put(item)
        else:
            await self._put_not_run(item, reason)

    async def _put_not_run(self, mailbox: Mailbox, reason: str) -> None:
        await self._writer.put(Finished(Outcome(mailbox, Status.NOT_RUN, problem=Problem("NotRun", reason)), ()))


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that matters in a group: one of ours before an accident that followed from it."""
    flat = [_first(error) if isinstance(error, BaseExceptionGroup) else error for error in errors.exceptions]
    return next((error for error in flat if isinstance(error, BulkmailError)), flat[0])
