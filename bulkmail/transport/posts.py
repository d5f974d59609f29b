"""The task group of the posts of a wrapper. An error of the block that it is open for comes out as it is, and not in a
group: posts tell their own errors to those who wait for their answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def posting() -> AsyncIterator[asyncio.TaskGroup]:
    try:
        async with asyncio.TaskGroup() as posts:
            yield posts
    except BaseExceptionGroup as errors:
        only, *others = errors.exceptions
        if others:
            raise
        raise only from only.__cause__
