"""Changes an item that others may be changing at the same time: If-Match, and on a conflict read again and compare
again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Effect

TRIES = 3
"""Times that an item is written which others change meanwhile."""


class Tagged(Protocol):
    """An item with its version."""

    @property
    def etag(self) -> str: ...


T = TypeVar("T", bound=Tagged)


async def update(
    graph: Graph,
    path: str,
    item: T,
    *,
    differing: Callable[[T], Mapping[str, Any]],
    change: Callable[[T, Mapping[str, Any]], Change],
    read: Callable[[], Awaitable[T]],
) -> None:
    """Sets what differs. `differing` gives the body that an item still needs, empty if it needs nothing; `change` what
    the ledger notes of it; `read` the item as it is now.

    Raises GraphError, with 412 if others have changed the item before each of TRIES writes.
    """
    for left in reversed(range(TRIES)):
        body = differing(item)
        if not body:
            return
        headers = {"If-Match": item.etag or "*"}
        try:
            await graph.patch(path, body, effect=Effect.VERIFIED, change=change(item, body), headers=headers)
        except GraphError as error:
            if error.status != 412 or not left:
                raise
            item = await read()
        else:
            return


async def remove(graph: Graph, path: str, change: Change) -> None:
    """Deletes an item that may be gone already."""
    try:
        await graph.delete(path, change=change)
    except GraphError as error:
        if (error.status, error.code) != (404, "ErrorItemNotFound"):
            raise
