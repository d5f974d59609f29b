"""What several parts of a task need of a mailbox is read once, also where they ask at the same time."""

import asyncio
from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.testing import Scripted, run

BASE = "https://graph.example/v1.0"


class Reading:
    """A reading that takes its time, and fails so many times."""

    def __init__(self, fails: int = 0) -> None:
        self.times = 0
        self.fails = fails

    async def __call__(self) -> int:
        self.times += 1
        times = self.times
        await asyncio.sleep(0)
        if times <= self.fails:
            raise GraphError(404, "Gone", "no")
        return times


def graph() -> Graph:
    return Graph(Scripted(lambda _: Response(200)), BASE)


def test_it_is_read_once_for_all() -> None:
    async def main() -> list[Any]:
        one, reading, other = graph(), Reading(), Reading()
        assert "a" not in one.shared
        found = await one.gather(*(one.shared.get("a", reading) for _ in range(3)), one.shared.get("b", other))
        assert "a" in one.shared
        assert (reading.times, other.times) == (1, 1)
        return [*found, await one.shared.get("a", reading)]

    assert run(main()) == [1, 1, 1, 1, 1]


def test_only_parts_that_are_gathered_may_have_something_in_common() -> None:
    async def main() -> None:
        one = graph()

        async def part() -> bool:
            return one.gathers

        assert [one.gathers, *await one.gather(part(), part()), one.gathers] == [False, True, True, False]

    run(main())


def test_two_mailboxes_share_nothing() -> None:
    async def main() -> None:
        reading = Reading()
        assert [await graph().shared.get("a", reading), await graph().shared.get("a", reading)] == [1, 2]

    run(main())


def test_while_it_is_read_it_is_known_to_be() -> None:
    async def main() -> None:
        one = graph()
        async with asyncio.TaskGroup() as group:
            group.create_task(one.shared.get("a", Reading()))
            await asyncio.sleep(0)
            assert "a" in one.shared
            assert "b" not in one.shared

    run(main())


def test_a_failure_is_told_and_those_that_wait_ask_no_more() -> None:
    async def main() -> None:
        one, reading = graph(), Reading(fails=1)
        with pytest.raises(GraphError, match="Gone"):
            await one.gather(*(one.shared.get("a", reading) for _ in range(3)))
        assert reading.times == 1
        assert "a" not in one.shared
        assert await one.shared.get("a", reading) == 2

    run(main())


def test_one_that_is_cancelled_leaves_the_reading_to_the_next() -> None:
    async def main() -> None:
        one, reading = graph(), Reading()
        async with asyncio.TaskGroup() as group:
            first, second = (group.create_task(one.shared.get("a", reading)) for _ in range(2))
            await asyncio.sleep(0)
            first.cancel()
        assert first.cancelled()
        assert second.result() == 2

    run(main())
