"""Gives messages categories, and takes others from them. What else stands on a message stays.

The service replaces the list of categories whole, so it is read, changed and written with the version that was read.
A category that is not in the mailbox's master list has no colour.
"""

from collections.abc import AsyncIterator

from pydantic import Field, model_validator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import all_of
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.guards import Guarded
from bulkmail.tasks.messages.selection import Texts
from bulkmail.tasks.messages.undo import undo
from bulkmail.tasks.messages.walk import Message
from bulkmail.tasks.messages.writing import COLUMNS, Parts, Wish, written

CATEGORIES = "categories"


class MessagesCategoriseOptions(Guarded):
    """Which messages, and what becomes of their categories."""

    add: Texts = Field(None, description="category that it gets, unless it has it in some case; or a list")
    remove: Texts = Field(None, description="category that it loses, in any case; or a list")

    @model_validator(mode="after")
    def _some(self) -> "MessagesCategoriseOptions":
        added, removed = ({one.lower() for one in names or ()} for names in (self.add, self.remove))
        if not added and not removed:
            raise ValueError("say which categories to add or to remove")
        if added & removed:
            raise ValueError(f"{min(added & removed)[:60]!r} is both to add and to remove")
        return self

    def categories(self, there: list[str]) -> list[str]:
        """What they become: in their order, those that are added last."""
        lost = {one.lower() for one in self.remove or ()}
        kept = [one for one in there if one.lower() not in lost]
        has = {one.lower() for one in kept}
        return kept + [one for one in self.add or () if one.lower() not in has]


async def _prepare(graph: Graph, options: MessagesCategoriseOptions, tree: Tree) -> Wish:
    del graph, tree

    def wish(message: Message) -> Parts:
        there = message.part(CATEGORIES)
        wanted = options.categories(there)
        return {} if wanted == there else {CATEGORIES: wanted}

    return wish


@task(
    "messages.categorise",
    summary="Adds categories to messages, or takes them away",
    needs=all_of("Mail.ReadWrite"),
    options=MessagesCategoriseOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    key_columns=("id",),
)
async def messages_categorise(mailbox: Mailbox, graph: Graph, options: MessagesCategoriseOptions) -> AsyncIterator[Row]:
    """A row for each message that gets other categories."""
    async for row in written(mailbox, graph, options, "categorise", _prepare, (CATEGORIES,)):
        yield row
