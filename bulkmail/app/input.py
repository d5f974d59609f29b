"""Finds the mailboxes of a job: a list in a file, a stream, the tenant's directory, or what an earlier run has kept."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from bulkmail.app.compose import Connection
from bulkmail.config import Input, Job
from bulkmail.config.tables import several
from bulkmail.core.where import Where
from bulkmail.errors import InputError, UsageError
from bulkmail.model import Mailbox, Rejected, Source
from bulkmail.rundir.folder import INPUT
from bulkmail.rundir.manifest import PinnedInput
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource, Seen
from bulkmail.source.empty import FEW, nothing_in
from bulkmail.source.listing import DirectorySource
from bulkmail.source.once import Once
from bulkmail.source.seen import Forgotten
from bulkmail.source.selected import Selected, Selection
from bulkmail.source.several import Several, expanded
from bulkmail.source.spool import SpooledSource, Veil, spool
from bulkmail.task.declare import Task


def file_source(given: Input, *, keep_columns: bool = False) -> Source | None:
    """The job's list of mailboxes, and of these what it wants; None where the directory is to be asked. What can be
    read only once, or has to be put into another order, is to be spooled as it is, and then `chosen` from.

    Raises UsageError for neither a list nor a directory, and InputError for a pattern that no file fits.
    """
    if not given.origins:
        raise UsageError(
            "the job names no mailboxes", hint="Give --input FILE, or set path, users or group in the job's [input]."
        )
    if not given.paths:
        return None
    if "-" in given.paths and sys.stdin.isatty():
        raise UsageError("standard input is a terminal", hint="Pipe a list of mailboxes in, or name a file.")
    keep_all = keep_columns or bool(given.where or given.exclude or given.size_column)
    listed = _listed(given, given.paths, keep_columns=keep_all, limit=early_limit(given))
    if not listed.replayable:
        return listed
    return Once(listed) if given.order != "listed" else chosen(listed, given, keep_columns=keep_columns)


def early_limit(given: Input) -> int | None:
    """The limit that ends the reading of a list: where something is left out, only what is left counts for it."""
    return None if given.order == "stalest" or selection_of(given) else given.limit or None


def selection_of(given: Input) -> Selection:
    """What the job wants of its list. Raises InputError for a pattern that no file fits."""
    lists = several(given.exclude)
    if "-" in lists:
        raise UsageError("input.exclude is a file", hint="Only input.path can be standard input.")
    return Selection(
        Where(given.where) if given.where else None, given.skip, given.sample, given.seed,
        0 if given.order == "stalest" else given.limit,  # the stalest of all are not known here
        [_listed(given.model_copy(update={"column": ""}), [one], each_row=True) for one in lists],
        given.column if given.paths else "",  # a listing of the directory has none
    )  # fmt: skip


def chosen(listed: Source, given: Input, *, keep_columns: bool) -> Source:
    """What the job wants of a list that can be read again."""
    selection, keep_all = selection_of(given), keep_columns or bool(given.size_column)
    return Selected(listed, selection, keep_columns=keep_all) if selection else listed


def _listed(
    given: Input, patterns: Sequence[str], *,
    keep_columns: bool = False, limit: int | None = None, each_row: bool = False,
) -> FileSource | Several:  # fmt: skip
    """With `each_row` a mailbox comes as often as it is listed: each row may have another of its addresses."""

    def open_file(origin: Path | BinaryIO, limit: int | None = limit, seen: Seen | None = None) -> FileSource:
        return FileSource(
            origin, column=given.column, encoding=given.encoding, keep_columns=keep_columns or each_row, limit=limit,
            seen=Forgotten() if each_row else seen,
        )  # fmt: skip

    if patterns == ("-",):
        return open_file(_origin("-"))
    if "-" in patterns:
        raise UsageError("standard input cannot be one of several lists", hint="Write it to a file first.")
    paths = expanded(patterns)
    return open_file(_origin(str(paths[0]))) if len(paths) == 1 else Several(paths, open_file, limit)


def earlier_source(run: RunDir, job: Job, task: Task) -> Source | None:
    """The input of an earlier run; None where the directory has to be asked once more. Raises InputError."""
    if (run.path / INPUT).exists() and run.manifest.input.measured:
        # One that goes by another run has kept what it is to work on.
        spooled = SpooledSource(run.path / INPUT, run.addresses)
        return spooled if run.manifest.parent else chosen(spooled, job.input, keep_columns=task.wants_columns)
    listed = file_source(job.input, keep_columns=task.wants_columns)
    if listed is not None and not listed.replayable and not isinstance(listed, Once):
        raise InputError(
            "the run ended before its standard input was read to the end, so its mailboxes are not known",
            hint="Start it anew; nothing was done yet.",
        )
    return listed


def directory_source(given: Input, connection: Connection, *, keep_columns: bool = False) -> DirectorySource:
    """The users or the group that the job names; with `keep_columns`, each carries all its names."""
    return DirectorySource(
        connection.directory(), users=given.users, group=given.group, limit=early_limit(given),
        keep_columns=keep_columns or bool(given.where or given.exclude or given.size_column),
    )  # fmt: skip


async def survey(
    source: Source | None,
    *,
    empty_is_ok: bool = False,
    look: Callable[[Sequence[Mailbox | Rejected]], None] | None = None,
) -> int:
    """How many mailboxes there will be; 0 where that is not known yet. Raises InputError for a file that is not a list,
    or has no mailbox in it.

    A file is read through once before anything is done: half a list is not worked on because the other half is broken.
    It costs some microseconds a row. `look` is shown all of them.
    """
    if source is None or not source.replayable:
        return 0
    rejected: list[Rejected] = []
    async for chunk in source:
        if look is not None:
            look(chunk)
        if not source.counts.unique and len(rejected) < FEW:
            rejected += [row for row in chunk if isinstance(row, Rejected)][:FEW]
    if not source.size() and not empty_is_ok:
        raise nothing_in(source.name, source.counts, rejected)
    return source.size() or 0


async def spooled(source: Source, path: Path, veil: Veil | None = None, *, empty_is_ok: bool = False) -> Source:
    """A source that can be read only once, copied to where it can be read again, behind a `veil`. Raises InputError as
    `survey` does."""
    kept = await spool(source, path, veil)
    if kept.size() or empty_is_ok:
        return kept
    counts, rejected = kept.counts, list[Rejected]()
    async for chunk in kept:
        rejected = [row for row in chunk if isinstance(row, Rejected)]
        break
    raise nothing_in(source.name, counts, rejected)


def require_unchanged(source: Source, found: PinnedInput) -> None:
    """Raises InputError if the last reading of `source` was not what was `found` at first."""
    read = source.digest()
    if read is not None and (read.bytes, read.sha256) != (found.bytes, found.sha256):
        raise InputError(
            f"{source.name} was changed while the run read it",
            hint="What was read last was worked on, and run.json says what that was. Look at the list; `bulkmail "
            "resume` goes on with it.",
        )


def _origin(path: str) -> Path | BinaryIO:
    """A file by its path; what can be read only once, such as standard input or a named pipe, as a stream."""
    if path == "-":
        # Not `sys.stdin`, whose lock a thread that waits for input would hold when the interpreter ends.
        return cast(BinaryIO, open(0, "rb", buffering=0, closefd=False))
    named = Path(path)
    try:
        return cast(BinaryIO, named.open("rb", buffering=0)) if named.is_fifo() else named
    except OSError as error:  # a folder that may not be looked into, or a name that is too long
        raise InputError(f"cannot read {path}: {error.strerror}") from None
