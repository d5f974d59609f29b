"""bulkmail with so many workers, or none, each on a core of its own; says how much CPU each process took.

A small run goes before the one that is measured, in the same processes: what they load is in no figure. One worker has
the first core, and the coordinator what is left; where each core has a worker, the coordinator takes from all of them.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bulkmail.app.fingerprint import pinned
from bulkmail.app.input import file_source
from bulkmail.app.loop import run
from bulkmail.app.prepare import Prepared, surveyed
from bulkmail.app.runner import Runner
from bulkmail.app.sweeping import Sweeping, Work, alone
from bulkmail.cluster.hosts import DaskHosts, local
from bulkmail.cluster.sweeping import Crew
from bulkmail.config import App, Input, Job, Limits, Output, TaskTable
from bulkmail.config.tables import Cluster
from bulkmail.rundir.folder import open_folder
from bulkmail.tasks import check_options, find
from bulkmail.testing import Tokens
from tests.bench.measure import CORES

WARM = 20
"""Mailboxes of the small run."""


def bound(_address: str, cores: list[int]) -> None:
    """All threads of this process run on these cores only."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def used(_address: str) -> float:
    """Seconds of CPU of this process so far."""
    return time.process_time()


class Crowd:
    """The workers of a run, if there are any."""

    def __init__(self, hosts: DaskHosts | None, workers: int) -> None:
        self._hosts = hosts
        self._workers = workers
        self.spent = 0.0
        """Seconds of CPU of this process while the last run went through its mailboxes: not before, and not after."""

    async def sweep(self, work: Work) -> None:
        """An `app.sweeping.Sweeping`."""
        before = time.process_time()
        await (alone(work) if self._hosts is None else Crew(work, self._hosts, self._workers).run())
        self.spent = time.process_time() - before

    async def bind(self) -> None:
        """One worker to a core."""
        if self._hosts is not None:
            for number, name in enumerate(sorted(await self._hosts.names())):
                await self._hosts.ask(name, bound, [CORES[number % len(CORES)]])

    async def used(self) -> list[float]:
        """Seconds of CPU of each worker."""
        names = sorted(await self._hosts.names()) if self._hosts is not None else []
        return [await self._hosts.ask(name, used) for name in names if self._hosts is not None]


@asynccontextmanager
async def crowd(workers: int) -> AsyncIterator[Crowd]:
    if not workers:
        os.sched_setaffinity(0, CORES[:1])
        yield Crowd(None, 0)
        return
    os.sched_setaffinity(0, CORES[1:] if workers == 1 and len(CORES) > 1 else CORES)
    async with local(workers) as hosts:
        yield Crowd(hosts, workers)


def listed(path: Path, most: int | None) -> Path:
    """The first addresses of a list, in a file of their own; all of it where there is no bound."""
    if most is None:
        return path
    few = path.with_name(f"warm-{path.name}")
    few.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[: most + 1]), encoding="utf-8")
    return few


async def swept(given: Any, sweeping: Sweeping, csv: Path, out: Path) -> Any:
    """The manifest of one run."""
    job = Job(
        app=App(tenant_id="t", client_id="c", cloud="custom", login="https://127.0.0.1:1", graph=given["graph"]),
        input=Input(path=str(csv)), task=TaskTable(**given.get("task", {})), limits=Limits(**given.get("limits", {})),
        output=Output(directory=str(out)), cluster=Cluster(workers=given["workers"]),
    )  # fmt: skip
    task = find(job.task.name, Path())
    options = check_options(task, job.task.options)
    prepared = Prepared(job, task, options, Tokens(), pinned(job, task, options, {}), file_source(job.input))
    with open_folder(out) as folder:
        ended = await Runner(await surveyed(prepared), sweeping=sweeping).run(folder)
    if ended.failure is not None:
        raise ended.failure
    return ended.manifest


async def main() -> None:
    given = json.loads(sys.argv[1])
    out, csv = Path(given["out"]), Path(given["csv"])
    async with crowd(given["workers"]) as there:
        await there.bind()
        one = partial(swept, given, there.sweep)
        await one(listed(csv, WARM), out.with_name("warm"))
        before, began = await there.used(), time.perf_counter()
        manifest = await one(csv, out)
        seconds, after = time.perf_counter() - began, await there.used()
    workers = [late - early for early, late in zip(before, after, strict=True)]
    shutil.rmtree(out)
    print(json.dumps({
        "ok": manifest.statuses["ok"], "seconds": seconds, "requests": manifest.sums.requests,
        "coordinator": there.spent, "workers": workers,
    }))  # fmt: skip


if __name__ == "__main__":
    run(main())
