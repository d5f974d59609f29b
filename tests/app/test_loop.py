"""The event loop's start: what `main` gives, and a garbage collector that is afterwards as it was."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from bulkmail.app.loop import GARBAGE, run


async def thresholds() -> tuple[int, int, int]:
    return gc.get_threshold()


async def broken() -> None:
    raise ValueError("broken")


def test_collections_are_rare_while_the_loop_runs_and_not_afterwards() -> None:
    before = gc.get_threshold()
    assert run(thresholds()) == GARBAGE != before
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_an_error_ends_it_in_the_same_way() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"):
        run(broken())
    assert gc.get_threshold() == before


def test_a_generator_that_is_dropped_unfinished_is_finished_by_the_loop() -> None:
    finished = asyncio.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            finished.set()

    async def drop_one() -> None:
        async for _ in numbers():
            break
        await finished.wait()

    run(drop_one())
    assert finished.is_set()
