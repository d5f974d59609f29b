"""Makes a thing with a key once, though the answer may be lost: looks for it before it makes it again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bulkmail.errors import GraphError, OutcomeUnknown, TransportError
from bulkmail.graph.gathering import CURRENT

SENDS = 3
"""Times that a thing with a key is made, at most: each time after it was looked for and not found."""


async def created(post: Callable[[], Awaitable[Any]], find: Callable[[], Awaitable[Any]]) -> Any:
    """The answer to `post`, or what `find` finds. Raises OutcomeUnknown when it cannot be told whether it is there."""
    try:
        return await post()
    except OutcomeUnknown as error:
        lost = error
    try:
        return await _found_or_made(lost, post, find)
    except (GraphError, TransportError) as error:
        if isinstance(error, OutcomeUnknown):
            raise
        raise lost from error  # that it may be there matters more than why that cannot be seen
    except asyncio.CancelledError:
        if _given_up():  # by a call beside it, and for the same reason
            raise lost from None
        raise


async def _found_or_made(
    lost: OutcomeUnknown, post: Callable[[], Awaitable[Any]], find: Callable[[], Awaitable[Any]]
) -> Any:
    for left in reversed(range(SENDS)):
        if (found := await find()) is not None:
            return found
        try:
            if left:
                return await post()
        except OutcomeUnknown as error:
            lost = error
    raise lost


def _given_up() -> bool:
    """Whether this code runs in a call that may send nothing more."""
    gathered = CURRENT.get()
    return gathered is not None and gathered.given_up
