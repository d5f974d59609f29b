"""Where the streams of a mailbox's items go: into one archive, or a file each; and their sums, for sha256sum.

What is not spoken of by a row is cut off when a run is resumed, so nothing here is undone.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import Any, Literal

from bulkmail.graph import Graph
from bulkmail.model import BlobFile
from bulkmail.sink.names import safe_name
from bulkmail.streams import Blob
from bulkmail.tasks.items.fetch import Exported
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.tar import END, Member

ARCHIVE, SUMS = "items.tar", "sha256sums.txt"


class Shelf:
    """The files of one mailbox."""

    def __init__(self, graph: Graph, layout: Literal["tar", "files"]) -> None:
        self._graph = graph
        self._layout = layout
        self._sums: list[str] = []

    def opened(self, item: Item) -> AbstractAsyncContextManager[BlobFile]:
        """A blob for the stream of one item, while it comes."""
        if self._layout == "files":
            return self._graph.blob(file_name(item))
        return self._graph.blob(ARCHIVE, Member(item))

    async def put(self, found: Sequence[Exported]) -> list[dict[str, Any]]:
        """The columns that say where each stream lies; empty ones for an item without. Raises OutputError."""
        held = [one for one in found if one.content is not None]
        placed = dict(zip(map(id, held), await self._held(held), strict=True))
        for one in found:
            if one.blob is not None:
                placed[id(one)] = self._placed(one.item, one.blob)
        return [placed.get(id(one), {}) for one in found]

    async def end(self, *, last: bool = False) -> None:
        """What belongs to the streams that were put here since the last time."""
        if self._sums:
            async with self._graph.blob(SUMS) as file:
                await file.write("".join(self._sums).encode())
            self._sums.clear()
        if last and self._layout == "tar":
            async with self._graph.blob(ARCHIVE) as file:
                await file.write(END)

    async def _held(self, held: Sequence[Exported]) -> list[dict[str, Any]]:
        if self._layout == "files":
            return [await self._file(one) for one in held]
        if not held:
            return []
        members = [_framed(one) for one in held]
        async with self._graph.blob(ARCHIVE, hashed=False) as file:
            await file.write(b"".join(block for _, blocks, _ in members for block in blocks))
        places, offset = [], file.blob.offset
        for name, (before, content, behind), digest in members:
            self._sum(digest, name)
            places.append({
                "file": file.blob.path, "offset": offset + len(before), "bytes": len(content), "sha256": digest,
            })  # fmt: skip
            offset += len(before) + len(content) + len(behind)
        return places

    async def _file(self, one: Exported) -> dict[str, Any]:
        async with self._graph.blob(file_name(one.item)) as file:
            await file.write(one.content or b"")
        return self._placed(one.item, file.blob)

    def _placed(self, item: Item, blob: Blob) -> dict[str, Any]:
        self._sum(blob.sha256, file_name(item) if self._layout == "files" else Member(item).name)
        return {"file": blob.path, "offset": blob.offset, "bytes": blob.bytes, "sha256": blob.sha256}

    def _sum(self, digest: str, name: str) -> None:
        self._sums.append(f"{digest}  {name}\n")


def _framed(one: Exported) -> tuple[str, tuple[bytes, bytes, bytes], str]:
    """The name of a member, its blocks, and the digest of its stream."""
    content, member = one.content or b"", Member(one.item)
    digest = sha256(content).hexdigest()
    before, behind = member.around(len(content), digest)
    return member.name, (before, content, behind), digest


def file_name(item: Item) -> str:
    """The name of an item's own file: of its folder's and of a digest, since ids differ in case alone."""
    digest = sha256(f"{item.folder.id}\0{item.id}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
    leaf = safe_name(item.folder.path.rpartition("/")[2])[:40].strip(".-_ ") or "items"
    return f"{leaf}-{digest}.fts"
