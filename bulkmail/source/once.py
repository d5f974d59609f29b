"""Sources that are read only once: what is common to those that have no bytes of their own, and those that could."""

from collections.abc import AsyncIterator, Sequence

from bulkmail.model import Counts, Digest, Mailbox, Rejected, Source


class Once:
    """A source that is read once though it could be read again: it is to be spooled."""

    replayable = False

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def counts(self) -> Counts:
        return self._source.counts

    @property
    def columns(self) -> tuple[str, ...]:
        return getattr(self._source, "columns", ())

    def digest(self) -> Digest | None:
        return self._source.digest()

    def size(self) -> int | None:
        return self._source.size()

    def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        return aiter(self._source)


class ReadOnce:
    """A part of a `model.Source`: it is spooled, and its digest and size are those of what was spooled."""

    replayable = False

    def digest(self) -> Digest | None:
        return None

    def size(self) -> int | None:
        return None
