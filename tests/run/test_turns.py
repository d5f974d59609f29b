"""A few mailboxes at a time below the same other one, and any number below others."""

import asyncio
from collections import Counter

from bulkmail.run.turns import AT_ONCE, Places
from bulkmail.testing import run
from tests.transport.rig import cancelled


def test_a_few_at_a_time_in_their_order_and_other_places_are_free() -> None:
    async def main() -> None:
        places = Places()
        inside: Counter[str] = Counter()
        order: list[int] = []

        async def visit(place: str, row: int) -> None:
            async with places.turn(place):
                inside[place] += 1
                assert inside[place] <= AT_ONCE
                order.append(row)
                await asyncio.sleep(10)
                inside[place] -= 1

        async with asyncio.TaskGroup() as group:
            for row in range(3 * AT_ONCE):
                group.create_task(visit("news", row))
            for row in range(100, 100 + AT_ONCE):
                group.create_task(visit("other", row))
            await asyncio.sleep(5)
            assert sorted(order) == [*range(AT_ONCE), *range(100, 100 + AT_ONCE)]
            assert repr(places) == f"<Places {{'news': {3 * AT_ONCE}, 'other': {AT_ONCE}}}>"
        assert asyncio.get_running_loop().time() == 30
        assert [row for row in order if row < 100] == list(range(3 * AT_ONCE))
        assert repr(places) == "<Places {}>"

    run(main())


def test_who_is_cancelled_or_fails_leaves_nothing_behind() -> None:
    async def main() -> None:
        places = Places()

        async def visit(row: int, *, fails: bool = False) -> None:
            async with places.turn("news"):
                await asyncio.sleep(10)
                if fails:
                    raise KeyError(row)

        holding = [asyncio.create_task(visit(row, fails=True)) for row in range(AT_ONCE)]
        waiting = [asyncio.create_task(visit(row)) for row in (20, 21)]
        await asyncio.sleep(1)
        await cancelled(waiting[0])
        assert repr(places) == f"<Places {{'news': {AT_ONCE + 1}}}>"
        await asyncio.wait(holding)
        assert all(isinstance(task.exception(), KeyError) for task in holding)
        await waiting[1]
        assert asyncio.get_running_loop().time() == 20
        assert repr(places) == "<Places {}>"
        await cancelled(asyncio.create_task(visit(30)))
        assert repr(places) == "<Places {}>"

    run(main())
