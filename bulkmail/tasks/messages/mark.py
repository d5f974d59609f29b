"""Marks messages: as read or unread, with a flag, with an importance. These may be changed on any message."""

from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import Field, model_validator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import all_of
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.guards import Guarded
from bulkmail.tasks.messages.undo import undo
from bulkmail.tasks.messages.walk import Message, same
from bulkmail.tasks.messages.writing import COLUMNS, Parts, Wish, written


class MessagesMarkOptions(Guarded):
    """Which messages, and what they are marked as."""

    read: bool | None = Field(None, description="true marks as read, false as unread")
    flag: Literal["flagged", "complete", "notFlagged"] | None = Field(None, description="the flag that it gets")
    set_importance: Literal["low", "normal", "high"] | None = Field(None, description="the importance that it gets")

    @model_validator(mode="after")
    def _some(self) -> "MessagesMarkOptions":
        if not self.marks:
            raise ValueError("say what to mark: read, flag or set_importance")
        return self

    @property
    def marks(self) -> dict[str, Any]:
        """The properties as they are wanted."""
        flag = None if self.flag is None else {"flagStatus": self.flag}
        given = {"isRead": self.read, "flag": flag, "importance": self.set_importance}
        return {name: value for name, value in given.items() if value is not None}


async def _prepare(graph: Graph, options: MessagesMarkOptions, tree: Tree) -> Wish:
    del graph, tree
    marks = options.marks

    def wish(message: Message) -> Parts:
        return {name: value for name, value in marks.items() if not same(name, message.part(name), value)}

    return wish


@task(
    "messages.mark",
    summary="Marks messages as read or unread, with a flag or an importance",
    needs=all_of("Mail.ReadWrite"),
    options=MessagesMarkOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    key_columns=("id",),
)
async def messages_mark(mailbox: Mailbox, graph: Graph, options: MessagesMarkOptions) -> AsyncIterator[Row]:
    """A row for each message that is marked."""
    async for row in written(mailbox, graph, options, "mark", _prepare, tuple(options.marks)):
        yield row
