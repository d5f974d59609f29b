"""What is in a folder already: nothing is made that is there, and what was made is found though its answer was lost.

Items of the same type and size may be the same; whether one is, its stream tells. Where neither is known, as of loose
streams, every item of the folder may be. What has arrived since a folder was first looked at is known apart from what
was there: if a lost answer left anything, it is among the arrivals.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import NamedTuple, Protocol

from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.streams import Take
from bulkmail.tasks.items.fetch import NOTHING
from bulkmail.tasks.items.folders import Folder
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.listing import Walk
from bulkmail.tasks.items.unpack import Unpacking
from bulkmail.tasks.kit.collection import LASTING

GONE = "ErrorItemNotFound"
"""What the service says of an item that was deleted."""

UNREAD = ""
"""In place of the hash of an item that was not read."""

AT_A_TIME = 4
"""Items of a folder that are read together."""

LARGEST = 200_000
"""Items of a folder that are remembered: some tens of megabytes. In a larger one only arrivals are found."""


class There(NamedTuple):
    """An item that is there. `arrived`: since the folder was first looked at."""

    id: str
    change_key: str
    arrived: bool = False


class Sought(Protocol):
    """What an item is looked for by."""

    @property
    def type(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Stock:
    """The folders of one mailbox, as far as they were looked at. `links` are where each look ended."""

    def __init__(self, exchange: Graph) -> None:
        self._exchange = exchange
        self._there: dict[str, defaultdict[tuple[str, int], list[There]]] = {}
        self._made: set[str] = set()
        self._digests: dict[str, str] = {}  # of items that are as large as others, which are looked at more than once
        self._fresh: defaultdict[str, list[There]] = defaultdict(list)  # by folder, those that are not in `_by_stream`
        self._by_stream: defaultdict[str, defaultdict[str, list[There]]] = defaultdict(lambda: defaultdict(list))
        self._unread: dict[str, str] = {}  # items that could not be exported, and why
        self.links: dict[str, str] = {}

    async def look(self, folder: Folder, since: str = "") -> None:
        """Takes in what is in a folder, unless that is known. `since` is the link at which an earlier process had
        looked: what has come from then on has arrived."""
        if folder.id in self._there:
            return
        there: defaultdict[tuple[str, int], list[There]] = defaultdict(list)
        arrived = {one.id for one, new in [each async for each in self._walk(folder, since)] if new} if since else set()
        number = 0
        async for item, _ in self._walk(folder, ""):
            number += 1
            if number <= LARGEST or item.id in arrived:
                one = There(item.id, item.change_key, item.id in arrived)
                there[item.type, item.size].append(one)
                self._fresh[folder.id].append(one)
        self._there[folder.id] = there

    async def look_again(self, folder: Folder) -> None:
        """Takes in what has arrived since the last look."""
        async for item, new in self._walk(folder, self.links.get(folder.id, "")):
            known = self._there[folder.id][item.type, item.size]
            if item.id not in self._made and all(one.id != item.id for one in known):
                known.append(one := There(item.id, item.change_key, new))
                self._fresh[folder.id].append(one)

    def made(self, item_id: str) -> None:
        """What this process has made is not what another one may have left."""
        self._made.add(item_id)

    async def take(self, folder: Folder, stored: Sought, *, lost: bool = False) -> There | None:
        """An item with the same stream, which is then taken. Of an answer that was `lost`, one that has arrived and has
        the same type and size as well: whether streams outlive an import unchanged is not promised."""
        if _is_loose(stored):
            same = (await self._streams_of(folder))[stored.sha256]
            return same.pop() if same else None
        known = self._there[folder.id][stored.type, stored.size]
        for one in known:
            if await self._digest(one.id) == stored.sha256:
                known.remove(one)
                return one
        if lost and (arrived := [one for one in known if one.arrived]):
            known.remove(arrived[0])
            return arrived[0]
        return None

    def doubt(self, folder: Folder, stored: Sought) -> str:
        """Why it cannot be told whether an item is there that was not found; empty where it is not there."""
        known = self._there[folder.id][stored.type, stored.size]
        if _is_loose(stored):  # what was there before may be anything
            known = [one for one in self._by_stream[folder.id][UNREAD] if one.arrived]
        error = next((self._unread[one.id] for one in known if one.id in self._unread), "")
        return (
            f"an item of this type and size is there, and could not be exported to compare it: {error}" if error else ""
        )

    async def _streams_of(self, folder: Folder) -> Mapping[str, list[There]]:
        """What is in a folder by its streams, each of which is read once."""
        coming = iter(self._fresh.pop(folder.id, ()))
        found = self._by_stream[folder.id]

        async def lane() -> None:
            for one in coming:
                digest = await self._digest(one.id)
                found[digest].append(one)

        await self._exchange.gather(*(lane() for _ in range(AT_A_TIME)))
        return found

    async def _walk(self, folder: Folder, since: str) -> AsyncIterator[tuple[Item, bool]]:
        """Items, and whether they have arrived `since`: that is not known once the service has forgotten the link."""
        walk = Walk(self._exchange, folder, since)
        async for page in walk.pages():
            for item in page.items:
                if not item.removed:
                    yield item, bool(since) and not walk.restarted
        self.links[folder.id] = walk.delta

    async def _digest(self, item_id: str) -> str:
        """The hash of what an item is exported as; empty where it is not, though it was asked for twice."""
        if item_id not in self._digests:
            digest, _, error = await hashed(self._exchange, item_id)
            if error:
                digest, _, error = await hashed(self._exchange, item_id)
            if error and GONE not in error:
                self._unread[item_id] = error
            self._digests[item_id] = digest
        return self._digests[item_id]


def _is_loose(stored: Sought) -> bool:
    return not stored.type and not stored.size


async def hashed(exchange: Graph, item_id: str) -> tuple[str, int, str]:
    """Hash and bytes of what an item is exported as, or an error; nothing of it is kept."""
    found, said, size = sha256(), NOTHING, 0

    @asynccontextmanager
    async def enter() -> AsyncIterator[Take]:
        nonlocal found, said, size
        found, said, size, unpacking = sha256(), NOTHING, 0, Unpacking()

        async def take(chunk: bytes) -> None:
            nonlocal said, size
            for event in unpacking.feed(chunk):
                if isinstance(event, bytes):
                    found.update(event)
                    size += len(event)
                else:
                    said = event

        yield take
        unpacking.close()

    try:
        await exchange.stream("/exportItems", {"itemIds": [item_id]}, into=enter)
    except GraphError as error:
        if error.status in LASTING or error.status >= 500:
            raise
        return "", 0, str(error)
    if said.whole and said.id == item_id:
        return found.hexdigest(), size, ""
    return "", 0, f"{said.code}: {said.error}" if said.code else "ItemDropped: the service left the item out"
