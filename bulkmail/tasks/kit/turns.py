"""Makes the changes of one mailbox one after another, where the service keeps what they touch in one place.

A refusal of one change does not keep the others, and is raised when all have had their turn. What a process that died
has changed is told as well, because it needs no second write.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Row
from bulkmail.task.changes import told_before
from bulkmail.tasks.kit.collection import tolerated


async def in_turn(
    graph: Graph,
    changes: Iterable[Change],
    write: Callable[[Change], Coroutine[Any, Any, None]],
    row: Callable[[Change, str], Row],
) -> AsyncIterator[Row]:
    """The rows of changes, each when it was made: `row` is given the change, from what stood there before this run, and
    its state, planned or done. Raises the first refusal at the end, and at once one that all others would meet too."""
    state = "planned" if graph.planning else "done"
    earlier = told_before(graph.made)
    refusal: GraphError | None = None
    for change in changes:
        told = await tolerated(partial(write, change))
        if isinstance(told, GraphError):
            refusal = refusal or told
            continue
        yield row(change._replace(before=earlier.pop(change.key, change).before), state)
    for made in earlier.values():
        yield row(made, state)
    if refusal is not None:
        raise refusal
