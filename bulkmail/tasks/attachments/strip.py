"""Takes attachments out of messages that lie saved: those in a list, each once its file was read and its digest found
right. Undo puts them back.

What cannot be put back as it was stays: attached messages and links. So does what is not as it was when it was saved.
"""

from collections.abc import AsyncIterator, Iterable
from functools import partial
from itertools import groupby, islice
from operator import attrgetter

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Mailbox, Row
from bulkmail.task.changes import told_before
from bulkmail.task.declare import task
from bulkmail.tasks.attachments.listing import Attachment, alike, attachments_of, delete
from bulkmail.tasks.attachments.options import AttachmentsStripOptions, Saved
from bulkmail.tasks.attachments.shelf import is_whole
from bulkmail.tasks.attachments.undo import undo
from bulkmail.tasks.kit.collection import tolerated

COLUMNS = {
    "mailbox": "address as the input gives it",
    "message_id": "the message's immutable id",
    "attachment_id": "the attachment's immutable id",
    "name": "name of the attachment",
    "size": "bytes, as the service counts them",
    "path": "the file in the run directory of attachments.save",
    "sha256": "SHA-256 of its content, in hexadecimal digits",
    "state": "planned or done; not_saved: its file is not there, or is not what was saved; changed: it is not as it "
    "was when it was saved; kept: it could not be put back as it was. The last three are left alone",
}
MESSAGES = 20
"""Messages that are looked at together."""


@task(
    "attachments.strip",
    summary="Takes saved attachments out of messages, each once its file is found whole; undo puts them back",
    permission="Mail.ReadWrite",
    options=AttachmentsStripOptions,
    columns=COLUMNS,
    writes=True,
    undo=undo,
    key_columns=("message_id", "attachment_id"),
)
async def attachments_strip(mailbox: Mailbox, graph: Graph, options: AttachmentsStripOptions) -> AsyncIterator[Row]:
    """A row for each that is taken away, or is left for a reason. One that is gone has none."""
    earlier = told_before(graph.made)
    state = "planned" if graph.planning else "done"
    refusal: GraphError | None = None
    wanted = sorted(options.of(mailbox), key=attrgetter("message"))
    coming = iter([(id_, list(ones)) for id_, ones in groupby(wanted, attrgetter("message"))])
    while some := list(islice(coming, MESSAGES)):
        listed = await graph.gather(*(attachments_of(graph, id_) for id_, _ in some))
        for (_, ones), there in zip(some, listed, strict=True):
            by_id = {attachment.id: attachment for attachment in there}
            for one in (one for one in ones if one.attachment in by_id):
                attachment = by_id[one.attachment]
                change = change_of(one, attachment, by_id.values())
                left = await _left(graph, options, one, attachment)
                told = None if left else await tolerated(partial(delete, graph, one.message, one.attachment, change))
                if told is not None:
                    refusal = refusal or told
                    continue
                if not left:
                    del by_id[one.attachment]
                earlier.pop(change.key, None)
                yield _row(change, left or state)
    for change in earlier.values():  # what a process that died has taken away
        yield _row(change, state)
    if refusal is not None:
        raise refusal


async def _left(graph: Graph, options: AttachmentsStripOptions, one: Saved, there: Attachment) -> str:
    """Why an attachment is left alone; empty where it is not."""
    if not there.restorable:
        return "kept"
    if there.size != one.size:
        return "changed"
    return "" if await graph.thread(is_whole, options.folder, one) else "not_saved"


def change_of(one: Saved, attachment: Attachment, there: Iterable[Attachment]) -> Change:
    """Where its content lies, and all that is needed to put it back as it was. `alike` are those that stay and look
    like it: with more than these, it is there again."""
    before = {"saved": one._asdict(), "attachment": attachment._asdict(), "alike": alike(there, attachment)}
    return Change(f"attachment:{one.message}:{one.attachment}", before, None)


def _row(change: Change, state: str) -> Row:
    saved, attachment = change.before["saved"], change.before["attachment"]
    return {
        "message_id": saved["message"],
        "attachment_id": saved["attachment"],
        "name": attachment["name"],
        "size": attachment["size"],
        "path": saved["path"],
        "sha256": saved["sha256"],
        "state": state,
    }
