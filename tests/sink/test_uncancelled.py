"""Work that must not be broken off ends first; then its caller is cancelled."""

import asyncio

import pytest

from bulkmail.errors import OutputError
from bulkmail.sink.uncancelled import uncancelled
from bulkmail.testing import run


def test_a_thread_is_awaited_to_its_end_whoever_cancels() -> None:
    async def main() -> list[str]:
        told: list[str] = []

        async def work() -> None:
            await asyncio.sleep(5)
            told.append("worked")

        async def wait() -> None:
            cancelled = await uncancelled(work())
            told.append(f"cancelled {cancelled is not None}")

        waiting = asyncio.create_task(wait())
        for _ in range(2):
            await asyncio.sleep(1)
            waiting.cancel()
        await waiting
        await wait()
        return told

    assert run(main()) == ["worked", "cancelled True", "worked", "cancelled False"]


def test_the_error_of_the_work_is_told_even_to_who_was_cancelled() -> None:
    async def main() -> None:
        async def work() -> None:
            await asyncio.sleep(5)
            raise OutputError("no space left")

        waiting = asyncio.create_task(uncancelled(work()))
        await asyncio.sleep(1)
        waiting.cancel()
        with pytest.raises(OutputError):
            await waiting

    run(main())


def test_an_error_that_comes_with_the_cancellation_is_not_lost() -> None:
    async def main() -> None:
        async def work() -> None:
            await asyncio.sleep(5)
            waiting.cancel()
            raise OutputError("no space left")

        waiting = asyncio.create_task(uncancelled(work()))
        with pytest.raises(OutputError):
            await waiting

    run(main())
