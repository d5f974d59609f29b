"""Finds messages: a row for each, or with `count` a row a mailbox; all of them, or those that have changed since the
last run. Only reads, and as little as the selection needs.

The paths of folders are asked for once something was found: of most mailboxes one page is all that is read.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.changes import news
from bulkmail.tasks.messages.scope import tree_of
from bulkmail.tasks.messages.selection import Selection
from bulkmail.tasks.messages.walk import Message, matching

COLUMNS = {
    "mailbox": "address as the input gives it",
    "id": "the message's immutable id, which outlives a move",
    "folder": "path of the folder that it lies in, as the mailbox calls it",
    "subject": "subject",
    "sender": "address in From",
    "received": "when it was received, in UTC",
    "size": "bytes; empty with sizes = false",
    "is_read": "whether it is read",
    "has_attachments": "whether it has attachments; images in the text do not count",
    "internet_message_id": "Message-ID, which is the same in all mailboxes",
}
CHANGE = {
    "change": "listed (a folder that is new to the job), changed (new, or not as it was), restarted (the service has "
    "forgotten what it told of this folder last, which is listed whole), or removed (it has left the folder)",
}
COUNT = {"mailbox": COLUMNS["mailbox"], "count": "messages that were found"}


class MessagesFindOptions(Selection):
    """Which messages, and in what detail."""

    count: bool = Field(default=False, description="a row a mailbox with the number of its messages")
    sizes: bool = Field(
        default=True, description="tell sizes, which takes Mail.Read; without, Mail.ReadBasic.All is enough"
    )
    since: Literal["last"] | None = Field(
        None, description="last: only what has changed since the last run of this job, which needs [state] path"
    )
    removed: bool = Field(default=False, description="with since: a row too for each message that has left a folder")

    @model_validator(mode="after")
    def _since(self) -> "MessagesFindOptions":
        if self.removed and self.since is None:
            raise ValueError('removed = true goes with since = "last"')
        return self

    def needs_state(self) -> str:
        return "since" if self.since else ""

    @property
    def sized(self) -> bool:
        return super().sized or (self.sizes and not self.count)


def columns(options: MessagesFindOptions) -> Mapping[str, str]:
    if options.count:
        return COUNT
    return {**COLUMNS, **CHANGE} if options.since else COLUMNS


def needs(options: MessagesFindOptions) -> Needs:
    return all_of("Mail.Read" if options.sized or options.of_attachments else "Mail.ReadBasic.All")


@task(
    "messages.find",
    summary="Messages of a sender, subject, time, size …, in all folders or some: a row each, or their number",
    needs=needs,
    options=MessagesFindOptions,
    columns=columns,
    keeps_state=True,
    key_columns=("id",),
)
async def messages_find(mailbox: Mailbox, graph: Graph, options: MessagesFindOptions) -> AsyncIterator[Row]:
    """The oldest come first."""
    del mailbox
    count = 0
    async for row in _changed(graph, options) if options.since else _all(graph, options):
        count += 1
        if not options.count:
            yield row
    if options.count:
        yield {"count": count}


async def _all(graph: Graph, options: MessagesFindOptions) -> AsyncIterator[Row]:
    tree: Tree | None = None
    async for message in matching(graph, options):
        if options.count:
            yield {}
            continue
        tree = tree or await tree_of(graph, options)
        yield row_of(message, tree)


async def _changed(graph: Graph, options: MessagesFindOptions) -> AsyncIterator[Row]:
    tree: Tree | None = None
    async for one in news(graph, options):
        tree = tree or await tree_of(graph, options)
        if one.message is not None:
            yield {**row_of(one.message, tree), "change": one.change}
        elif options.removed:
            yield {"id": one.id, "folder": tree.path(one.folder), "change": one.change}


def row_of(message: Message, tree: Tree) -> Row:
    return {
        "id": message.id,
        "folder": tree.path(message.folder),
        "subject": message.subject,
        "sender": message.sender,
        "received": message.received,
        "size": message.size,
        "is_read": message.is_read,
        "has_attachments": message.has_attachments,
        "internet_message_id": message.internet_message_id,
    }
