"""A feed hands every row to exactly one worker, and loses none to a worker that goes away."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.run.feed import Feed
from bulkmail.testing import run
from tests.run.stage import ListSource, mailboxes


@settings(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 12), max_size=8),
    workers=st.integers(1, 9),
    leaving=st.sets(st.integers(0, 8)),
)
def test_every_row_once(sizes: list[int], workers: int, leaving: set[int]) -> None:
    rows = mailboxes(sum(sizes))
    chunks = [rows[sum(sizes[:number]) : sum(sizes[: number + 1])] for number in range(len(sizes))]

    async def main() -> list[Mailbox | Rejected]:
        feed = Feed(ListSource(chunks, pause=lambda: asyncio.sleep(1)))
        taken: list[Mailbox | Rejected] = []

        async def work() -> None:
            while (row := await feed.next()) is not None:
                taken.append(row)
                await asyncio.sleep(0.5)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work()) for _ in range(workers)]
            staying = group.create_task(work())
            await asyncio.sleep(1.0)
            for number in leaving & set(range(workers)):
                tasks[number].cancel()
            await staying
        return taken

    assert sorted(run(main()), key=lambda row: row.row) == rows


def test_an_error_comes_after_the_rows_before_it() -> None:
    async def main() -> None:
        feed = Feed(ListSource([mailboxes(2)], error=InputError("broken")))
        assert [await feed.next(), await feed.next()] == mailboxes(2)
        with pytest.raises(InputError):
            await feed.next()

    run(main())


def test_closing_drops_what_is_being_read_before_it_is_counted() -> None:
    async def main() -> None:
        source = ListSource([mailboxes(2), mailboxes(2, 10)], pause=lambda: asyncio.sleep(1))
        feed = Feed(source)
        assert await feed.next() == mailboxes(2)[0]
        waiting = asyncio.create_task(feed.next())
        await asyncio.sleep(0.5)
        await feed.close()
        assert await asyncio.wait_for(waiting, 5) == mailboxes(2)[1]
        assert source.counts.unique == 2
        assert await feed.next() is None
        await feed.close()

    run(main())


def test_half_of_a_chunk_is_begun_before_the_next_is_asked_for() -> None:
    rows = mailboxes(12)
    given = 0

    async def count() -> None:
        nonlocal given
        given += 1

    async def main() -> None:
        feed = Feed(ListSource([rows[:8], rows[8:9], rows[9:]], pause=count), ahead=None)
        asked = []
        for _ in rows:
            assert await feed.next() is not None
            await asyncio.sleep(1)
            asked.append(given)
        assert asked[:9] == [1, 1, 1, 1, 2, 2, 2, 2, 2]
        assert await feed.next() is None

    run(main())
