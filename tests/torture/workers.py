"""Workers of real runs are killed, stopped or cut off for longer than their lease; or it is their coordinator.

    python -m tests.torture.workers --kills 20 --coordinators 4 --trial contacts.sync-new

Each round is one run with `[cluster]` in its job, resumed where its coordinator was killed, until it is complete; then
it is judged as any round is. Its workers are those of a `pool`, or with `--local` those that bulkmail starts itself.
The victims and the moments are drawn by seed; what they hit depends on the machine.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.torture.harms import AGAIN, COORDINATORS, WORKERS, Found, Harms, Place
from tests.torture.judge import judged
from tests.torture.pool import Pool, children_of, open_pool
from tests.torture.proxy import Proxy, open_proxy
from tests.torture.round import ENDED, NARROW, Ground, Round, open_ground
from tests.torture.trials import TRIALS, Trial

MAILBOXES = 200
"""Mailboxes of a round: some seconds of work for a few workers."""

LEASES = {"workers": 3.0, "coordinators": 6.0}
"""Seconds of a lease, by what a round harms: the workers of a coordinator that died are to outlive it."""

AT_A_TIME = 24
POOL = 3
LOCAL = 2
BEGUN = "workers on this machine"
"""What a run says when its workers are up: where one dies earlier, Dask gives up all of them."""

LONGEST = 240.0
"""Seconds after which a run that still goes on hangs."""


class Pooled:
    """Workers of a pool, which reach their coordinator, which listens at a port, and the service by way of proxies."""

    def __init__(self, pool: Pool, calls: Proxy, graph: Proxy, port: int) -> None:
        self.calls: Proxy | None = calls
        self.graph: Proxy | None = graph
        self._pool = pool
        self._graph = graph
        self._port = port

    def table(self) -> str:
        return f'workers = {POOL}\nlisten = "127.0.0.1:{self._port}"\n{self._pool.table}'

    def at_work(self, coordinator: int, since: float) -> Sequence[int]:
        return [pid for pid in self._pool.workers() if self._graph.busy(pid, since)]


class Local:
    """Workers that bulkmail starts itself."""

    calls: Proxy | None = None
    graph: Proxy | None = None

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said.err"
        self._begun = 0

    def table(self) -> str:
        return f"workers = {LOCAL}\n"

    def at_work(self, coordinator: int, since: float) -> Sequence[int]:
        said = self._said.read_text(encoding="utf-8").rpartition(MARK)[2]
        return [pid for pid in children_of(coordinator) if "spawn_main" in _command(pid)] if BEGUN in said else []


MARK = "-- a process begins --\n"


def harmed(work: Round, place: Place, dice: random.Random, style: str, most: dict[str, int]) -> Found:
    """One round, with so many harms at the most."""
    found = Found(rounds=1, mailboxes=len(work.addresses))
    # An answer that was lost may leave many in doubt; and few at a time end early, so that much is not done anew.
    work.prepare(f"{NARROW}max_failures = {MAILBOXES}\nmailboxes_in_flight = {AT_A_TIME}\n")
    job = work.folder / "job.toml"
    table = f"\n[cluster]\nlease = {LEASES[style]}\n{place.table()}"
    job.write_text(job.read_text(encoding="utf-8") + table, encoding="utf-8")
    harms = Harms(place, LEASES[style], dice, found, most)
    try:
        while (code := _started(work, harms, dice)) == -signal.SIGKILL:
            pass
    finally:
        harms.undo()
    said = (work.folder / "said.err").read_text(encoding="utf-8")
    found.again = said.count(AGAIN)
    if code not in ENDED:
        found.wrong.append(f"{work.folder}: ended with {code}: {said[-2000:]}")
    else:
        found.wrong += [f"{work.folder}: {one}" for one in judged(work)]
    return found


def _started(work: Round, harms: Harms, dice: random.Random) -> int:
    """A run or resume, to its end. Returns its exit code; 255 where it hangs."""
    since = time.monotonic()
    with (work.folder / "said.err").open("a", encoding="utf-8") as said:
        said.write(MARK)
        said.flush()
        process = subprocess.Popen(
            [sys.executable, "-m", "bulkmail", *work.command()], cwd=work.folder, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        while (code := process.poll()) is None and time.monotonic() < since + LONGEST:
            time.sleep(dice.uniform(0.2, 1.0))
            harms.undo(time.monotonic())
            harms.strike(process.pid, since)
        return 255 if code is None else code
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def harm(ground: Ground, place: Place | None, seed: int, kills: int, coordinators: int, each: int) -> Found:
    """Rounds until so much harm was done, `each` at the most in one of them."""
    found = Found()
    while not found.wrong:
        left = {"workers": kills - found.done(WORKERS), "coordinators": coordinators - found.done(COORDINATORS)}
        if max(left.values()) <= 0:
            break
        style = "workers" if left["workers"] * coordinators >= left["coordinators"] * kills else "coordinators"
        (work,) = ground.rounds(1, MAILBOXES)
        dice = random.Random(f"{seed} {ground.trial.name} {found.rounds}")
        most = {kind: min(each if kind == style else each // 4, number) for kind, number in left.items()}
        one = harmed(work, place or Local(work.folder), dice, style, most)
        books = ground.tenant.books()
        if over := books["breaches"].get("MailboxConcurrency"):
            one.wrong.append(f"{over} requests more than a mailbox takes at a time")
        if not one.harms:
            one.wrong.append(f"{work.folder}: nothing was harmed, so nothing was shown")
        found.add(one)
        lags = [proxy.lag for proxy in (place.calls, place.graph) if proxy is not None] if place else []
        print(f"    {ground.trial.name}, {style}: {dict(one.harms)}, lags {lags}", file=sys.stderr, flush=True)
    return found


@contextmanager
def open_pooled(trial: Trial, folder: Path) -> Iterator[tuple[Ground, Place]]:
    """The ground of a trial and a pool, with proxies between all of them, until the block ends."""
    pools: list[Pool] = []

    def workers() -> list[int]:
        return pools[0].workers() if pools else []

    service, port = _free(), _free()
    with (
        open_proxy(lambda: ("127.0.0.1", service), workers) as graph,
        open_proxy(lambda: ("127.0.0.1", port), workers) as calls,
        open_ground(
            trial, folder / "ground", 1, faults=True,
            place=("--port", str(service), "--seen-at", f"http://127.0.0.1:{graph.port}"),
        ) as ground,
        open_pool(folder / "pool", POOL, calls.port) as pool,
    ):  # fmt: skip
        pools.append(pool)
        yield ground, Pooled(pool, calls, graph, port)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="harms to workers, for each trial")
    parser.add_argument("--coordinators", type=int, default=4, help="harms to coordinators, for each trial")
    parser.add_argument("--each", type=int, default=12, help="harms of a kind in one round at most")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--local", action="store_true", help="workers that bulkmail starts itself")
    parser.add_argument("--trial", action="append", choices=[one.name for one in TRIALS], default=[])
    wanted, wrong = parser.parse_args(), False
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    for trial in TRIALS:
        if wanted.trial and trial.name not in wanted.trial:
            continue
        begun = time.monotonic()
        found = _on(trial, wanted, folder / trial.name)
        print(f"| {trial.name} | {trial.effect} | {found.rounds} rounds | {found.mailboxes:,} mailboxes | "
              f"{dict(found.harms)} | {found.again} given up | last sent at {found.latest:.0%} of a lease | "
              f"{time.monotonic() - begun:.0f} s | {len(found.wrong)} wrong |", flush=True)  # fmt: skip
        for one in found.wrong[:20]:
            print(f"    {one}", flush=True)
        wrong = wrong or bool(found.wrong)
    if not wrong:
        shutil.rmtree(folder)
    return int(wrong)


def _on(trial: Trial, wanted: argparse.Namespace, folder: Path) -> Found:
    amounts = wanted.seed, wanted.kills, wanted.coordinators, wanted.each
    if wanted.local:
        with open_ground(trial, folder, 1, faults=True) as ground:
            return harm(ground, None, *amounts)
    with open_pooled(trial, folder) as (ground, place):
        return harm(ground, place, *amounts)


if __name__ == "__main__":
    sys.exit(main())
