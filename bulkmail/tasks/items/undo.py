"""Takes back an import: items that it made are deleted, if they are still what was imported. What was updated stays: of
what stood there before, nothing is kept.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.tasks.items.stock import hashed
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result

ITEM = "item:"
"""What the keys of changes begin with, before the id of an item in its export."""

PATH = "/folders/{}/items/{}"


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each change, the latest first. Needs MailboxItem.ReadWrite.All besides."""
    del mailbox, options
    exchange = await graph.exchange()
    for one in made:
        key, change = one.change.key, one.change
        if not key.startswith(ITEM) or change.before is not None or not one.id:
            yield restore.row(key, Result.KEPT, found=change.after)
            continue
        folder, digest = change.after["folder"], change.after["sha256"]
        found, _, _ = await hashed(exchange, one.id)
        result = Result.RESTORED if found == digest else await _why_not(exchange, folder, one.id)
        if result is Result.RESTORED:
            await exchange.delete(PATH, folder, one.id, change=Change(key, change.after, None))
        yield restore.row(key, result, found=found or None)


async def _why_not(exchange: Graph, folder: str, item: str) -> Result:
    """What became of an item that is not what was imported."""
    try:
        await exchange.get(PATH, folder, item)
    except GraphError as error:
        if error.status != 404:
            raise
        return Result.GONE
    return Result.CHANGED
