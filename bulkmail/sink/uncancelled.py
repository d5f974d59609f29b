"""Awaits work that must not be broken off, such as a write in a thread: a thread cannot be stopped."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def uncancelled(work: Coroutine[Any, Any, object]) -> asyncio.CancelledError | None:
    """Runs `work` to its end and raises what it raises; returns the cancellation that came meanwhile, for the caller to
    raise when it has drawn its own consequences."""
    task = asyncio.create_task(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    return cancelled
