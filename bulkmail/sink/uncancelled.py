"""Awaits the end of work: of what must not be broken off, such as a write in a thread, and of what is given up."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


async def uncancelled(work: Coroutine[Any, Any, object]) -> asyncio.CancelledError | None:
    """Runs `work` to its end, since a thread cannot be stopped, and raises what it raises. Returns the cancellation
    that came meanwhile, for the caller to raise when it has drawn its own consequences."""
    task = asyncio.create_task(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    return cancelled


async def give_up(task: asyncio.Task[Any]) -> None:
    """Cancels a task and waits for its end. What it raises, or has raised, is logged: no one else will look at it."""
    task.cancel()
    if task.done():
        _log_error(task)
        return
    task.add_done_callback(_log_error)  # not after the wait, which may be cancelled as well
    await asyncio.wait({task})


def _log_error(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("what was given up ended with an error", exc_info=error)
