"""Saves what is attached to messages: each attachment as a file of its own, streamed, with its SHA-256.

What breaks off goes on at its range. One attachment that cannot be read does not keep the others: the mailbox fails
once they had their turn. In a long mailbox what was saved is committed on the way.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from bulkmail.errors import GraphError, TransportError, Unanswered
from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Row
from bulkmail.streams import Blob
from bulkmail.task.declare import task
from bulkmail.tasks.attachments.earlier import SAVED, Earlier
from bulkmail.tasks.attachments.listing import PATH, REFERENCE, Attachment, attachments_of
from bulkmail.tasks.attachments.options import LARGEST, AttachmentsSaveOptions
from bulkmail.tasks.kit.collection import tolerated
from bulkmail.tasks.kit.tree import Tree
from bulkmail.tasks.messages.changes import news
from bulkmail.tasks.messages.find import COLUMNS as FOUND
from bulkmail.tasks.messages.scope import is_absent, tree_of
from bulkmail.tasks.messages.walk import IMMUTABLE, Message, matching

COLUMNS = {
    "mailbox": FOUND["mailbox"],
    "message_id": FOUND["id"],
    **{name: FOUND[name] for name in ("folder", "subject", "sender", "received", "internet_message_id")},
    "attachment_id": "the attachment's immutable id",
    "name": "name of the attachment, as its sender wrote it",
    "kind": "file, item (a message, an event or a contact) or reference (a link to a file in the cloud)",
    "content_type": "content type, as its sender wrote it",
    "content_id": "by which the text of the message shows it",
    "is_inline": "whether it is a picture in the text",
    "size": "bytes, as the service counts them",
    "state": "saved; link: a reference, which has no content here; gone: it was taken away in this moment",
    "path": "its file in the run directory, under a safe name",
    "offset": "where it begins in that file",
    "bytes": "bytes of its content",
    "sha256": "SHA-256 of its content, in hexadecimal digits",
}
MESSAGES = 20
"""Messages that are looked at together."""

AT_A_TIME = 4
"""Attachments of a mailbox that are under way together, as many as the service serves at a time."""

COMMITTED = 64 * 1024 * 1024
"""Bytes that are saved until the next commit."""

REFUSED = "refused"
"""The name, in the checkpoints of a mailbox that will fail, of why it will; the last one has nothing else."""

SAME_MOMENT = 200
"""Messages of one moment that a checkpoint can name; where there are more, it waits."""


@task(
    "attachments.save",
    summary="Saves the attachments of messages as files: streamed, hashed, under safe names, a row each",
    permission="Mail.Read",
    options=AttachmentsSaveOptions,
    columns=COLUMNS,
    keeps_state=True,
    key_columns=("message_id", "attachment_id"),
    leaves=True,
)
async def attachments_save(mailbox: Mailbox, graph: Graph, options: AttachmentsSaveOptions) -> AsyncIterator[Row]:
    """The oldest messages come first."""
    del mailbox
    progress = Progress(graph.checkpoint)
    if progress.refusal is not None and not progress.ids:  # of a process that died before it could say so
        raise progress.refusal
    earlier = Earlier(graph.state if options.since else {})
    tree: Tree | None = None
    async for messages in _groups(graph, options, progress):
        listed = await graph.gather(*(attachments_of(graph, message.id) for message in messages))
        meant = [
            (message, one)
            for message, found in zip(messages, listed, strict=True)
            for one in found
            if options.picks(one) and one.key(message.id) not in earlier
        ]
        if meant:
            tree = tree or await tree_of(graph, options)
        async for (message, one), told in _saved(graph, meant):
            if isinstance(told, Blob) or told is None or is_gone(told):
                progress.saved += told.bytes if isinstance(told, Blob) else 0
                if options.since:
                    earlier.add(one.key(message.id))
                yield {**_row(message, one, tree), **_where(one, told)}
            else:
                progress.refusal = progress.refusal or told
        if checkpoint := progress.reached(messages, resumable=options.in_order):
            yield checkpoint
    if progress.refusal is not None:
        yield Checkpoint(progress.refused)  # what was saved stays, though the mailbox fails
        raise progress.refusal
    if options.since:
        graph.state[SAVED] = earlier.keys


class Progress:
    """How far a mailbox is: the moment of the last message, which of that moment are done, and why it will fail once
    all have had their turn."""

    def __init__(self, checkpoint: Mapping[str, Any]) -> None:
        self.received: str = checkpoint.get("received", "")
        self.ids: list[str] = list(checkpoint.get("ids", ()))
        self.saved = 0
        refused = checkpoint.get(REFUSED)
        self.refusal: GraphError | TransportError | None = GraphError(*refused) if refused else None

    @property
    def refused(self) -> dict[str, Any]:
        """The refusal, for a checkpoint."""
        return {REFUSED: _said(self.refusal)} if self.refusal is not None else {}

    def left(self, options: AttachmentsSaveOptions) -> AttachmentsSaveOptions:
        """The options for what is not done."""
        return options.model_copy(update={"received_from": self.received}) if self.received else options

    def reached(self, messages: Sequence[Message], *, resumable: bool) -> Checkpoint | None:
        """Notes that these are done. Returns a checkpoint where it is time for one."""
        for message in messages:
            if message.received != self.received:
                self.received, self.ids = message.received, []
            self.ids.append(message.id)
        if self.saved < COMMITTED or not resumable or len(self.ids) > SAME_MOMENT:
            return None
        self.saved = 0
        return Checkpoint({"received": self.received, "ids": self.ids, **self.refused})


async def _groups(
    graph: Graph, options: AttachmentsSaveOptions, progress: Progress
) -> AsyncIterator[Sequence[Message]]:
    """The messages that may have attachments and are not done, some at a time."""
    done, group = frozenset(progress.ids), list[Message]()
    async for message in _messages(graph, progress.left(options)):
        if message.id in done:
            continue
        group.append(message)
        if len(group) == MESSAGES:
            yield group
            group = []
    if group:
        yield group


async def _messages(graph: Graph, options: AttachmentsSaveOptions) -> AsyncIterator[Message]:
    if options.since is None:
        async for message in matching(graph, options.of_messages):
            yield message
        return
    async for one in news(graph, options.of_messages):
        if one.message is not None:
            yield one.message


async def _saved(
    graph: Graph, meant: Sequence[tuple[Message, Attachment]]
) -> AsyncIterator[tuple[tuple[Message, Attachment], Blob | GraphError | TransportError | None]]:
    """Each with its blob, None where it has no content, or why there is none."""
    coming: Iterator[tuple[Message, Attachment]] = iter(meant)
    while some := list(islice(coming, AT_A_TIME)):
        told = await graph.gather(*(_try(graph, message, one) for message, one in some))
        for pair, result in zip(some, told, strict=True):
            yield pair, result


async def _try(graph: Graph, message: Message, one: Attachment) -> Blob | GraphError | TransportError | None:
    """The same of one. Raises what the next one would meet as well."""
    if one.kind == REFERENCE:
        return None
    try:
        return await tolerated(partial(_download, graph, message, one))
    except TransportError as error:
        if type(error) not in (TransportError, Unanswered):
            raise
        return error


async def _download(graph: Graph, message: Message, one: Attachment) -> Blob:
    """A range that is not there any more means that the content is another one: it is read from its start."""
    read = partial(
        graph.download, one.file_name(message.id), PATH + "/{}/$value", message.id, one.id,
        most=LARGEST, likely=one.size, headers=IMMUTABLE,
    )  # fmt: skip
    try:
        return await read()
    except GraphError as error:
        if error.status != 416:
            raise
    return await read()


def _said(refusal: GraphError | TransportError) -> tuple[int, str, str]:
    if isinstance(refusal, GraphError):
        return refusal.status, refusal.code, refusal.message
    return 200, type(refusal).__name__, str(refusal)


def is_gone(told: GraphError | TransportError) -> bool:
    return isinstance(told, GraphError) and is_absent(told)


def _row(message: Message, one: Attachment, tree: Tree | None) -> Row:
    return {
        "message_id": message.id,
        "folder": tree.path(message.folder) if tree is not None else "",
        "subject": message.subject,
        "sender": message.sender,
        "received": message.received,
        "internet_message_id": message.internet_message_id,
        "attachment_id": one.id,
        "name": one.name,
        "kind": one.kind,
        "content_type": one.content_type,
        "content_id": one.content_id,
        "is_inline": one.is_inline,
        "size": one.size,
    }


def _where(one: Attachment, told: Blob | GraphError | TransportError | None) -> Row:
    if isinstance(told, Blob):
        return {"state": "saved", **told._asdict()}
    return {"state": "link" if one.kind == REFERENCE else "gone", **dict.fromkeys(Blob._fields)}
