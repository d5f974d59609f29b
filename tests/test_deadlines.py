"""Each exchange ends at its own time, with one timer for all, and a cancellation stays one."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.deadlines import TICK, Deadline, Deadlines
from bulkmail.testing import run

WORK = st.lists(st.tuples(st.integers(0, 300), st.sampled_from([0, 1, 5, 9, 11, 30])), max_size=12)


@given(WORK)
def test_each_ends_when_it_is_done_or_when_its_time_is_over(work: list[tuple[int, int]]) -> None:
    async def main() -> None:
        deadlines, loop = Deadlines(10.0), asyncio.get_running_loop()

        async def one(begins: int, takes: int) -> tuple[float, bool]:
            await asyncio.sleep(begins)
            began = loop.time()
            try:
                with Deadline(deadlines):
                    await asyncio.sleep(takes)
            except TimeoutError:
                return loop.time() - began, True
            return loop.time() - began, False

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(*each)) for each in work]
        deadlines.stop()
        ends = [task.result() for task in tasks]
        for (_, takes), (seconds, over) in zip(work, ends, strict=True):
            assert over == (takes > 10)
            assert seconds == pytest.approx(min(takes, 10), abs=2 * TICK)
        assert "0 open" in repr(deadlines)

    run(main())


@pytest.mark.parametrize("at", [1.0, 10.0])
def test_a_cancellation_is_one_even_at_the_same_time(at: float) -> None:
    async def main() -> None:
        deadlines = Deadlines(10.0)

        async def one() -> None:
            with Deadline(deadlines):
                await asyncio.sleep(30)

        task = asyncio.create_task(one())
        asyncio.get_running_loop().call_later(at, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        deadlines.stop()

    run(main())


def test_what_was_noted_of_the_one_that_is_cut_off_is_not_lost() -> None:
    async def main() -> None:
        deadlines = Deadlines(10.0)

        async def one() -> None:
            with Deadline(deadlines):
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError as cancelled:
                    cancelled.add_note("not sent")
                    raise

        with pytest.raises(TimeoutError, match="10 s") as raised:
            await one()
        assert raised.value.__notes__ == ["not sent"]
        task = asyncio.current_task()
        assert task is not None
        assert not task.cancelling()
        deadlines.stop()

    run(main())
