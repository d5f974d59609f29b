"""Brings the master list of every mailbox to what the job says: additions only, with colours, or exactly these.

Categories are written one after another, because the service keeps the list of a mailbox in one place.
"""

from collections.abc import AsyncIterator, Iterator
from functools import partial

from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.categories.master import (
    Category,
    body_of,
    categories_of,
    find,
    key_of,
    make,
    recolour,
    remove,
)
from bulkmail.tasks.categories.options import CategoriesApplyOptions
from bulkmail.tasks.categories.undo import undo
from bulkmail.tasks.kit.turns import in_turn

COLUMNS = {
    "mailbox": "address as the input gives it",
    "name": "name of the category",
    "action": "create, update or delete",
    "before": "the colour that it had; empty for a new one",
    "after": "the colour that it has now, or would have; empty for one that is deleted",
    "state": "planned or done",
}


@task(
    "categories.apply",
    summary="Gives every mailbox the categories of the job: additions only, or exactly these",
    permission="MailboxSettings.ReadWrite",
    options=CategoriesApplyOptions,
    columns=COLUMNS,
    key_columns=("name",),
    writes=True,
    undo=undo,
)
async def categories_apply(mailbox: Mailbox, graph: Graph, options: CategoriesApplyOptions) -> AsyncIterator[Row]:
    """A row for each category that is written."""
    del mailbox
    there = await categories_of(graph)
    async for row in in_turn(graph, changes(options, there), partial(_write, graph, there), _row):
        yield row


def changes(options: CategoriesApplyOptions, there: list[Category]) -> Iterator[Change]:
    """What is to be done: those that the job names in its order, then those that are to go."""
    for name, color in options.categories.items():
        category = find(there, key_of(name))
        if category is None:
            yield Change(key_of(name), None, body_of(name, color))
        elif options.mode != "add" and category.color != color:
            yield Change(category.key, category.values, body_of(category.name, color))
    named = {key_of(name) for name in options.categories}
    for category in there if options.mode == "exact" else ():
        if category.key not in named:
            yield Change(category.key, category.values, None)


async def _write(graph: Graph, there: list[Category], change: Change) -> None:
    category = find(there, change.key)
    if category is None:
        await make(graph, change.after)
    elif change.after is None:
        await remove(graph, category)
    else:
        await recolour(graph, category, change.after["color"])


def _row(made: Change, state: str) -> Row:
    return {
        "name": (made.before or made.after)["displayName"],
        "action": "create" if made.before is None else "update" if made.after is not None else "delete",
        "before": made.before and made.before["color"],
        "after": made.after and made.after["color"],
        "state": state,
    }
