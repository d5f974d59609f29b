"""Proves an export: against the mailbox as it is now, or against its own files alone.

Against the mailbox every item is exported again, and its stream compared by hash; nothing of it is kept. Offline, each
stream is read where its row says, and nothing is asked of the service.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from pydantic import Field

from bulkmail.errors import Damaged
from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.items.export import READS
from bulkmail.tasks.items.folders import tree
from bulkmail.tasks.items.listing import Walk
from bulkmail.tasks.items.source import FromExport, opened
from bulkmail.tasks.items.stock import hashed
from bulkmail.tasks.items.stored import Cursor, Holding, Stored, Streams

COLUMNS = {
    "mailbox": "address as the input gives it",
    "source": "mailbox in the export",
    "folder": "path of the folder; of an extra item that in this mailbox",
    "item_id": "id of the item in the export; empty for an extra one",
    "found_id": "id of the item in this mailbox; empty for a missing one, and offline",
    "state": "equal; differs; missing: it is not in the mailbox, or not in the archive; extra: it is in the mailbox "
    "and not in the export; failed: it could not be exported now",
    "bytes": "how long the stream is in the export",
    "found_bytes": "how long it is now",
    "sha256": "digest of the stream, as its row in the export says",
    "found_sha256": "its digest now",
    "file": "file in the export's run directory",
    "offset": "where the stream begins in it",
    "error": "why it differs, or could not be exported",
}
_BLANK = dict.fromkeys(name for name in COLUMNS if name not in ("mailbox", "source"))
AT_A_TIME = 4
"""Calls of a mailbox that are under way together."""


class ItemsVerifyOptions(FromExport):
    """Options of items.verify."""

    how: Literal["mailbox", "offline"] = Field(
        "mailbox", description="mailbox: export again and compare; offline: the export's files against its rows"
    )
    by: Literal["id", "content"] = Field(
        "id", description="id: an item is the one with its id, in the mailbox that it was exported from; content: one "
        "with the same stream, in a mailbox that it was imported into"
    )  # fmt: skip
    only: Literal["all", "different"] = Field("all", description="rows of all items, or of those that are not equal")

    def by_id(self) -> str:
        return 'by = "id"' if (self.how, self.by) == ("mailbox", "id") else ""


def needs(options: ItemsVerifyOptions) -> Needs:
    return all_of() if options.how == "offline" else READS


@task(
    "items.verify",
    summary="Compares an export with what the mailboxes hold, or with its own files, by hash",
    needs=needs,
    options=ItemsVerifyOptions,
    columns=COLUMNS,
    key_columns=("item_id",),
    wants_columns=True,
    once=opened,
    finding=lambda row: bool(row["state"] != "equal"),
)
async def items_verify(mailbox: Mailbox, graph: Graph, options: ItemsVerifyOptions) -> AsyncIterator[Row]:
    """A row for each item of the export, and for each extra one."""
    source = options.mailbox_of(mailbox)
    held = await graph.thread(options.kept.of, source)
    rows = offline(graph, options.kept.streams, held) if options.how == "offline" else online(graph, options, held)
    async for row in rows:
        if options.only == "all" or row["state"] != "equal":
            yield {"source": source, **row}


async def offline(graph: Graph, streams: Streams, held: Holding) -> AsyncIterator[Row]:
    cursor = Cursor(held.items(0))
    while chunk := await graph.thread(cursor.take, 100, 1 << 40):
        for one in chunk:
            digest, size, error = await graph.thread(looked, streams, one)
            state = "equal" if (digest, size) == (one.sha256, one.bytes) else "differs" if size else "missing"
            yield _row(one, state, found_sha256=digest, found_bytes=size, error=error)


def looked(streams: Streams, one: Stored) -> tuple[str, int, str]:
    """Digest and size of a stream as it lies there, and what is wrong with it. Blocks."""
    if not (error := streams.fault(one)):
        return one.sha256, one.bytes, ""
    try:
        return *streams.digest(one), error
    except (OSError, Damaged):
        return "", 0, error


async def online(graph: Graph, options: ItemsVerifyOptions, held: Holding) -> AsyncIterator[Row]:
    """What the mailbox holds is listed once; then item after item is looked for in it."""
    exchange = await graph.exchange()
    there = await listed(exchange)
    cursor = Cursor(held.latest(0))
    same: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    if options.by == "content":
        for item, (digest, size, _) in zip(there, await digests(exchange, list(there)), strict=True):
            same[digest].append((item, size))
    while chunk := await graph.thread(cursor.take, 100, 1 << 40):
        if options.by == "content":
            for one in chunk:
                found = same[one.sha256].pop(0) if same[one.sha256] else None
                there.pop(found[0] if found else "", None)
                yield _by_content(one, found)
            continue
        here = [one for one in chunk if one.item_id in there]
        now = dict(zip([one.item_id for one in here], await digests(exchange, [o.item_id for o in here]), strict=True))
        for one in chunk:
            there.pop(one.item_id, None)
            yield _by_id(one, now.get(one.item_id))
    for item, folder in there.items():
        yield {**_BLANK, "folder": folder, "found_id": item, "state": "extra"}


async def listed(exchange: Graph) -> dict[str, str]:
    """The ids of all items of a mailbox, with the paths of their folders."""
    found: dict[str, str] = {}
    for folder in await tree(exchange):
        async for page in Walk(exchange, folder).pages():
            found |= {one.id: folder.path for one in page.items if not one.removed}
    return found


async def digests(exchange: Graph, ids: Sequence[str]) -> list[tuple[str, int, str]]:
    """Digest, size and error of each item, as it is exported now."""
    coming, found = iter(ids), dict[str, tuple[str, int, str]]()

    async def lane() -> None:
        for one in coming:
            answer = await hashed(exchange, one)
            found[one] = answer if not answer[2] else await hashed(exchange, one)

    await exchange.gather(*(lane() for _ in range(AT_A_TIME)))
    return [found[one] for one in ids]


def _by_id(one: Stored, now: tuple[str, int, str] | None) -> Row:
    if now is None:
        return _row(one, "missing")
    digest, size, error = now
    state = "equal" if digest == one.sha256 else "failed" if error else "differs"
    return _row(one, state, found_id=one.item_id, found_bytes=size, found_sha256=digest, error=error)


def _by_content(one: Stored, found: tuple[str, int] | None) -> Row:
    if found is None:
        return _row(one, "missing")
    return _row(one, "equal", found_id=found[0], found_bytes=found[1], found_sha256=one.sha256)


def _row(one: Stored, state: str, **more: object) -> Row:
    return {
        **_BLANK,
        "folder": one.folder, "item_id": one.item_id, "state": state, "bytes": one.bytes, "sha256": one.sha256,
        "file": one.file, "offset": one.offset, **more,
    }  # fmt: skip
