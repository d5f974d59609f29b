"""Parts of a source: what a resumed run still has to do, or what another one is to do again. Knows only row numbers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from bulkmail.model import Chunks, Counts, Mailbox, Rejected, Source
from bulkmail.source.once import ReadOnce
from bulkmail.source.rows import Rows


class Remaining:
    """Yields what `source` yields, except the mailboxes of rows that are `done`. Counts all rows, as `source` does."""

    def __init__(self, source: Source, done: Rows) -> None:
        self._source = source
        self._done = done

    def __repr__(self) -> str:
        return f"<Remaining of {self._source!r}>"

    @property
    def counts(self) -> Counts:
        return self._source.counts

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        async for chunk in self._source:
            yield self._rest(chunk) if self._done else chunk

    def _rest(self, chunk: Sequence[Mailbox | Rejected]) -> Sequence[Mailbox | Rejected]:
        return [row for row in chunk if isinstance(row, Rejected) or row.row not in self._done]


class Gate:
    """Yields the first `number` mailboxes of `source`, and all else only once `opened` has returned."""

    def __init__(self, source: Chunks, number: int, opened: Callable[[], Awaitable[None]]) -> None:
        self._source = source
        self._left = number
        self._opened = opened

    def __repr__(self) -> str:
        return f"<Gate {self._left} of {self._source!r}>"

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        async for chunk in self._source:
            places = [place for place, row in enumerate(chunk) if isinstance(row, Mailbox)]
            if len(places) <= self._left:
                self._left -= len(places)
                yield chunk
                continue
            cut, self._left = places[self._left], 0
            if chunk[:cut]:
                yield chunk[:cut]
            await self._opened()
            yield chunk[cut:]


class Only(ReadOnce):
    """Yields and counts the mailboxes of `source` that stand in `rows`, and nothing else."""

    def __init__(self, source: Source, rows: Rows) -> None:
        self._source = source
        self._rows = rows
        self.counts = Counts()

    @property
    def name(self) -> str:
        return self._source.name

    def __repr__(self) -> str:
        return f"<Only {self.counts.unique} of {self._source!r}>"

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        async for chunk in self._source:
            chosen = [row for row in chunk if isinstance(row, Mailbox) and row.row in self._rows]
            self.counts = Counts(self.counts.unique + len(chosen))
            yield chosen
