"""Finds the mailboxes of a job: a list in a file, a stream, the tenant's directory, or what an earlier run has kept."""

import sys
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeGuard, cast

from bulkmail.app.compose import Connection
from bulkmail.config import Input, Job
from bulkmail.errors import InputError, UsageError
from bulkmail.model import Rejected
from bulkmail.rundir.folder import INPUT
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource
from bulkmail.source.empty import FEW, nothing_in
from bulkmail.source.listing import DirectorySource
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.task.declare import Task

Listed: TypeAlias = FileSource | SpooledSource
"""A source that is there before anything is asked of Graph."""


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


def earlier_source(run: RunDir, job: Job, task: Task) -> Listed | None:
    """The input of an earlier run; None where the directory has to be asked once more. Raises InputError."""
    if (run.path / INPUT).exists() and run.manifest.input.measured:
        return SpooledSource(run.path / INPUT)
    listed = file_source(job.input, keep_columns=task.wants_columns)
    if listed is not None and not listed.local:
        raise InputError(
            "the run ended before its standard input was read to the end, so its mailboxes are not known",
            hint="Start it anew; nothing was done yet.",
        )
    return listed


def directory_source(given: Input, connection: Connection) -> DirectorySource:
    """The users or the group that the job names."""
    return DirectorySource(connection.directory(), users=given.users, group=given.group, limit=given.limit or None)


async def survey(source: Listed | None, *, empty_is_ok: bool = False) -> int:
    """How many mailboxes there will be; 0 where that is not known yet. Raises InputError for a file that is not a list,
    or has no mailbox in it.

    A file is read through once before anything is done: half a list is not worked on because the other half is broken.
    It costs some microseconds a row.
    """
    if source is None or is_stream(source):
        return 0
    rejected: list[Rejected] = []
    async for chunk in source:
        if len(rejected) < FEW:
            rejected += [row for row in chunk if isinstance(row, Rejected)][:FEW]
    if not source.counts.unique and not empty_is_ok and isinstance(source, FileSource):
        raise nothing_in(source.name, source.counts, rejected)
    return source.counts.unique


async def spooled(source: FileSource | DirectorySource, path: Path, *, empty_is_ok: bool = False) -> SpooledSource:
    """A source that can be read only once, copied to where it can be read again. Raises InputError as `survey` does."""
    kept = await spool(source, path)
    if kept.counts.unique or empty_is_ok:
        return kept
    counts, rejected = kept.counts, list[Rejected]()
    async for chunk in kept:
        rejected = [row for row in chunk if isinstance(row, Rejected)]
        break
    raise nothing_in(source.name, counts, rejected)


def is_stream(source: Listed) -> TypeGuard[FileSource]:
    """Whether it can be read only once."""
    return isinstance(source, FileSource) and not source.local


def _origin(path: str) -> Path | BinaryIO:
    """A file by its path; what can be read only once, such as standard input or a named pipe, as a stream."""
    if path == "-":
        # Not `sys.stdin`, whose lock a thread that waits for input would hold when the interpreter ends.
        return cast(BinaryIO, open(0, "rb", buffering=0, closefd=False))
    named = Path(path)
    return cast(BinaryIO, named.open("rb", buffering=0)) if named.is_fifo() else named
