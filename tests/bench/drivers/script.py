"""What a competent engineer writes in an hour: aiohttp, a semaphore, Retry-After honoured, rows to CSV as they come."""

import asyncio
import csv
import json
import sys
import time

import aiohttp

given = json.loads(sys.argv[1])
IN_FLIGHT = given.get("in_flight", 64)


async def fetch(session: aiohttp.ClientSession, gate: asyncio.Semaphore, mailbox: str) -> dict[str, object] | None:
    for attempt in range(8):
        async with gate:
            try:
                url = f"{given['graph']}/v1.0/users/{mailbox}/mailboxSettings"
                async with session.get(url, headers={"Authorization": "Bearer x"}) as answer:
                    if answer.status == 200:
                        return dict(await answer.json())
                    if answer.status not in (429, 500, 502, 503, 504):
                        return None
                    wait = float(answer.headers.get("Retry-After", 2**attempt))
            except aiohttp.ClientError:
                wait = 2.0**attempt
        await asyncio.sleep(wait)
    return None


async def main() -> None:
    started = time.perf_counter()
    with open(given["csv"], encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        mailboxes = file.read().splitlines()[1:]
    gate, ok = asyncio.Semaphore(IN_FLIGHT), 0
    queue = iter(mailboxes)
    connector = aiohttp.TCPConnector(limit=0)
    with open(given["out"], "w", newline="", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        writer = csv.writer(file)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                nonlocal ok
                for mailbox in queue:
                    body = await fetch(session, gate, mailbox)
                    if body is not None:
                        ok += 1
                        writer.writerow([mailbox, json.dumps(body)])

            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT * given.get("workers", 1)):
                    group.create_task(work())
    print(json.dumps({"ok": ok, "seconds": time.perf_counter() - started}))


try:
    import uvloop

    uvloop.run(main())
except ImportError:
    asyncio.run(main())
