"""Goes through the items of folders by delta queries: what others change meanwhile moves no page, and the next walk can
begin where this one ended.

A walk can be taken up again at the page where it was: the link of a page, and which of its items are done, say where.
learn.microsoft.com/graph/api/mailboxitem-delta
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.kit.delta import is_forgotten

PATH = "/folders/{}/items/delta"
SIZE = {"Prefer": "odata.maxpagesize=200"}
KEPT = 40_000
"""Letters of delta links that a checkpoint has room for. A folder without its link has a full pass the next time."""


def mark(item: Item) -> str:
    """What an item of a page is known by in a checkpoint; eleven letters."""
    text = f"{item.id}\0{item.change_key}".encode("utf-8", "surrogatepass")
    return b64encode(blake2b(text, digest_size=8).digest()).decode().rstrip("=")


class Page(NamedTuple):
    """Some items of a folder, and the link by which they come again."""

    items: list[Item]
    link: str


@dataclass(slots=True)
class Walk:
    """The items of one folder from `since` on, or all of them. `delta` is where the next walk goes on, at the end;
    `restarted` whether the service had forgotten `since`, so that all items came."""

    exchange: Graph
    folder: Folder
    since: str = ""
    delta: str = ""
    restarted: bool = False

    async def pages(self) -> AsyncIterator[Page]:
        """Raises GraphError. Links that the service has forgotten mean all items."""
        try:
            async for page in self._from(self.since):
                yield page
        except GraphError as error:
            if not self.since or not is_forgotten(error):
                raise
            self.restarted = True
            async for page in self._from(""):
                yield page

    async def _from(self, since: str) -> AsyncIterator[Page]:
        pages, before = self.exchange.pages(PATH, self.folder.id, headers=SIZE, since=since), set[tuple[str, str]]()
        async for bodies in pages:
            items = {(one.id, one.change_key): one for one in (Item.of(body, self.folder) for body in bodies)}
            yield Page([one for key, one in items.items() if key not in before], pages.here)
            before = set(items)  # the service repeats items, at the seams of pages
        self.delta = pages.delta


@dataclass(slots=True)
class Place:
    """How far an export of a mailbox is: in `folder`, the one that is gone through, at `page`, of which the items with
    the marks `done` are done. Folders go in the order of their ids. `links` are by folder, `failed` are folders and
    items to try again."""

    folder: str = ""
    page: str = ""
    done: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    items: int = 0
    bytes: int = 0
    begun: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Place":
        return cls(**{**kept, "failed": [(folder, item) for folder, item in kept.get("failed", [])]})

    def kept(self) -> dict[str, Any]:
        """For a checkpoint, whose size is bounded."""
        links, room = {}, KEPT
        for folder, link in reversed(self.links.items()):
            room -= len(folder) + len(link)
            if room < 0:
                break
            links[folder] = link
        most = min(len(self.failed), 100)  # the others are tried again if their folders have a full pass
        return {
            "folder": self.folder, "page": self.page, "done": list(self.done), "links": links,
            "failed": self.failed[len(self.failed) - most :], "items": self.items, "bytes": self.bytes,
            "begun": self.begun,
        }  # fmt: skip
