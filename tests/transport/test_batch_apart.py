"""A mailbox that holds up the posts it is in is kept out of them, and nobody else is for long."""

import asyncio

from bulkmail.model import Request, Response
from bulkmail.testing import run
from bulkmail.transport.batch import batching
from tests.transport.posts import echo, free
from tests.transport.rig import Unbatching, get, together


def test_a_mailbox_that_holds_up_its_posts_goes_plain_until_it_answers_in_time() -> None:
    async def main() -> None:
        pauses = {"slow": 60.0}

        async def answer(request: Request) -> Response:
            await asyncio.sleep(pauses.get(request.mailbox, 0.1))
            return await echo(request)

        def plain() -> list[str]:
            paths = [request.path.split("/")[2] for request in service.plain]
            service.plain.clear()
            return sorted(paths)

        service = Unbatching(answer)
        async with batching(service, size=3, held=free) as packer:

            async def visit() -> None:
                await together(*(packer.send(get(f"/users/{key}/x", key)) for key in ("slow", "ada", "eve")))

            await visit()
            assert plain() == [], "nobody knows yet"
            await visit()
            assert plain() == ["ada", "eve", "slow"], "it may be any of them"
            await visit()
            assert plain() == ["slow"]
            pauses["slow"] = 0.1
            await visit()
            assert plain() == ["slow"]
            await visit()
            assert plain() == []
            assert packer.statistics().apart == set()

    run(main())


def test_where_all_is_slow_nobody_is_kept_apart_for_it() -> None:
    async def main() -> None:
        async def slow(request: Request) -> Response:
            await asyncio.sleep(20)
            return await echo(request)

        async with batching(Unbatching(slow), size=20, held=free) as packer:
            for start in range(0, 2000, 1000):
                await together(*(packer.send(get(f"/{n}", f"m{n}")) for n in range(start, start + 1000)))
            assert len(packer.statistics().apart) < 200

    run(main())


def test_more_suspects_than_can_be_are_none() -> None:
    async def main() -> None:
        async def slow(request: Request) -> Response:
            await asyncio.sleep(20)
            return await echo(request)

        async with batching(Unbatching(slow), size=2, held=free, suspects=2) as packer:
            for pair in (("ada", "eve"), ("bob", "kim"), ("alan", "grace")):
                await together(*(packer.send(get(mailbox=mailbox)) for mailbox in pair))
                assert packer.statistics().apart >= set(pair)
            assert packer.statistics().apart == {"alan", "grace"}

    run(main())
