"""The barest loop over `$batch` that still reads every answer: no limits, no retries, no report. The floor of what a
client can cost."""

import asyncio
import json
import sys
import time

import aiohttp
import orjson

given = json.loads(sys.argv[1])
PARTS = 20
IN_FLIGHT = 16


async def main() -> None:
    started = time.perf_counter()
    with open(given["csv"], encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        mailboxes = file.read().splitlines()[1:]
    packs = iter([mailboxes[at : at + PARTS] for at in range(0, len(mailboxes), PARTS)])
    ok = 0
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def work() -> None:
            nonlocal ok
            for pack in packs:
                parts = [
                    {"id": str(number), "method": "GET", "url": f"/users/{mailbox}/mailboxSettings"}
                    for number, mailbox in enumerate(pack)
                ]
                body = orjson.dumps({"requests": parts})
                async with session.post(f"{given['graph']}/v1.0/$batch", data=body, headers=headers) as answer:
                    answers = orjson.loads(await answer.read())["responses"]
                for one in answers:
                    ok += one["status"] == 200

        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(work())
    print(json.dumps({"ok": ok, "seconds": time.perf_counter() - started}))


try:
    import uvloop

    uvloop.run(main())
except ImportError:
    asyncio.run(main())
