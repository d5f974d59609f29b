"""Takes messages away: into Deleted Items or the recoverable items, from where undo puts them back, or for good.

A message that lies where it would be put is left alone, so that a second run writes nothing. With the deleted items
among the folders that the job names, what lies there goes on to the recoverable items.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import Field, model_validator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import all_of
from bulkmail.tasks.kit.folders import id_of
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.guards import Guarded
from bulkmail.tasks.messages.scope import DELETED, RECOVERABLE
from bulkmail.tasks.messages.undo import undo
from bulkmail.tasks.messages.walk import Message
from bulkmail.tasks.messages.writing import COLUMNS, Parts, Wish, written

CONFIRMED = "permanent"


class MessagesPurgeOptions(Guarded):
    """Which messages, and how they go."""

    mode: Literal["soft", "hard"] = Field("soft", description="soft: undo puts it back; hard: for good, without undo")
    into: Literal["deleteditems", "recoverableitemsdeletions"] = Field(
        "deleteditems", description="where a soft purge puts it: where its owner sees it, or where only Recover does"
    )
    confirm: Literal["permanent"] | None = Field(None, description='has to be "permanent" with mode = "hard"')
    max_per_mailbox: int | None = Field(
        1000, ge=1, description="a mailbox with more messages to change is left alone, and fails"
    )

    @model_validator(mode="after")
    def _confirmed(self) -> "MessagesPurgeOptions":
        if self.mode == "hard" and self.confirm != CONFIRMED:
            raise ValueError('mode = "hard" deletes for good, and nothing brings it back: say confirm = "permanent"')
        return self

    def warnings(self) -> Sequence[str]:
        return ("mode = hard deletes for good: there is no undo",) if self.mode == "hard" else ()

    @property
    def names_deleted(self) -> bool:
        return any(name.casefold().partition("/")[0] == DELETED for name in self.folders or ())


async def _prepare(graph: Graph, options: MessagesPurgeOptions, tree: Tree) -> Wish:
    if options.mode == "hard":
        return lambda _message: None
    deleted, recoverable = await graph.gather(id_of(graph, DELETED), id_of(graph, RECOVERABLE))
    tree.name(recoverable, RECOVERABLE)
    lies_deleted = frozenset(tree.below(deleted))
    goes_on = options.into == RECOVERABLE or options.names_deleted

    def wish(message: Message) -> Parts:
        if message.folder == recoverable or (message.folder in lies_deleted and not goes_on):
            return {}
        further = options.into == RECOVERABLE or message.folder in lies_deleted
        return {"folder": recoverable if further else deleted}

    return wish


@task(
    "messages.purge",
    summary="Takes messages out of all mailboxes: a phish that went to many; undo gives them back, unless for good",
    needs=all_of("Mail.ReadWrite"),
    options=MessagesPurgeOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    key_columns=("id",),
)
async def messages_purge(mailbox: Mailbox, graph: Graph, options: MessagesPurgeOptions) -> AsyncIterator[Row]:
    """A row for each message that is taken away."""
    action = "delete" if options.mode == "hard" else "move"
    async for row in written(mailbox, graph, options, action, _prepare):
        yield row
