"""Exports the items of a mailbox, of every kind and with all that they hold, each as the stream that imports take.

A chunk of items is asked for, put on the disk and committed before the next one: a run that dies goes on within the
mailbox, and asks for one chunk again at the most. Every item that was listed has a row, whatever became of it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import Checkpoint, Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import all_of, any_of
from bulkmail.tasks.items import clouds
from bulkmail.tasks.items.fetch import ALONE, STREAMED, Exported, alone, calls, ends_mailbox, held, several
from bulkmail.tasks.items.folders import Folder, tree
from bulkmail.tasks.items.item import COLUMNS, Item
from bulkmail.tasks.items.listing import Place, Walk, mark
from bulkmail.tasks.items.options import ItemsExportOptions
from bulkmail.tasks.items.shelf import Shelf

READS = all_of(
    "User.Read.All", "MailboxFolder.Read.All", "MailboxItem.Read.All",
    any_of("MailboxItem.Export.All", "MailboxItem.ImportExport.All"),
)  # fmt: skip
"""User.Read.All is for the mailbox's exchange id."""

CHUNK_ITEMS, CHUNK_BYTES = 80, 2 * 1024 * 1024
"""What is asked for and written together, at the most: bytes as the service counts them, and one item whatever its
size. So much of a mailbox is in memory, twice for a moment."""

COMMIT_ITEMS, COMMIT_BYTES = 80, 8 * 1024 * 1024
"""What is committed together, at the most, and one item whatever its size: no more of a mailbox is asked for again by
the run that goes on after one that died."""

AT_A_TIME = 4
"""Calls of a mailbox that are under way together: the service takes no more."""

RETRIED = 2_000
"""Items that failed and are remembered for the next run, a mailbox."""


@task(
    "items.export",
    summary="Exports whole items of every kind, with a manifest of their hashes",
    needs=READS,
    options=ItemsExportOptions,
    columns=COLUMNS,
    key_columns=("item_id",),
    keeps_state=True,
    once=clouds.require,
    finding=lambda row: bool(row["state"] == "failed"),
    leaves=True,
)
async def items_export(mailbox: Mailbox, graph: Graph, options: ItemsExportOptions) -> AsyncIterator[Row]:
    """A row for each item that was chosen, and for each folder that could not be gone through."""
    del mailbox
    exchange = await graph.exchange()
    export = Export(graph, exchange, options)
    async for row in export.again():
        yield row
    chosen = [one for one in await tree(exchange, recoverable=options.recoverable) if options.takes_folder(one)]
    export.expected = sum(folder.items for folder in chosen)
    for folder in sorted(chosen, key=lambda one: one.id):
        if folder.id >= export.place.folder:
            async for row in export.folder(folder):
                yield row
    await export.shelf.end(last=True)
    place = export.place
    graph.state.clear()
    graph.state.update(links=place.links, failed=place.failed[:RETRIED], begun=place.begun)


class Export:
    """One mailbox's. `place` is how far it is."""

    def __init__(self, graph: Graph, exchange: Graph, options: ItemsExportOptions) -> None:
        self._exchange = exchange
        self._options = options
        self._last: Mapping[str, Any] = graph.state if options.since == "last" else {}
        self._fresh: list[int] = []  # bytes of the items since the last checkpoint
        self.expected = 0  # items, of a full export
        self._graph = graph
        self.shelf = Shelf(graph, options.layout)
        self.place = Place.of(graph.checkpoint)
        self.place.begun = self.place.begun or _now()

    async def again(self) -> AsyncIterator[Row]:
        """What failed in the last run, unless it is gone or this run had it already."""
        if self.place.folder:
            return
        found = []
        for folder, name in self._last.get("failed", []):
            try:
                body = await self._exchange.get("/folders/{}/items/{}", folder, name)
            except GraphError as error:
                if error.status != 404:
                    raise
                continue
            found.append(Item.of(body, Folder(folder, "")))
        if found:
            paths = {one.id: one for one in await tree(self._exchange, recoverable=self._options.recoverable)}
            found = [one._replace(folder=paths.get(one.folder.id, one.folder)) for one in found]
            for chunk in chunks(self._left(found)):
                async for row in self._rows(chunk):
                    yield row

    async def folder(self, folder: Folder) -> AsyncIterator[Row]:
        """Raises GraphError; a folder that is gone, or lies in an archive of its own, does not end the mailbox."""
        place, links = self.place, self._last.get("links", {})
        since = place.page if place.folder == folder.id and place.page else links.get(folder.id, "")
        walk = Walk(self._exchange, folder, since)
        place.folder = folder.id
        try:
            async for page in walk.pages():
                if page.link != place.page:
                    place.page, place.done = page.link, []
                for chunk in chunks(self._left(page.items)):
                    async for row in self._rows(chunk):
                        yield row
                    place.items += len(chunk)
                    self._tell()
        except GraphError as error:
            if error.status not in (308, 404) or ends_mailbox(error):
                raise
            if error.status == 308:
                moved = f"{error}: the folder lies in an archive, which was not gone to"
                yield Item(folder, "").row("failed", error=moved, at=_now())
        if walk.delta:
            place.links[folder.id] = walk.delta
        place.page, place.done = "", []

    def _left(self, items: Sequence[Item]) -> Sequence[Item]:
        """Those that are not done."""
        done = frozenset(self.place.done)
        return [one for one in items if mark(one) not in done] if done else items

    async def _rows(self, chunk: Sequence[Item]) -> AsyncIterator[Row]:
        """Those of the items that were chosen, behind a checkpoint where one is due."""
        if self._is_full(chunk):
            await self.shelf.end()
            yield Checkpoint(self.place.kept())
        for row in await self._chunk([one for one in chunk if one.removed or self._options.takes(one)]):
            yield row
        self.place.done += map(mark, chunk)

    def _tell(self) -> None:
        """How far it is, by bytes; those that are still to come are taken to be like those that came."""
        place = self.place
        left = 0 if self._last else max(0, self.expected - place.items)
        self._graph.carried(place.bytes, place.bytes + place.bytes * left // max(1, place.items))

    def _is_full(self, chunk: Sequence[Item]) -> bool:
        """Whether what came since the last checkpoint has to be committed before this chunk; many folders are small,
        and a checkpoint waits for the disk."""
        sizes = [one.size for one in chunk]
        together = self._fresh + sizes
        is_full = bool(self._fresh) and (len(together) > COMMIT_ITEMS or sum(together) > COMMIT_BYTES)
        self._fresh = sizes if is_full else together
        return is_full

    async def _chunk(self, items: Sequence[Item]) -> list[Row]:
        """The rows of some items, in their order; what they speak of is on its way to the disk."""
        there = [one for one in items if not one.removed]
        found: dict[str, tuple[Exported, Mapping[str, Any]]] = {}
        asked = calls([one for one in there if one.size < ALONE])
        while together := list(islice(asked, AT_A_TIME)):
            async with self._options.room.of(sum(map(held, together))):
                answers = await self._exchange.gather(*(several(self._exchange, one) for one in together))
                while answers:  # each is let go of when it is on its way to the disk
                    found |= await self._put(answers.pop(0))
        for item in there:
            if item.id not in found or found[item.id][0].again:
                opened = partial(self.shelf.opened, item)
                async with self._options.room.of(STREAMED):
                    found |= await self._put([await alone(self._exchange, item, opened)])
        return [self._row(one, *found.get(one.id, (None, {}))) for one in items]

    async def _put(self, answer: Sequence[Exported]) -> dict[str, tuple[Exported, Mapping[str, Any]]]:
        """By id, what became of items and where their streams lie; no stream is in memory any more."""
        places = await self.shelf.put(answer)
        return {one.item.id: (one._replace(content=None), at) for one, at in zip(answer, places, strict=True)}

    def _row(self, item: Item, one: Exported | None, place: Mapping[str, Any]) -> Row:
        if one is None:
            return item.row("removed", change="removed", at=_now())
        change = "" if not self._last else "new" if item.created >= str(self._last.get("begun", "")) else "changed"
        if one.answered.whole:
            self.place.bytes += place["bytes"]
            key = one.answered.change_key or item.change_key
            told = {"change_key": key, "change": change, "at": _now(), "request_id": one.request}
            return item.row("exported", **{**place, **told})
        state = "gone" if one.answered.code == "ErrorItemNotFound" else "failed"
        if state == "failed":
            self.place.failed.append((item.folder.id, item.id))
        return item.row(state, error=one.error, change=change, at=_now(), request_id=one.request)


def chunks(items: Sequence[Item]) -> list[list[Item]]:
    """Items that are committed together, in their order."""
    found: list[list[Item]] = []
    size = 0
    for item in items:
        if not found or size + item.size > CHUNK_BYTES or len(found[-1]) == CHUNK_ITEMS:
            found.append([])
            size = 0
        found[-1].append(item)
        size += item.size
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
