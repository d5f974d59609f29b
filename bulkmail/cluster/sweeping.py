"""Works through a run with many workers: an `app.sweeping.Sweeping`. The only task group of a cluster's run is here.

Each worker that Dask has gets a session. One whose process has ended, or that is not heard of for the time of its
lease, is given up; what it held begins again when its lease must have ended.
"""

import asyncio
import pickle
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from bulkmail.app.sweeping import Work
from bulkmail.cluster.coordinator import ALONE, Coordinator
from bulkmail.cluster.desk import Session
from bulkmail.cluster.growth import Growth
from bulkmail.cluster.hosts import DaskHosts, Hosts, Started, address_of, local, reached
from bulkmail.cluster.masking import Masking
from bulkmail.cluster.messages import BEAT, Gone, Lost, Order
from bulkmail.cluster.place import SHARED, depot_seen, without_secrets
from bulkmail.cluster.rates import Rates
from bulkmail.cluster.seen import line_of, together
from bulkmail.config import Job, Limits
from bulkmail.config.tables import Cluster
from bulkmail.errors import ConfigError, gravest
from bulkmail.run.outputs import NO_PARTS, OutputSettings
from bulkmail.text import counted, few

FEW = 3
"""Workers that a line names."""

DESERTED = 60.0
"""Seconds without a worker until the run stops; Dask starts one anew within a few."""


async def cluster(work: Work) -> None:
    """Raises what ends a run, and ConfigError for a run that cannot be shared."""
    wanted = work.prepared.job.cluster
    own_tokens(wanted)
    if not wanted.scheduler:
        async with local(wanted.begin, dashboard=wanted.dashboard) as hosts:
            work.note(f"{_told(wanted.begin, wanted.maximum)} on this machine{_shown_at(hosts)}")
            if work.prepared.manifest.output.blobs:  # they see what this process sees, but for a store in its memory
                await require_depot(work, hosts)
            await Crew(work, hosts, max(wanted.begin, wanted.maximum), wanted.begin).run()
        return
    async with reached(wanted) as hosts:
        found = await work.stop.before(gathered(hosts, wanted.minimum))
        if found is not None:  # else asked to stop, which is seen by the crew at once
            work.note(f"{_told(found, wanted.maximum)} of {wanted.scheduler}{_shown_at(hosts)}")
            await require_depot(work, hosts)
        begin = min(found or 1, wanted.workers or found or 1)
        await Crew(work, hosts, max(begin, wanted.maximum), begin).run()


def _told(begin: int, most: int) -> str:
    return counted(begin, "worker") + (f", up to {most}," if most > begin else "")


def _shown_at(hosts: DaskHosts) -> str:
    return hosts.dashboard and f"; Dask's dashboard: {hosts.dashboard}"


async def gathered(hosts: Hosts, minimum: int) -> int:
    """How many workers there are, once there are as many as the job wants. Raises ConfigError."""
    await hosts.want(minimum)
    time = asyncio.get_running_loop().time
    until = time() + DESERTED
    while (found := len(await hosts.names())) < minimum:
        if time() >= until:
            raise ConfigError(f"the Dask cluster has {found} workers, and cluster.minimum is {minimum}")
        await asyncio.sleep(BEAT)
    await hosts.want(found)  # no more
    return found


async def require_depot(work: Work, hosts: DaskHosts) -> None:
    """Raises ConfigError where the task leaves blobs, and a worker does not see their place. A worker that comes later
    says so when it comes to a blob."""
    prepared, folder = work.prepared, work.folder.resolve()
    if not prepared.task.leaves_blobs(prepared.options):
        return
    at = folder, prepared.manifest.id, prepared.manifest.output.blobs
    names = sorted(await hosts.names())
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_is_blind(hosts, name, at)) for name in names]
    blind = [name for name, one in zip(names, asked, strict=True) if one.result()]
    if blind:
        number = f"{len(blind)} of {counted(len(names), 'worker')}"
        text = f"{prepared.task.name} leaves blobs in {prepared.depot(folder).name}, which {number} cannot see"
        raise ConfigError(f"{text}: {few(blind, FEW)}", hint=SHARED)


async def _is_blind(hosts: DaskHosts, name: str, at: tuple[Path, str, str]) -> bool:
    """Not one that is busy with something else, does not answer, or is lost: what it says later is heard then."""
    try:
        async with asyncio.timeout(DESERTED):
            return not await hosts.ask(name, _sees_depot, *at)
    except (TimeoutError, OSError, Lost):
        return False


def _sees_depot(_address: str, folder: Path, run: str, blobs: str) -> bool:
    """As a worker is asked."""
    return depot_seen(folder, run, blobs) is not None


def own_tokens(wanted: Cluster) -> bool:
    """Whether workers sign in themselves. Raises ConfigError where a token would go over a line without TLS."""
    is_tls = not wanted.scheduler or address_of(wanted.scheduler).startswith("tls://")
    if wanted.tokens == "coordinator" and not is_tls:
        raise ConfigError(
            'cluster.tokens = "coordinator" needs tls://: a token is not sent over a line that others can read',
            hint='Use a scheduler at tls://, or tokens = "own" and the certificate on each worker.',
        )
    return wanted.tokens == "own" or not is_tls


class Crew:
    """The sessions of a run with the workers that there are: so many `workers` at the most, and to `begin` with."""

    def __init__(self, work: Work, hosts: Hosts, workers: int, begin: int | None = None) -> None:
        self._work = work
        self._hosts = hosts
        self._workers = workers
        self._growth = Growth(workers if begin is None else begin, workers)
        self._lease = work.prepared.job.cluster.lease
        mask = work.settings.mask
        masking = None if mask is None else Masking(mask, work.outputs.writer.encode)
        rates = Rates(workers, work.prepared.job.limits.requests_per_second)
        self._coordinator = Coordinator(work, self._order, rates, masking)
        work.watched.statistics = partial(together, self._coordinator.sessions, rates)
        work.watched.workers = self._lines
        self._started: dict[str, Started] = {}  # by the key of the session
        self._busy: set[str] = set()  # names of workers that have a session, or had one to the end
        self._time = asyncio.get_running_loop().time

    async def run(self) -> None:
        """To the end of the source, or until asked to stop. Raises what ends a run."""
        coordinator, writer = self._coordinator, self._work.outputs.writer
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(writer.write())
                try:
                    await self._hosts.listen(coordinator.handlers, coordinator.known)
                    await self._supervise()
                finally:
                    await self._hosts.close()  # also where results cannot be written: no worker goes on
                    if not writing.done():
                        await coordinator.account()
                        writer.close()
                        await writing
        except BaseExceptionGroup as errors:
            raise gravest(errors.exceptions) from errors
        finally:
            await coordinator.close()
        if coordinator.failure is not None:
            raise coordinator.failure
        if self._work.stop.reason is None:
            self._work.alarm.require_admission()
            self._work.alarm.require_presence()

    async def _supervise(self) -> None:
        """Until all rows have ended and every session with them."""
        seen = self._time()
        while not (self._coordinator.finished and not any(one.greeted for one in self._live())):
            if not self._coordinator.finished:
                await self._call_in()
                await self._grow()
            await self._give_up_the_lost()
            if self._live():
                seen = self._time()
            elif self._time() - seen > DESERTED:
                self._work.stop.ask(ALONE)
                return
            await self._turn()

    async def _turn(self) -> None:
        """Time in which this process stood still, and heard of no worker, counts for none of them."""
        until = self._time() + BEAT / 2
        await asyncio.sleep(BEAT / 2)
        now = self._time()
        excuse(self._live(), now - until, now)

    async def _grow(self) -> None:
        """Another worker, where one would help."""
        shares = [] if self._coordinator.exhausted else [one.seen.busy for one in self._live()]
        if self._growth.look(self._time(), shares):
            self._work.note(f"all workers are busy: {self._growth.wanted} are asked for")
            await self._hosts.want(self._growth.wanted)

    def _lines(self) -> list[str]:
        """A line a worker."""
        now = self._time()
        return [line_of(session, now) for session in self._live()]

    def _live(self) -> list[Session]:
        return [one for one in self._coordinator.sessions.values() if not one.ended]

    async def _call_in(self) -> None:
        """A session for each worker that has none; Dask is asked only while one is missing."""
        if len(live := self._live()) >= self._workers and all(one.greeted for one in live):
            return
        names = await self._hosts.names()
        for session in self._live():
            if not session.greeted and session.name not in names:  # it died before it began
                await self._coordinator.end(session)
        for name in names:
            if len(self._live()) >= self._workers:  # each has its share of the limits
                return
            if name not in self._busy:
                key = self._coordinator.open(name)
                self._busy.add(name)
                self._started[key] = self._hosts.begin(name, key)

    async def _give_up_the_lost(self) -> None:
        """A session is over when nothing of it can leave any more: when it says so, when its loop has ended, or when
        its lease has."""
        for key, session in list(self._coordinator.sessions.items()):
            started = self._started.get(key)
            if started is not None and started.ended():
                failure = await started.failure()
                if session.ended or not session.greeted or not isinstance(failure, Lost):
                    del self._started[key]
                    await self._end(session, failure)
                    continue
            if not session.ended and self._time() - session.heard > (self._lease if session.greeted else DESERTED):
                held = len(session.held)
                await self._coordinator.end(session)
                self._work.note(f"{session.name} is not heard of any more: {held:,} mailboxes begin again elsewhere")

    async def _end(self, session: Session, failure: BaseException | None) -> None:
        """A worker that ended for a reason of the run ends the run; one that was given up may have another session."""
        if not session.ended:
            await self._coordinator.end(session)
        match failure:
            case Lost() if not session.greeted:
                pass  # no process there lives long enough to begin
            case Gone() | Lost():
                self._busy.discard(session.name)
            case Exception():
                self._coordinator.fail(failure)

    def _order(self, number: int) -> Order:
        prepared, task, options = self._work.prepared, self._work.prepared.task, self._work.options
        out = prepared.manifest.output
        return Order(
            number,
            _share(prepared.job, self._workers),
            prepared.manifest.job.task or prepared.manifest.task,
            prepared.manifest.undo,
            pickle.dumps(options),
            prepared.manifest.mode,
            self._work.folder.resolve(),
            tuple(task.columns(options)),
            NO_PARTS if task.parts is None else dict(task.parts(options)),
            OutputSettings(out.format, out.raw, out.bom, out.delimiter, decimal_comma=out.decimal_comma),
            self._workers,
            self._lease,
            prepared.manifest.id,
            own_tokens(prepared.job.cluster),
            prepared.manifest.output.blobs,
            self._work.settings.mask is not None,
            ids_of(prepared.manifest.processes[-1].requests, number),
        )


def ids_of(requests: str, number: int) -> str:
    """What the ids of a worker's requests begin with, where `requests` is what those of its coordinator do: the fourth
    group says which worker, and is of no random GUID. So they are known of one that could not tell them, too."""
    return f"{requests[:19]}{0xC000 + number:04x}-"


def excuse(sessions: Iterable[Session], seconds: float, now: float) -> None:
    """As if each was heard of so much later."""
    for session in sessions:
        session.heard = min(now, session.heard + max(0.0, seconds))


def _share(job: Job, workers: int) -> Job:
    """The job of one of so many workers: without secrets, and with its share of fixed limits."""
    limits: Limits = job.limits.model_copy(update={
        "requests_in_flight": _part(job.limits.requests_in_flight, workers),
        "mailboxes_in_flight": max(1, job.limits.mailboxes_in_flight // workers),
    })  # fmt: skip
    return without_secrets(job).model_copy(update={"limits": limits})


def _part(number: int | None, workers: int) -> int | None:
    return None if number is None else max(1, number // workers)
