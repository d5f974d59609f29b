"""Awaits work in a thread that does not keep the program from ending. Knows nothing of the work."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


async def in_daemon(function: Callable[..., T], *arguments: Any) -> T:
    """As `asyncio.to_thread`, for work that may never end: a stream on which nothing comes, a server that says nothing.

    If this is cancelled, the thread goes on until its work ends by itself, and its result is dropped.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(put: Callable[[Any], None], value: object) -> None:
        if not result.cancelled():
            put(value)

    def work() -> None:
        try:
            told: tuple[Callable[[Any], None], object] = result.set_result, function(*arguments)
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            told = result.set_exception, error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, *told)

    Thread(target=work, daemon=True).start()
    return await result
