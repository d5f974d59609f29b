"""Where workers are, as a crew sees it: processes that Dask starts on this machine, or those of a Dask cluster.

The former speak TLS with keys that were made for this run, so that no other account of the machine can call them, or
what they call. The latter speak what their cluster speaks; without TLS its whole network has to be trusted.
"""

import asyncio
import logging
import signal
import warnings
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import uuid4

import dask.config
import orjson
from distributed import Client, Future, KilledWorker, LocalCluster, WorkerPlugin
from distributed import client as dask_client
from distributed.client import FutureCancelledError
from distributed.comm import get_address_host
from distributed.security import Security
from distributed.utils import get_ip

from bulkmail import __version__
from bulkmail.cluster.calls import LINE, Handler, Key, Switchboard
from bulkmail.cluster.messages import Lost
from bulkmail.cluster.worker import work
from bulkmail.config.tables import Cluster
from bulkmail.errors import ConfigError

T = TypeVar("T")

STARTS = 3
"""Attempts to have all processes up."""

CONNECT = 10.0
"""Seconds for a scheduler to answer."""

SESSION = "bulkmail"
"""What the keys of Dask's tasks begin with that are sessions, or stand for them: it takes them to last alike."""

NOBODY = "bulkmail-nobody"
"""A resource that no worker has."""

UNKNOWN = 10
"""Tasks that make Dask start one worker while it does not know how long they take: half a second each, of five."""

DASHBOARD = "127.0.0.1:8787"
"""Where Dask shows what it does, if told to; another port if that one is taken."""

HERE = "tls://127.0.0.1:0"

AS_ALONE = {"distributed.nanny.pre-spawn-environ": {"MALLOC_TRIM_THRESHOLD_": None}}
"""Dask has its workers give memory back at once. Then each buffer of an export is asked of the kernel anew, which took
a fifth more CPU."""

QUIET = {
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.client.scheduler-info-interval": "10s",
    "distributed.worker.profile.enabled": False,
}
"""What Dask measures of its own processes many times a second, for its dashboard: without one it is not worth the
hundredths of each core that it takes."""

ENDED = ("finished", "error")
"""What Dask says of a task that has ended in a process that lives; of one whose process has died it says otherwise."""

CLOSED: type[Exception] = getattr(dask_client, "ClosedClientError", Exception)
"""What a client raises that is closed; in the oldest versions it has no name of its own."""


class Started(Protocol):
    """A session at its worker."""

    def ended(self) -> bool:
        """Whether it has returned, or raised, so that nothing of it goes on. Not known of a process that died."""

    async def failure(self) -> BaseException | None:
        """What it raised; Lost where its processes died too often."""


class Hosts(Protocol):
    """The workers of a run."""

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        """From now on, workers can call. Raises ConfigError."""

    async def close(self) -> None:
        """No call is answered any more."""

    async def names(self) -> Collection[str]:
        """The workers that there are now; none while the scheduler does not answer."""

    async def want(self, number: int) -> None:
        """Asks for so many workers in all, where that can be had: on this machine, or of a cluster that adapts."""

    def begin(self, name: str, key: str) -> Started:
        """Has a worker begin the session with this key."""


class _Task:
    def __init__(self, future: Future) -> None:
        self._future = future

    def ended(self) -> bool:
        return self._future.status in ENDED

    async def failure(self) -> BaseException | None:
        found: BaseException | None = await self._future.exception() if self._future.status == "error" else None
        if isinstance(found, ImportError | AttributeError):
            return _lacking(found)
        return Lost(str(found)) if isinstance(found, KilledWorker) else found


class DaskHosts:
    """The workers of a Dask cluster; the coordinator listens at `at`, by the rules of `security`. Workers are had by
    `scale`; without it, a cluster that adapts sees what waits for one. One that `shows` itself has a dashboard."""

    def __init__(
        self, client: Client, security: Security, at: str, scale: Callable[[int], object] | None = None, *,
        shows: bool = True,
    ) -> None:  # fmt: skip
        self._client = client
        self._security = security
        self._at = at
        self._scale = scale
        self._shows = shows
        self._waiting: list[Future] = []  # what no worker takes, to be seen by a cluster that adapts
        self._begun = 0  # sessions
        self._board: Switchboard | None = None
        self._address = ""

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        self._board = Switchboard(handlers, known, self._security)
        try:
            self._address = await self._board.listen(self._at)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot listen for workers at {self._at}: {error}",
                hint="Set cluster.listen to an address of this machine, with a port that is free or without one.",
            ) from None

    async def close(self) -> None:
        await self._wait_for(0)
        if self._board is not None:
            await self._board.close()

    async def want(self, number: int) -> None:
        """Dask reckons how many workers it needs by the time that tasks take which have none (`adaptive_target` of its
        scheduler): as long as its sessions have taken, and half a second before there was one."""
        if self._scale is not None:
            self._scale(number)
        elif number > (present := len(await self.names())):
            await self._wait_for(number - present if self._begun else number * UNKNOWN)
        else:
            await self._wait_for(0)

    async def _wait_for(self, number: int) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            with suppress(CLOSED):  # with the scheduler, what waits there is gone
                await self._client.cancel(waiting)
        with suppress(CLOSED):
            for _ in range(number):
                key = f"{SESSION}-{uuid4().hex[:8]}"
                self._waiting.append(self._client.submit(int, key=key, resources={NOBODY: 1}, pure=False, retries=0))

    @property
    def dashboard(self) -> str:
        """Where Dask shows what it does; empty where it does not."""
        return str(self._client.dashboard_link or "") if self._shows else ""

    async def names(self) -> Collection[str]:
        if (scheduler := self._client.scheduler) is None:  # Dask has looked for it long enough, and closed the client
            return []
        try:
            async with asyncio.timeout(CONNECT):
                found: Mapping[str, Any] = await scheduler.identity(n_workers=-1)
        except (*LINE, RuntimeError):  # the last of a client that is closing; workers need no scheduler to go on
            return []
        return list(found["workers"])

    def begin(self, name: str, key: str) -> Started:
        named = f"{SESSION}-{uuid4().hex[:8]}"
        self._begun += 1
        return _Task(self._client.submit(
            work, self._address, Key(key), __version__, key=named, workers=[name], pure=False, retries=0
        ))  # fmt: skip

    async def ask(self, name: str, question: Callable[..., T], *arguments: Any) -> T:
        """What `question` returns when it is called at a worker, with the address of this process in front. Raises
        ConfigError, Lost where its process died or the scheduler is gone, and what it raises there."""
        named = f"bulkmail_question-{uuid4().hex[:8]}"
        future = self._client.submit(
            question, self._address, *arguments, key=named, workers=[name], pure=False, retries=0
        )  # fmt: skip
        try:
            found: T = await future
        except (ImportError, AttributeError) as error:
            raise _lacking(error) from None
        except (KilledWorker, FutureCancelledError) as error:
            raise Lost(f"the worker was lost before it answered: {error}") from None
        return found


def _lacking(error: BaseException) -> ConfigError:
    return ConfigError(f"a worker cannot begin: {error}", hint=f"Install bulkmail {__version__} there, too.")


def hushed() -> None:
    """Dask logs of every process that comes and goes, which the run tells in its own words."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


@asynccontextmanager
async def reached(wanted: Cluster) -> AsyncIterator[DaskHosts]:
    """The workers of a Dask cluster that was started before, and goes on when the block ends. Raises
    ConfigError."""
    hushed()
    address = address_of(wanted.scheduler)
    security = security_of(wanted, address)
    try:
        client = await Client(address, asynchronous=True, security=security, timeout=CONNECT)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {address}: {error}", hint="Is it up, and are cluster.tls_* its files?"
        ) from None
    try:
        yield DaskHosts(client, security, listening(wanted.listen, address))
    finally:
        await client.close()


def address_of(scheduler: str) -> str:
    """An address, or the one that a scheduler file gives. Raises ConfigError."""
    if "://" in scheduler:
        address = scheduler
    else:
        try:
            address = str(orjson.loads(Path(scheduler).read_bytes())["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"cluster.scheduler: {scheduler} is not a scheduler file: {error}") from None
    if not address.startswith(("tcp://", "tls://")):
        raise ConfigError(f"cluster.scheduler: {address} is neither tcp://..., tls://... nor a scheduler file")
    return address


def security_of(wanted: Cluster, address: str) -> Security:
    """What connections to that cluster need; what the job does not say is what Dask's own configuration says. Raises
    ConfigError."""
    files = {"ca": wanted.tls_ca, "certificate": wanted.tls_certificate, "key": wanted.tls_key}
    given = {name: str(file) for name, file in files.items() if file is not None}
    is_tls = address.startswith("tls://")
    if given and not is_tls:
        raise ConfigError(f"cluster.tls_* are for tls://, and the scheduler is at {address}")
    for name, path in given.items():
        _require_readable(f"cluster.tls_{name}", Path(path))
    pairs = {f"tls_{role}_{part}": given[name] for role in ("client", "scheduler") for part, name in
             (("cert", "certificate"), ("key", "key")) if name in given}  # fmt: skip
    if "ca" in given:
        pairs["tls_ca_file"] = given["ca"]
    security = Security(require_encryption=is_tls, **pairs)
    try:
        ends = security.get_connection_args("client"), security.get_listen_args("scheduler")
    except OSError as error:  # such as one of TLS
        raise ConfigError(
            f"the files of TLS for {address} cannot be used: {error}",
            hint="Are cluster.tls_ca, tls_certificate and tls_key PEM files, and the key that of the certificate?",
        ) from None
    if is_tls and not all(end.get("ssl_context") for end in ends):
        raise ConfigError(
            f"the scheduler at {address} wants TLS", hint="Set cluster.tls_ca, tls_certificate and tls_key."
        )
    return security


def _require_readable(setting: str, path: Path) -> None:
    """Raises ConfigError, also for a key with a password: OpenSSL would ask for it at the terminal, and wait."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{setting}: there is no file {path}") from None
    except OSError as error:
        raise ConfigError(f"{setting}: cannot read {path}: {error.strerror}") from None
    if b"ENCRYPTED" in content:
        raise ConfigError(
            f"{setting}: the key in {path} has a password", hint="Workers start by themselves: give a key without one."
        )


def listening(listen: str, scheduler: str) -> str:
    """Where this process listens: at the address of the machine that leads to the scheduler, unless told."""
    scheme, _, rest = scheduler.partition("://")
    host = listen or get_ip(get_address_host(scheduler), int(rest.rpartition(":")[2]))
    return f"{scheme}://{host}" if ":" in host else f"{scheme}://{host}:0"


@asynccontextmanager
async def local(workers: int, *, dashboard: bool = False) -> AsyncIterator[DaskHosts]:
    """So many processes on this machine, until the block ends. Raises ConfigError."""
    hushed()
    if dashboard and find_spec("bokeh") is None:
        raise ConfigError("cluster.dashboard needs bokeh, and it is not installed", hint="Run: pip install bokeh")
    security = Security.temporary()
    with dask.config.set(AS_ALONE if dashboard else AS_ALONE | QUIET):
        async with (
            await _begun(workers, security, DASHBOARD if dashboard else None) as cluster,
            Client(cluster, asynchronous=True, security=security) as client,
        ):
            await leave_interrupts(client)
            yield DaskHosts(client, security, HERE, cluster.scale, shows=dashboard)


async def _begun(workers: int, security: Security, dashboard: str | None) -> LocalCluster:
    """Processes that are up: where one of them dies meanwhile, Dask gives up all of them. Raises ConfigError."""
    failure: Exception | None = None
    for _ in range(STARTS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about ports and memory, which are chosen here
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, asynchronous=True, dashboard_address=dashboard,
                security=security, protocol="tls://", host="127.0.0.1", silence_logs=logging.CRITICAL, memory_limit=0,
            )  # fmt: skip
            try:
                return await cluster
            except (RuntimeError, OSError) as error:
                failure = error
                await cluster.close()
    raise ConfigError(f"the workers cannot be started: {failure}", hint="Run it without --workers.")


async def leave_interrupts(client: Client) -> None:
    """All processes that there are, and those that come later. One that dies meanwhile, as by Ctrl-C, ends no run: the
    scheduler knows of it by then, and tells the one that comes in its place."""
    with suppress(OSError):
        await client.register_plugin(_LeaveInterrupts())


class _LeaveInterrupts(WorkerPlugin):  # type: ignore[misc]
    """Ctrl-C reaches every process of a terminal, those that come later, too. The coordinator hears it, and tells its
    workers to finish."""

    def setup(self, worker: object) -> None:
        del worker
        for name in ("SIGINT", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
