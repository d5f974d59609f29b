"""Asks for the streams of items: up to twenty a call while they are small, and those that are large alone.

Errors belong to items, and are kept with them. What the service leaves out of an answer without a word, and what had
an error that may pass, is asked for once more alone. learn.microsoft.com/graph/api/mailbox-exportitems
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

from bulkmail.core.advice import ABSENT
from bulkmail.errors import GraphError
from bulkmail.graph import Graph
from bulkmail.model import BlobFile
from bulkmail.streams import Blob, Take
from bulkmail.tasks.items.item import Item
from bulkmail.tasks.items.unpack import Answered, Event, Unpacking, at_once
from bulkmail.tasks.kit.collection import LASTING

IDS = 20
"""Items of one call, at the most."""

ALONE = 512 * 1024
"""Bytes, as the service counts them, from which on an item is asked for alone and never all in memory."""

CALL = 1024 * 1024
"""Bytes of the items of one call. Several calls of a mailbox are under way, and of many mailboxes."""

HELD = 4 * CALL
"""Bytes of an answer, or of its streams, that may be in memory: sizes and streams differ. What is more is asked for
alone."""

STREAMED = 1024 * 1024
"""Bytes of memory that an answer takes while it comes: blocks of connections, chunks, and what waits to be written."""

FINAL = frozenset({"ErrorItemNotFound", "ErrorArchiveFolderMovedPermanently", "ErrorInvalidIdMalformed"})
"""Errors of items that would come again: deleted, or in another mailbox, which is not gone to."""

DROPPED = "ItemDropped: the service left the item out of its answer, twice"
NOTHING = Answered("", "", whole=False)


class Exported(NamedTuple):
    """What became of an item: its stream, in memory or in a blob, or an error."""

    item: Item
    answered: Answered
    content: bytes | None = None
    blob: Blob | None = None
    request: str = ""

    @property
    def again(self) -> bool:
        """Whether it is worth asking for once more."""
        return not self.answered.whole and self.answered.code not in FINAL

    @property
    def error(self) -> str:
        said = self.answered
        return f"{said.code}: {said.error}".rstrip(": ") if said.code else "" if said.whole else DROPPED


def ends_mailbox(error: GraphError) -> bool:
    """Whether every other item would meet the same refusal, such as where the mailbox is gone."""
    return error.status in LASTING or error.code in ABSENT


def calls(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Items that are asked for together, in their order; none of them is large."""
    together: list[Item] = []
    size = 0
    for item in items:
        if together and (len(together) == IDS or size + item.size > CALL):
            yield together
            together, size = [], 0
        together.append(item)
        size += item.size
    if together:
        yield together


def held(items: Sequence[Item]) -> int:
    """Bytes of memory that the answer to one call takes: its streams, and once more when they are put together."""
    return STREAMED // 2 + 2 * sum(item.size for item in items)


async def several(exchange: Graph, items: Sequence[Item]) -> list[Exported]:
    """The small streams of one call, in memory. Of an answer that is far larger than was told, and of a call that fails
    as a whole, nothing is known."""
    held, request = Held(), ""
    try:
        request = await exchange.stream("/exportItems", {"itemIds": [item.id for item in items]}, into=held.enter)
    except GraphError as error:
        if ends_mailbox(error):
            raise
    return [Exported(item, *held.found.get(item.id, (NOTHING, None)), request=request) for item in items]


class Held:
    """Where small streams are kept, by the ids of their items."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[Answered, bytes | None]] = {}

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[Take]:
        coming = Coming()
        yield coming.take
        self.found = coming.end()


class Coming:
    """One answer, which waits until it is whole, and is taken apart at once. One that is far larger than was told is
    taken apart while it comes, and loses the streams that there is no room for."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._size = 0  # bytes that have come
        self._unpacking = Unpacking()
        self._pieces: list[bytes] = []  # of a stream
        self._held = 0  # bytes of streams
        self._found: dict[str, tuple[Answered, bytes | None]] = {}

    async def take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        self._waiting.append(chunk)
        if self._size > HELD:
            self._unpack()

    def end(self) -> dict[str, tuple[Answered, bytes | None]]:
        """Raises OutcomeUnknown for an answer that is not whole."""
        if self._size <= HELD:
            self._waiting = [b"".join(self._waiting)]
            if (found := at_once(self._waiting[0])) is not None:
                return {said.id: (said, stream if said.whole else None) for said, stream in found}
        self._unpack()
        self._unpacking.close()
        return self._found

    def _unpack(self) -> None:
        for chunk in self._waiting:
            for event in self._unpacking.feed(chunk):
                self._keep(event)
        self._waiting.clear()

    def _keep(self, event: Event) -> None:
        if isinstance(event, bytes):
            self._held += len(event)
            if self._held <= HELD:
                self._pieces.append(event)
            return
        if not event.whole:
            self._found[event.id] = event, None
        elif self._held <= HELD:
            self._found[event.id] = event, b"".join(self._pieces)
        self._pieces.clear()


async def alone(exchange: Graph, item: Item, opened: Callable[[], AbstractAsyncContextManager[BlobFile]]) -> Exported:
    """One item, straight into a blob; the blob is dropped where there is no stream."""
    poured = Poured(item.id, opened)
    try:
        request = await exchange.stream("/exportItems", {"itemIds": [item.id]}, into=poured.enter)
    except GraphError as error:
        if ends_mailbox(error):
            raise
        return Exported(item, NOTHING._replace(code=error.code or str(error.status), error=error.message))
    return Exported(item, poured.answered, blob=poured.blob, request=request)


class NoStreamError(Exception):
    """Drops a blob that was begun for a stream that does not come."""


class Poured:
    """Where a large stream goes; `opened` begins a blob for it."""

    def __init__(self, item_id: str, opened: Callable[[], AbstractAsyncContextManager[BlobFile]]) -> None:
        self._id = item_id
        self._opened = opened
        self.answered = NOTHING
        self.blob: Blob | None = None

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[Take]:
        self.answered, self.blob = NOTHING, None
        unpacking = Unpacking()
        try:
            async with self._opened() as file:

                async def take(chunk: bytes) -> None:
                    for event in unpacking.feed(chunk):
                        if isinstance(event, bytes):
                            await file.write(event)
                        else:
                            self.answered = event

                yield take
                unpacking.close()
                self._require_stream()
        except NoStreamError:
            return
        self.blob = file.blob

    def _require_stream(self) -> None:
        if self.answered.id != self._id:
            self.answered = NOTHING
        if not self.answered.whole:
            raise NoStreamError
