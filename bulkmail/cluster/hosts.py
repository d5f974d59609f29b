"""Where workers are, as a crew sees it; and those that Dask starts as processes on this machine.

These speak TLS with keys that were made for this run, so that no other account of the machine can call them, or what
they call.
"""

import logging
import signal
import warnings
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from distributed import Client, Future, LocalCluster
from distributed.security import Security

from bulkmail.cluster.calls import Handler, Key, Switchboard
from bulkmail.cluster.worker import work

HERE = "tls://127.0.0.1:0"
ENDED = ("finished", "error")
"""What Dask says of a task that has ended in a process that lives; of one whose process has died it says otherwise."""


class Started(Protocol):
    """A session at its worker."""

    def ended(self) -> bool:
        """Whether it has returned, or raised, so that nothing of it goes on. Not known of a process that died."""

    async def failure(self) -> BaseException | None:
        """What it raised."""


class Hosts(Protocol):
    """The workers of a run."""

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        """From now on, workers can call."""

    async def close(self) -> None:
        """No call is answered any more."""

    async def names(self) -> Collection[str]:
        """The workers that there are now."""

    def begin(self, name: str, key: str) -> Started:
        """Has a worker begin the session with this key."""


class _Task:
    def __init__(self, future: Future) -> None:
        self._future = future

    def ended(self) -> bool:
        return self._future.status in ENDED

    async def failure(self) -> BaseException | None:
        found: BaseException | None = await self._future.exception() if self._future.status == "error" else None
        return found


class DaskHosts:
    """The workers of a Dask cluster; the coordinator listens at `at`, by the rules of `security`."""

    def __init__(self, client: Client, security: Security, at: str) -> None:
        self._client = client
        self._security = security
        self._at = at
        self._board: Switchboard | None = None
        self._address = ""

    async def listen(self, handlers: Mapping[str, Handler], known: Callable[[str], Any]) -> None:
        self._board = Switchboard(handlers, known, self._security)
        self._address = await self._board.listen(self._at)

    async def close(self) -> None:
        if self._board is not None:
            await self._board.close()

    async def names(self) -> Collection[str]:
        found: Mapping[str, Any] = await self._client.scheduler.identity(n_workers=-1)
        return list(found["workers"])

    def begin(self, name: str, key: str) -> Started:
        named = f"bulkmail-{key[:8]}"
        return _Task(self._client.submit(
            work, self._address, Key(key), key=named, workers=[name], pure=False, retries=0
        ))  # fmt: skip


@asynccontextmanager
async def local(workers: int) -> AsyncIterator[DaskHosts]:
    """So many processes on this machine, until the block ends."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it tells of every process that comes and goes
    security = Security.temporary()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about ports and memory, which are chosen here
        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, asynchronous=True, dashboard_address=None,
            security=security, protocol="tls://", host="127.0.0.1", silence_logs=logging.CRITICAL, memory_limit=0,
        )  # fmt: skip
        async with cluster, Client(cluster, asynchronous=True, security=security) as client:
            await client.run(_leave_interrupts)
            yield DaskHosts(client, security, HERE)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal. The coordinator hears it, and tells its workers to finish."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
