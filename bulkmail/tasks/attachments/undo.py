"""Puts attachments back that a run of attachments.strip has taken away: with the same name, type and content id, out of
the files that they were saved to, if these are whole.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.task.changes import summed
from bulkmail.tasks.attachments.listing import attachments_of
from bulkmail.tasks.attachments.options import AttachmentsStripOptions
from bulkmail.tasks.attachments.putting import Lost, put_back
from bulkmail.tasks.attachments.shelf import is_whole
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.collection import tolerated
from bulkmail.tasks.kit.restore import Result
from bulkmail.tasks.messages.scope import is_absent
from bulkmail.tasks.messages.walk import read_message


async def undo(
    mailbox: Mailbox, graph: Graph, options: AttachmentsStripOptions, made: Sequence[Made]
) -> AsyncIterator[Row]:
    """A row for each attachment, one after the other: the service lets no message be changed twice at a time."""
    del mailbox
    refusal: GraphError | None = None
    for change in summed(made):
        lost = Lost.of(change)
        told = await tolerated(partial(_take_back, graph, options, change, lost))
        if isinstance(told, GraphError):
            refusal = refusal or told
            continue
        result, found = told
        yield restore.row(change.key, result, restored=lost.attachment._asdict(), found=found)
    if refusal is not None:
        raise refusal


async def _take_back(
    graph: Graph, options: AttachmentsStripOptions, change: Change, lost: Lost
) -> tuple[Result, str | None]:
    """What became of it, and why it was kept out."""
    there = await attachments_of(graph, lost.saved.message)
    if lost.found(there) is not None:
        return Result.ALREADY, None
    if not there and not await _is_there(graph, lost.saved.message):
        return Result.GONE, None
    if not await graph.thread(is_whole, options.folder, lost.saved):
        return Result.KEPT, f"{lost.saved.path} is not there, or is not what was saved"
    await put_back(graph, options.folder, lost, Change(change.key, None, change.before))
    return Result.RESTORED, None


async def _is_there(graph: Graph, message: str) -> bool:
    try:
        await read_message(graph, message)
    except GraphError as error:
        if not is_absent(error):
            raise
        return False
    return True
