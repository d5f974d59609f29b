"""A Dask cluster of workers that are forked: one that dies is replaced within a moment, by one with all imports done.

`python -m tests.torture.pool FOLDER WORKERS PROXY` lives until its standard input ends. It writes the files of TLS and
`scheduler.json` into FOLDER, and says which process the scheduler is once that is up. What workers say to a coordinator
goes through the proxy at that port. Every other worker always has the same address, as where a service manager starts
it anew.
"""

import asyncio
import gc
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from distributed import Scheduler, Worker
from distributed.comm import registry
from distributed.security import Security

from bulkmail.cluster.hosts import hushed  # and, with it, what a worker needs
from bulkmail.tasks import find

SCHEDULER = "scheduler.json"
FILES = {"tls_ca": "ca.pem", "tls_certificate": "certificate.pem", "tls_key": "key.pem"}
REAP = 0.02
PORTS = 20000
"""Where the ports begin that stay the same: below those that the system gives to connections."""

UP = 60.0


class Detour:
    """Dask's way of speaking TLS, but for connections to anywhere else than the scheduler: these go to the proxy."""

    def __init__(self, inner: Any, direct: str, proxy: str) -> None:
        self._inner = inner
        self._direct = direct
        self._proxy = proxy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get_connector(self) -> "Detour":
        return Detour(self._inner.get_connector(), self._direct, self._proxy)

    async def connect(self, address: str, **arguments: Any) -> Any:
        there = address if address == self._direct else self._proxy
        return await self._inner.connect(there, **arguments)


def serve(folder: Path, workers: int, proxy: int) -> None:
    """Until standard input ends."""
    hushed()
    find("settings.report", Path())
    security = Security.temporary()
    texts = security.tls_ca_file, security.tls_client_cert, security.tls_client_key
    for name, text in zip(FILES.values(), texts, strict=True):
        path = folder / name
        path.touch(0o600)
        path.write_text(text, encoding="ascii")
    gc.collect()
    gc.freeze()
    scheduler = _forked(partial(_schedule, folder, security))
    while not (folder / SCHEDULER).exists():
        time.sleep(REAP)
    address = str(json.loads((folder / SCHEDULER).read_bytes())["address"])
    slots, children = list(range(workers)), dict[int, int]()
    print(scheduler, flush=True)
    while not select.select([sys.stdin], [], [], REAP)[0]:
        while slots:
            slot = slots.pop()
            children[_forked(partial(_work, folder, address, security, slot, proxy))] = slot
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid:
            slots.append(children.pop(pid))
    for pid in (scheduler, *children):
        os.kill(pid, signal.SIGKILL)


def _forked(be: Callable[[], Coroutine[Any, Any, None]]) -> int:
    pid = os.fork()
    if pid == 0:
        _become(be)
    return pid


def _become(be: Callable[[], Coroutine[Any, Any, None]]) -> NoReturn:
    try:
        asyncio.run(be())
    except BaseException:  # noqa: BLE001 - what a shell would show
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(1)


async def _schedule(folder: Path, security: Security) -> None:
    async with Scheduler(
        security=security, protocol="tls://", host="127.0.0.1", port=0, dashboard=False,
        dashboard_address="127.0.0.1:0", scheduler_file=str(folder / SCHEDULER),
    ) as scheduler:  # fmt: skip
        await scheduler.finished()


async def _work(folder: Path, address: str, security: Security, slot: int, proxy: int) -> None:
    registry.backends["tls"] = Detour(registry.get_backend("tls"), address.partition("://")[2], f"127.0.0.1:{proxy}")
    port = 0 if slot % 2 else PORTS + os.getppid() % 5000 * 2 + slot // 2
    async with Worker(
        address, nthreads=1, security=security, memory_limit=0, dashboard=False, local_directory=str(folder),
        host="127.0.0.1", port=port,
    ) as worker:  # fmt: skip
        await worker.finished()


class Pool:
    """`table` is what a job says of it."""

    def __init__(self, folder: Path, process: int, scheduler: int) -> None:
        self._process = process
        self._scheduler = scheduler
        self.folder = folder

    @property
    def table(self) -> str:
        files = "".join(f"{name} = {json.dumps(str(self.folder / file))}\n" for name, file in FILES.items())
        return f"scheduler = {json.dumps(str(self.folder / SCHEDULER))}\n{files}"

    def workers(self) -> list[int]:
        """Their processes, at this moment."""
        return [pid for pid in children_of(self._process) if pid != self._scheduler]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, and that were not waited for."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text(encoding="ascii").split())
        except OSError:
            continue
    return found


@contextmanager
def open_pool(folder: Path, workers: int, proxy: int) -> Iterator[Pool]:
    """So many workers until the block ends."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.torture.pool", str(folder), str(workers), str(proxy)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BULKMAIL_")}
    with (
        (folder / "said.err").open("w", encoding="utf-8") as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, env=environment
        ) as process,
    ):  # its work ends with the block, and so does it
        assert process.stdout is not None
        yield Pool(folder, process.pid, int(process.stdout.readline()))


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
