"""Room is never given twice, is given in order, and comes back whatever ends."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.graph.room import Room
from bulkmail.testing import run


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 5), st.booleans()), max_size=20))
def test_there_is_never_more_than_there_is(wishes: Sequence[tuple[int, int, bool]]) -> None:
    """Some are cancelled, before or while they have it."""
    room, taken, most = Room(10), 0, 0

    async def one(size: int, turns: int) -> None:
        nonlocal taken, most
        async with room.of(size):
            taken += min(size, 10)
            most = max(most, taken)
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                taken -= min(size, 10)

    async def main() -> None:
        tasks = [asyncio.create_task(one(size, turns)) for size, turns, _ in wishes]
        for task, (_, turns, cancelled) in zip(tasks, wishes, strict=True):
            if cancelled:
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        assert all(cancelled or not task.cancelled() for task, (_, _, cancelled) in zip(tasks, wishes, strict=True))

    run(main())
    assert most <= 10
    assert (taken, room.free) == (0, 10)


def test_a_large_one_is_not_overtaken() -> None:
    async def main() -> list[str]:
        room, order = Room(10), list[str]()

        async def one(name: str, size: int) -> None:
            async with room.of(size):
                order.append(name)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for name, size in (("first", 6), ("large", 1000), ("small", 1)):
                group.create_task(one(name, size))
        return order

    assert run(main()) == ["first", "large", "small"]


def test_what_fails_gives_its_room_back() -> None:
    async def main() -> int:
        room = Room(10)
        with pytest.raises(KeyError):
            async with room.of(7):
                raise KeyError
        return room.free

    assert run(main()) == 10
