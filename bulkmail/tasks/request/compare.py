"""Looks at what is there before a write: what it would change, and whether it is needed at all. Reads only."""

from typing import Any, NamedTuple

from bulkmail.core.advice import ABSENT
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.request.places import at, holds, named, plain, unsigned

UNKNOWN: dict[str, Any] = {}
"""The before of what was not looked at: there may be something, and None would say that there is not."""


class Found(NamedTuple):
    """What stands there: `before` is the part that would be changed. It `stands` where nothing needs to be sent."""

    before: Any
    stands: bool
    item: Any = None


async def found(graph: Graph, path: str, rows: str, wanted: Any) -> Found:
    """Reads `path`. Without a `wanted` nothing should be there; of a list, one that holds it is enough."""
    there = await read(graph, path, rows)
    if wanted is None:
        gone = there is None or there == []
        return Found(None if gone else plain(there), gone)
    if isinstance(there, list):
        item = next((one for one in there if holds(one, wanted)), None)
        return Found(None, item is not None, item)
    return Found(named(there, wanted), there is not None and holds(there, wanted), there)


async def read(graph: Graph, path: str, rows: str) -> Any:
    """What stands at `rows` in the answer, all pages of it; None where there is nothing."""
    try:
        if rows == "value":
            return [unsigned(item) async for item in graph.items(path)]
        return at(unsigned(await graph.get(path)), rows)
    except GraphError as error:
        if error.status != 404 or error.code in ABSENT:
            raise
        return None
