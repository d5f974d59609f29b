"""Takes back an import: items that it made are deleted, if they are still what was imported. What was updated stays: of
what stood there before, nothing is kept.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Change, Made, Mailbox, Row
from bulkmail.tasks.items.folders import Folder, tree
from bulkmail.tasks.items.stock import Stock, hashed
from bulkmail.tasks.kit import restore
from bulkmail.tasks.kit.restore import Result

ITEM = "item:"
"""What the keys of changes begin with, before the id of an item in its export."""

PATH = "/folders/{}/items/{}"


class Left(NamedTuple):
    """An item as the run left it; `stock.Sought`."""

    type: str
    size: int
    sha256: str


async def undo(mailbox: Mailbox, graph: Graph, options: Any, made: Sequence[Made]) -> AsyncIterator[Row]:
    """A row for each change, the latest first. Needs MailboxItem.ReadWrite.All besides."""
    del mailbox, options
    exchange = await graph.exchange()
    folders = {one.path: one for one in await tree(exchange)}
    stock, ids = Stock(exchange), {one.id for one in made if one.id}
    known = {one.change.key for one in made if one.id}
    for one in made:
        key, change = one.change.key, one.change
        if not key.startswith(ITEM) or change.before is not None:
            yield restore.row(key, Result.KEPT, found=change.after)
            continue
        if not one.id and key in known:
            continue  # it was sent again, since it was not there
        folder = folders.get(change.after["folder"])
        left = Left(change.after["type"], change.after["size"], change.after["sha256"])
        item = one.id or (await _found(stock, folder, left, ids) if folder else "")
        result = await _judged(exchange, folder, item, left)
        if folder and result is Result.RESTORED:
            await exchange.delete(PATH, folder.id, item, change=Change(key, change.after, None))
        yield restore.row(key, result, restored=None, found=item)


async def _found(stock: Stock, folder: Folder, left: Left, others: Collection[str]) -> str:
    """The id of an item whose answer was lost, and of none of `others`; empty where it is not there."""
    await stock.look(folder)
    while there := await stock.take(folder, left):
        if there.id not in others:
            return there.id
    return ""


async def _judged(exchange: Graph, folder: Folder | None, item: str, left: Left) -> Result:
    """What becomes of an item: it may have been changed, or moved elsewhere, which gives it another id."""
    if folder is None or not item:
        return Result.GONE
    if (await hashed(exchange, item))[0] == left.sha256:
        return Result.RESTORED
    try:
        await exchange.get(PATH, folder.id, item)
    except GraphError as error:
        if error.status != 404:
            raise
        return Result.GONE
    return Result.CHANGED
