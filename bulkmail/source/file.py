"""The source that reads a file or a stream, a chunk at a time, beside the event loop. Knows no Graph and no task."""

import asyncio
import csv
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bulkmail.daemon import in_daemon
from bulkmail.errors import InputError
from bulkmail.model import Counts, Digest, Mailbox, Rejected
from bulkmail.source.admission import Admission
from bulkmail.source.chunks import HALF
from bulkmail.source.content import Kind, opened
from bulkmail.source.csvfile import read_csv
from bulkmail.source.jsonfile import read_json, read_ndjson
from bulkmail.source.seen import Seen
from bulkmail.source.textfile import read_text

READERS = {Kind.CSV: read_csv, Kind.NDJSON: read_ndjson, Kind.JSON: read_json, Kind.TEXT: read_text}

_HINTS = {
    FileNotFoundError: "Looked for {where}: a path in a job file is relative to that file, others to where you are.",
    IsADirectoryError: "Name a file in it.",
    PermissionError: "Give the account that bulkmail runs as the right to read it.",
}


class FileSource:
    """Mailboxes of a CSV, JSON or text file, or of a binary stream such as `sys.stdin.buffer`. Is a `model.Source`.

    `column` names the column of the address, `kind` the way of writing and `encoding` that of its bytes, where they are
    not to be found out. With `keep_columns`, mailboxes carry the other cells of their row. `limit` ends the reading
    after that many mailboxes; the counts and the digest then cover what was read up to there. Mailboxes that were
    `seen` are duplicates. Each iteration reads a file anew; a stream can be read once.

    Raises InputError, which names the input: before the first row for what is not a list at all, and for a quote that
    is never closed where it comes to light, after the rows before it.
    """

    def __init__(
        self,
        origin: Path | BinaryIO,
        *,
        kind: Kind | None = None,
        column: str = "",
        encoding: str = "",
        keep_columns: bool = False,
        limit: int | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._origin = origin
        self._kind = kind
        self._column = column
        self._encoding = encoding
        self._keep_columns = keep_columns
        self._limit = limit
        self._seen = seen
        self._counts = Counts()
        self._whole: tuple[Digest, int] | None = None  # what the last whole reading found
        self.columns: tuple[str, ...] = ()
        """The names of the columns that the last reading found mailboxes by, the preferred one first."""

    def __repr__(self) -> str:
        return f"<FileSource {self.name} {self._counts}>"

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self._origin) if isinstance(self._origin, Path) else "standard input"

    @property
    def replayable(self) -> bool:
        """A stream can be read once, and may keep its reader waiting."""
        return isinstance(self._origin, Path)

    @property
    def counts(self) -> Counts:
        """True for the rows that were yielded, not for what is being read meanwhile."""
        return self._counts

    def digest(self) -> Digest | None:
        """Of all bytes, or of those that were read until a limit ended the reading."""
        return self._whole[0] if self._whole else None

    def size(self) -> int | None:
        return self._whole[1] if self._whole else None

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        self._counts, digest = Counts(), None
        steps = self._steps()
        beside = asyncio.to_thread if self.replayable else in_daemon
        # If this is cancelled, the thread ends its step, and the file closes with the last reference to `steps`.
        while step := await beside(next, steps, None):
            chunk, self._counts, digest = step
            if chunk:
                yield chunk
        if digest is not None:
            self._whole = digest, self._counts.unique

    def _steps(self) -> Iterator[tuple[Sequence[Mailbox | Rejected], Counts, Digest]]:
        try:
            yield from self._read()
        except InputError as error:
            raise InputError(f"{self.name}: {error}", hint=error.hint) from error
        except csv.Error as error:
            raise InputError(f"{self.name}: the first line {error}", hint="Is this a list of mailboxes?") from error
        except OSError as error:
            reason = (error.strerror or "cannot be read").lower()
            raise InputError(f"{self.name}: {reason}", hint=self._hint(error)) from error

    def _hint(self, error: OSError) -> str:
        where = self._origin.absolute() if isinstance(self._origin, Path) else self.name
        return _HINTS.get(type(error), "").format(where=where)

    def _read(self) -> Iterator[tuple[Sequence[Mailbox | Rejected], Counts, Digest]]:
        admission = Admission(self._limit, self._seen)
        with opened(self._origin, self._kind, self._encoding) as content:
            read = READERS[content.kind]
            rows = read(content.blocks(), admission, column=self._column, keep_columns=self._keep_columns)
            found: Sequence[Mailbox | Rejected] = ()
            try:
                for chunk in () if admission.full else rows:
                    found = [*found, *chunk] if found else chunk
                    self.columns = admission.columns
                    if self._limit is None or len(found) > HALF:  # near a limit, chunks are of a row or two
                        yield found, admission.counts, content.measured.digest
                        found = ()
            except Exception:
                yield found, admission.counts, content.measured.digest
                raise
            yield found, admission.counts, content.measured.digest
