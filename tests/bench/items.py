"""`python -m tests.bench.items`: what items.export moves, beside the barest loop that fetches, decodes, hashes and
writes the same streams with as many calls in flight; and the memory that it takes. That loop lists by the same delta
queries and asks for twenty items a call, whatever their sizes; it parses each answer whole, and has no limits, retries,
rows, names, sums or syncs.

Sizes are those of a real mailbox: log-normal around 30 KB, cut to 1 KB and 20 MB, 150 KB in the mean; both ends have
to be among them where there are 100,000 items. The simulator runs on one core, the driver on another. `--mailboxes 1
--items 2000 --smallest 5000000 --largest 15000000 --typical 0` is one mailbox of 20 GB; then the memory has to be what
it is for a small one.
"""

import argparse
import asyncio
import json
import resource
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bulkmail.app.fingerprint import pinned
from bulkmail.app.input import file_source
from bulkmail.app.loop import run
from bulkmail.app.prepare import Prepared, surveyed
from bulkmail.app.runner import Runner
from bulkmail.config import App, Input, Job, Limits, Output, TaskTable
from bulkmail.rundir.folder import open_folder
from bulkmail.sim import Fault, Settings, Simulator
from bulkmail.tasks import check_options, find
from tests.bench.measure import CORES
from tests.sim.desk import CLIENT, EVERY_ROLE, SECRET, sign_in
from tests.tasks.rig import Token

NAME, MANY = "tests.bench.items", 100_000
FAULTS = (
    Fault("item-error", match="exportItems/", share=0.02, code="ErrorCorruptData"),
    Fault("item-dropped", match="exportItems/", share=0.01),
)


async def serve(given: Any) -> None:
    """A simulator that says where it is, and a token; until it is killed."""
    settings = Settings(
        mailboxes=given.mailboxes, items=given.items, smallest_item=given.smallest, largest_item=given.largest,
        typical_item=given.typical, absent=0.0, denied=0.0, moving=0.0, tls=False, latency=given.latency,
        token_life=80_000, faults=FAULTS if given.faults else (),
    )  # fmt: skip
    async with Simulator(settings) as sim:
        sim.register(CLIENT, roles=EVERY_ROLE, secret=SECRET)
        context = ssl.create_default_context(cafile=str(sim.ca_file))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            _, token = await sign_in(sim, session)
        told = {"graph": sim.graph_url, "token": token["access_token"], "addresses": list(sim.addresses())}
        print(json.dumps(told), flush=True)
        await asyncio.Event().wait()


class Bare:
    """Lists, fetches twenty at a time, decodes, hashes and writes, and nothing else."""

    def __init__(self, session: aiohttp.ClientSession, out: Path) -> None:
        self.session = session
        self.out = out
        self.moved = 0

    async def work(self, coming: Iterator[str]) -> None:
        for address in coming:
            async with self.session.get(f"users/{address}/settings/exchange") as answer:
                box = f"admin/exchange/mailboxes/{orjson.loads(await answer.read())['primaryMailboxId']}"
            with (self.out / address).open("wb") as file:
                async for ids in self.ids(box):
                    async with self.session.post(f"{box}/exportItems", json={"itemIds": ids}) as answer:
                        value = orjson.loads(await answer.read())["value"]
                    for one in value:
                        stream = b64decode(one.get("data", ""))
                        sha256(stream).hexdigest()
                        self.moved += file.write(stream)

    async def ids(self, box: str) -> AsyncIterator[list[str]]:
        async for folders in self.pages(f"{box}/folders?$top=250"):
            for folder in folders:
                async for items in self.pages(f"{box}/folders/{folder['id']}/items/delta"):
                    for start in range(0, len(items), 20):
                        yield [item["id"] for item in items[start : start + 20]]

    async def pages(self, path: str) -> AsyncIterator[Any]:
        link: str | None = path
        while link:
            async with self.session.get(link, headers={"Prefer": "odata.maxpagesize=200"}) as answer:
                body = orjson.loads(await answer.read())
            yield body["value"]
            link = body.get("@odata.nextLink")


async def bare(given: Any, there: Any) -> dict[str, Any]:
    """The barest loop."""
    out, coming = Path(given.out), iter(there["addresses"])
    out.mkdir()  # noqa: ASYNC240
    session = aiohttp.ClientSession(
        f"{there['graph']}/v1.0/", headers={"Authorization": f"Bearer {there['token']}"},
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None),
    )  # fmt: skip
    loop = Bare(session, out)
    async with session, asyncio.TaskGroup() as group:
        for _ in range(given.in_flight or 16):
            group.create_task(loop.work(coming))
    return {"bytes": loop.moved}


async def own(given: Any, there: Any) -> dict[str, Any]:
    """items.export, with all that it does."""
    folder = Path(given.out)
    folder.mkdir()  # noqa: ASYNC240
    (folder / "list.csv").write_text("mailbox\n" + "\n".join(there["addresses"]) + "\n", encoding="utf-8")
    job = Job(
        app=App(tenant_id="t", client_id="c", cloud="custom", login="https://127.0.0.1:1", graph=there["graph"]),
        input=Input(path=str(folder / "list.csv")), task=TaskTable(name="items.export"),
        limits=Limits(requests_in_flight=given.in_flight or None),
        output=Output(directory=str(folder / "run")),
    )  # fmt: skip
    task = find(job.task.name, Path())
    options = check_options(task, job.task.options)
    token = Token(there["token"])
    prepared = Prepared(job, task, options, token, pinned(job, task, options, {}), file_source(job.input))
    with open_folder(folder / "run") as out:
        ended = await Runner(await surveyed(prepared)).run(out)
    if ended.failure is not None:
        raise ended.failure
    found: dict[str, Any] = {"bytes": 0, "exported": 0, "failed": 0, "other": 0, "sizes": [given.largest, 0]}
    with (folder / "run" / "records.ndjson").open("rb") as rows:
        for row in map(orjson.loads, rows):
            found[row["state"] if row["state"] in found else "other"] += 1
            found["bytes"] += row["bytes"] or 0
            found["sizes"] = [min(found["sizes"][0], row["size"]), max(found["sizes"][1], row["size"])]
    if given.typical and given.mailboxes * given.items >= MANY and found["sizes"] != [given.smallest, given.largest]:
        raise ValueError(f"the ends of the sizes were not reached: {found['sizes']}")
    return found


@contextmanager
def served(given: Any) -> Iterator[str]:
    """What the server says of itself."""
    command = [*_on(-1), sys.executable, "-m", NAME, "--as", "serve", *given.words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.kill()


def _on(core: int) -> list[str]:
    return ["taskset", "-c", str(CORES[core])] if len(CORES) > 1 else []


def driven(given: Any, who: str, there: str, folder: Path) -> dict[str, Any]:
    command = [*_on(0), sys.executable, "-m", NAME, "--as", who, "--out", str(folder / who), *given.words]
    done = subprocess.run(command, input=there, stdout=subprocess.PIPE, text=True, check=True)
    shutil.rmtree(folder / who)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {NAME}", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=20)
    parser.add_argument("--items", type=int, default=500, help="of each mailbox")
    parser.add_argument("--smallest", type=int, default=1000, help="bytes of an item")
    parser.add_argument("--largest", type=int, default=20_000_000)
    parser.add_argument("--typical", type=int, default=30_000, help="half are smaller; 0: evenly, by their logarithm")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer takes")
    parser.add_argument("--in-flight", type=int, default=16, help="0: as bulkmail finds it out, beside 16")
    parser.add_argument("--faults", action="store_true", help="2 % of the items have errors, 1 % are left out")
    parser.add_argument("--as", dest="who", choices=("serve", "bare", "own"))
    parser.add_argument("--out", default="")
    given = parser.parse_args()
    given.words = [word for word in sys.argv[1:] if word not in ("--as", given.who, "--out", given.out)]
    if given.who == "serve":
        asyncio.run(serve(given))
        return
    if given.who:
        began, before = time.perf_counter(), time.process_time()
        found = run({"bare": bare, "own": own}[given.who](given, json.loads(sys.stdin.readline())))
        told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - before}
        print(json.dumps(found | told | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
        return
    rates, costs = {}, {}
    for who in ("bare", "own"):
        with tempfile.TemporaryDirectory(prefix="bulkmail-items-") as folder, served(given) as there:
            found = driven(given, who, there, Path(folder))
        rates[who], costs[who] = found["bytes"] / found["seconds"] / 1e6, found["cpu"] / found["bytes"] * 1e9
        print(f"{who}: {rates[who]:,.0f} MB/s, {costs[who]:.2f} s of CPU a gigabyte, {found}", flush=True)
    print(f"own moves {rates['own'] / rates['bare']:.0%} of what the bare loop moves, and "
          f"{costs['bare'] / costs['own']:.0%} for the same CPU")  # fmt: skip


if __name__ == "__main__":
    main()
