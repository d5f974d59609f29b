"""Finds messages: a row for each, or with `count` a row a mailbox. Only reads, and as little as the selection needs.

The paths of folders are asked for once something was found: of most mailboxes one page is all that is read.
"""

from collections.abc import AsyncIterator, Mapping

from pydantic import Field

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.messages.scope import Tree, tree_of
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
COUNT = {"mailbox": COLUMNS["mailbox"], "count": "messages that were found"}


class MessagesFindOptions(Selection):
    """Which messages, and in what detail."""

    count: bool = Field(default=False, description="a row a mailbox with the number of its messages")
    sizes: bool = Field(
        default=True, description="tell sizes, which takes Mail.Read; without, Mail.ReadBasic.All is enough"
    )

    @property
    def sized(self) -> bool:
        return super().sized or (self.sizes and not self.count)


def columns(options: MessagesFindOptions) -> Mapping[str, str]:
    return COUNT if options.count else COLUMNS


def needs(options: MessagesFindOptions) -> Needs:
    return all_of("Mail.Read" if options.sized or options.of_attachments else "Mail.ReadBasic.All")


@task(
    "messages.find",
    summary="Messages of a sender, subject, time, size …, in all folders or some: a row each, or their number",
    needs=needs,
    options=MessagesFindOptions,
    columns=columns,
)
async def messages_find(mailbox: Mailbox, graph: Graph, options: MessagesFindOptions) -> AsyncIterator[Row]:
    """The oldest come first."""
    del mailbox
    tree: Tree | None = None
    count = 0
    async for message in matching(graph, options):
        count += 1
        if not options.count:
            tree = tree or await tree_of(graph, options)
            yield row_of(message, tree)
    if options.count:
        yield {"count": count}


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
