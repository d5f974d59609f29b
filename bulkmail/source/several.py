"""Several lists as one: their rows are counted on from file to file, and a mailbox counts once in all of them."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path

from bulkmail.errors import InputError
from bulkmail.model import Counts, Digest, Mailbox, Rejected
from bulkmail.source.file import FileSource
from bulkmail.source.seen import Seen

FEW = 3
"""Files that a message names."""


def expanded(patterns: Sequence[str]) -> list[Path]:
    """The files that paths and patterns such as `lists/*.csv` name, each once; those of a pattern by their names. A
    file that is called like a pattern is that file. Raises InputError for a pattern that nothing fits."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        named = [Path(pattern)]
        if has_magic(pattern) and not named[0].exists():
            fit = glob(pattern, recursive=True)  # noqa: PTH207 - a pattern may be absolute
            named = sorted(path for path in map(Path, fit) if path.is_file())
            if not named:
                raise InputError(f"{pattern}: there is no such file", hint="Look at the pattern and its folder.")
        found |= dict.fromkeys(named)
    return list(found)


class Several:
    """The mailboxes of files, one after the other. Is a `model.Source`. `open_file` makes the source of one, below a
    limit and beside what was seen.

    The row of a mailbox counts on from the last row of the file before; rejected rows say where they stand. Raises
    InputError as `FileSource` does.
    """

    replayable = True

    def __init__(
        self, paths: Sequence[Path], open_file: Callable[[Path, int | None, Seen], FileSource], limit: int | None = None
    ) -> None:
        self._paths = paths
        self._open = open_file
        self._limit = limit
        self._whole: tuple[Digest, int] | None = None  # what the last whole reading found
        self.counts = Counts()
        self.columns: tuple[str, ...] = ()
        """The names of the columns that the last reading found mailboxes by, those of the first file first."""

    def __repr__(self) -> str:
        return f"<Several {self.name} {self.counts}>"

    @property
    def name(self) -> str:
        more = len(self._paths) - FEW
        return ", ".join(map(str, self._paths[:FEW])) + (f" and {more:,} more" if more > 0 else "")

    def digest(self) -> Digest | None:
        """Of the digests of the files, in hexadecimal digits and in their order; the bytes are those of all."""
        return self._whole[0] if self._whole else None

    def size(self) -> int | None:
        return self._whole[1] if self._whole else None

    async def __aiter__(self) -> AsyncIterator[Sequence[Mailbox | Rejected]]:
        done, seen, columns, last = Counts(), Seen(), dict[str, None](), 0
        read: list[Digest] = []
        self.counts = done
        for path in self._paths:
            left = None if self._limit is None else self._limit - done.unique
            source, before = self._open(path, left, seen), last
            async for chunk in source:
                rows = [_moved(row, before, path) for row in chunk]
                self.counts, last = added(done, source.counts), max(last, rows[-1].row)
                yield rows
            done = self.counts = added(done, source.counts)
            columns |= dict.fromkeys(source.columns)
            self.columns = tuple(columns)
            read.append(source.digest() or Digest(0, ""))
        total = sha256("".join(one.sha256 for one in read).encode()).hexdigest()
        self._whole = Digest(sum(one.bytes for one in read), total), done.unique


def _moved(row: Mailbox | Rejected, before: int, path: Path) -> Mailbox | Rejected:
    if isinstance(row, Mailbox):
        return row._replace(row=row.row + before)
    return replace(row, row=row.row + before, why=f"{row.why} (row {row.row:,} of {path.name})")


def added(one: Counts, other: Counts) -> Counts:
    """The rows of two inputs."""
    return Counts(
        one.unique + other.unique, one.duplicates + other.duplicates, one.blank + other.blank,
        one.invalid + other.invalid,
    )  # fmt: skip
