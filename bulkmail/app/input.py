"""Finds the mailboxes of a job: a list in a file, a stream, the tenant's directory, or what an earlier run has kept."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from bulkmail.app.compose import Connection
from bulkmail.config import Input, Job
from bulkmail.errors import InputError, UsageError
from bulkmail.model import Mailbox, Rejected, Source
from bulkmail.rundir.folder import INPUT
from bulkmail.rundir.manifest import PinnedInput
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource
from bulkmail.source.empty import FEW, nothing_in
from bulkmail.source.listing import DirectorySource
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.task.declare import Task


def file_source(given: Input, *, keep_columns: bool = False) -> FileSource | None:
    """The job's list of mailboxes; None where the directory is to be asked. Raises UsageError for neither."""
    if not given.origins:
        raise UsageError(
            "the job names no mailboxes", hint="Give --input FILE, or set path, users or group in the job's [input]."
        )
    if not given.path:
        return None
    if given.path == "-" and sys.stdin.isatty():
        raise UsageError("standard input is a terminal", hint="Pipe a list of mailboxes in, or name a file.")
    return FileSource(
        _origin(given.path), column=given.column, encoding=given.encoding, keep_columns=keep_columns,
        limit=given.limit or None,
    )  # fmt: skip


def earlier_source(run: RunDir, job: Job, task: Task) -> Source | None:
    """The input of an earlier run; None where the directory has to be asked once more. Raises InputError."""
    if (run.path / INPUT).exists() and run.manifest.input.measured:
        return SpooledSource(run.path / INPUT)
    listed = file_source(job.input, keep_columns=task.wants_columns)
    if listed is not None and not listed.replayable:
        raise InputError(
            "the run ended before its standard input was read to the end, so its mailboxes are not known",
            hint="Start it anew; nothing was done yet.",
        )
    return listed


def directory_source(given: Input, connection: Connection) -> DirectorySource:
    """The users or the group that the job names."""
    return DirectorySource(connection.directory(), users=given.users, group=given.group, limit=given.limit or None)


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
        if len(rejected) < FEW:
            rejected += [row for row in chunk if isinstance(row, Rejected)][:FEW]
    if not source.size() and not empty_is_ok:
        raise nothing_in(source.name, source.counts, rejected)
    return source.size() or 0


async def spooled(source: Source, path: Path, *, empty_is_ok: bool = False) -> Source:
    """A source that can be read only once, copied to where it can be read again. Raises InputError as `survey` does."""
    kept = await spool(source, path)
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
    return cast(BinaryIO, named.open("rb", buffering=0)) if named.is_fifo() else named
