"""Takes back what a run has made of the master list, each category that still stands as the run left it.

One that was deleted is made again with its name and colour, so that the messages that carry it show it as before.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.categories.master import Category, categories_of, find, make, recolour, remove
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each category."""
    del mailbox, options
    there = await categories_of(graph)
    for change in summed(made):
        category = find(there, change.key)
        result = restore.result_of(change, category, _holds)
        if result is Result.RESTORED:
            await _take_back(graph, category, change)
        yield restore.row(
            change.key, result, restored=change.before and change.before["color"], found=category and category.color
        )


async def _take_back(graph: Graph, category: Category | None, made: Change) -> None:
    if category is None:
        await make(graph, made.before)
    elif made.before is None:
        await remove(graph, category)
    else:
        await recolour(graph, category, made.before["color"])


def _holds(category: Category, values: Mapping[str, Any]) -> bool:
    return bool(category.color == values["color"])
