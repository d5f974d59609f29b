"""Work that must not be broken off ends first; then its caller is cancelled."""

import asyncio
import logging

import pytest

from bulkmail.errors import OutputError
from bulkmail.sink.uncancelled import give_up, uncancelled
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


async def stubborn() -> None:
    """Meets an error while it is being cancelled."""
    try:
        await asyncio.sleep(60)
    finally:
        raise ValueError("on the way out")


@pytest.mark.parametrize("failed_before", [False, True])
def test_what_is_given_up_has_ended_and_its_error_is_logged(
    caplog: pytest.LogCaptureFixture, *, failed_before: bool
) -> None:
    async def main() -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(1)
        if failed_before:
            task.cancel()
            await asyncio.wait({task})
        await give_up(task)
        assert task.done()

    with caplog.at_level(logging.ERROR):
        run(main())
    assert "on the way out" in caplog.text
