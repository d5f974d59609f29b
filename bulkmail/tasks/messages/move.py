"""Moves messages to a folder that each mailbox has, by its well-known name or path."""

from collections.abc import AsyncIterator

from pydantic import Field

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import all_of
from bulkmail.tasks.kit.folders import id_of
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.guards import Guarded
from bulkmail.tasks.messages.undo import undo
from bulkmail.tasks.messages.writing import COLUMNS, Wish, written


class MessagesMoveOptions(Guarded):
    """Which messages, and where they go."""

    to: str = Field(
        min_length=1, description="folder, by path or well-known name: archive, inbox/Old; a mailbox without it fails"
    )


async def _prepare(graph: Graph, options: MessagesMoveOptions, tree: Tree) -> Wish:
    del tree
    there = await id_of(graph, options.to)
    return lambda message: {} if message.folder == there else {"folder": there}


@task(
    "messages.move",
    summary="Moves messages to a folder of each mailbox, and back with undo",
    needs=all_of("Mail.ReadWrite"),
    options=MessagesMoveOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    key_columns=("id",),
)
async def messages_move(mailbox: Mailbox, graph: Graph, options: MessagesMoveOptions) -> AsyncIterator[Row]:
    """A row for each message that is moved."""
    async for row in written(mailbox, graph, options, "move", _prepare):
        yield row
