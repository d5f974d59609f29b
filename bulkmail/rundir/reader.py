"""Reads a run directory, each file of it as typed nouns. Everything that asks what a run did asks here.

Nothing is changed, and nothing in the directory is trusted: what does not hold, or is not what bulkmail writes, raises
Damaged or InputError. Every method that reads a journal blocks: call it in a thread.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import orjson
from pydantic import ValidationError

from bulkmail.errors import Damaged, InputError
from bulkmail.model import Outcome, Row, Status
from bulkmail.rundir import heartbeat
from bulkmail.rundir.addresses import Addresses, shown_manifest
from bulkmail.rundir.doubts import sent_once
from bulkmail.rundir.entries import ChangeEntry, CheckpointAt, Committed, Intent, decode_change, decode_commit
from bulkmail.rundir.folder import ALIVE, CHANGES, OUTCOMES, RECORDS
from bulkmail.rundir.journal import entry_of, read, read_lines
from bulkmail.rundir.manifest import MANIFEST, Manifest
from bulkmail.rundir.planned import Planned
from bulkmail.rundir.sheets import Sheet, csv_sheet, json_sheet
from bulkmail.rundir.unfinished import Unfinished, unfinished
from bulkmail.sink.appender import os_errors_as_output_error
from bulkmail.source.rows import Rows
from bulkmail.task.declare import Options, Task

T = TypeVar("T")

_FOREIGN = (ValueError, TypeError, KeyError, AttributeError, csv.Error)
"""What decoding raises for a line that was not written here."""

_OK = b'"status":"ok",'
"""Stands in nearly every outcome, and only as its status: within a text the quotes would be escaped."""


class RunDir:
    """The directory of one run. Making one reads nothing yet. `job` is its job file, where that has been moved."""

    def __init__(self, path: Path, job: Path | None = None) -> None:
        self.path = path
        self._job = job

    def __repr__(self) -> str:
        return f"<RunDir {self.path}>"

    @cached_property
    def manifest(self) -> Manifest:
        """`run.json`, as it was when it was first asked for. Raises InputError for a directory that holds no run."""
        manifest = shown_manifest(self._written, self.addresses)
        return manifest if self._job is None else replace(manifest, job=replace(manifest.job, path=str(self._job)))

    @cached_property
    def _written(self) -> Manifest:
        return Manifest.read(self.path)

    @cached_property
    def addresses(self) -> Addresses | None:
        """The addresses that the digests of a masked run stand for; None for another run. Raises as `manifest`."""
        masked = (self.path / MANIFEST).exists() and self._written.output.mask
        return Addresses(self.path, self._id) if masked else None

    def require_addresses(self) -> None:
        """From now on a digest without a known address is Damaged, and never an address by itself."""
        if self.addresses is not None:
            self.addresses.require()

    @cached_property
    def _id(self) -> str | None:
        """The id that the journals have to name; None where no manifest says which."""
        return self._written.id if (self.path / MANIFEST).exists() else None

    def outcomes(self) -> Iterator[Outcome]:
        """Every outcome, in the order in which they were written. Raises Damaged."""
        return (outcome for _, (outcome, _) in self.committed())

    def told(self, shortly: Callable[[Sequence[bytes]], Sequence[T | None]]) -> Iterator[Sequence[T | Outcome]]:
        """Every outcome, block by block: as `shortly` makes something of the lines, or decoded where that gives None.
        Raises Damaged."""
        for ends, lines in read_lines(self.path / OUTCOMES, self._id):
            told: Sequence[T | Outcome | None] = shortly(lines)
            if None in told:
                all_of_it = zip(told, ends, lines, strict=False)
                decoded = (self._outcome(end, line) if one is None else one for one, end, line in all_of_it)
                told = [one for one in decoded if one is not None]
            yield cast(Sequence[T | Outcome], told)

    def _outcome(self, end: int, line: bytes) -> Outcome | None:
        """The outcome in a line of its journal that ends at the offset `end`; None for a checkpoint."""
        path = self.path / OUTCOMES
        with as_damage(path, end):
            commit = decode_commit(self._shown(entry_of(path, end, line)))
        return commit.outcome if isinstance(commit, Committed) else None

    def committed(self, *, but_ok: bool = False) -> Iterator[tuple[int, Committed]]:
        """As `outcomes`, with the offset where the line ends and how long each file of rows was then. Those that are ok
        can be passed over, at a tenth of the cost."""
        decoded = self._decoded(OUTCOMES, decode_commit, without=_OK if but_ok else None)
        return ((end, commit) for end, commit in decoded if isinstance(commit, Committed))

    def commits(self) -> Iterator[tuple[int, Committed | CheckpointAt]]:
        """Outcomes and checkpoints, as they were written, with the offset where each line ends. Raises Damaged."""
        return self._decoded(OUTCOMES, decode_commit)

    def changes(self) -> Iterator[ChangeEntry]:
        """Every entry of the ledger, in order; none for a run that reads. Raises Damaged."""
        return (entry for _, entry in self.ledger())

    def ledger(self) -> Iterator[tuple[int, ChangeEntry]]:
        """As `changes`, with the offset where each line ends."""
        return self._decoded(CHANGES, decode_change)

    def intents(self, starts: Sequence[int]) -> list[Intent]:
        """The intents whose lines begin at the offsets `starts`. Raises Damaged."""
        path, found = self.path / CHANGES, []
        with os_errors_as_output_error(path), path.open("rb") as file:
            for start in starts:
                file.seek(start)
                with as_damage(path, start):
                    entry = decode_change(self._shown(orjson.loads(file.readline())))
                    if not isinstance(entry, Intent):
                        raise TypeError("another entry is there")
                found.append(entry)
        return found

    def done(self) -> Rows:
        """The rows whose mailboxes are done, however they ended. Raises Damaged."""
        return self.rows_with(frozenset(Status) - {Status.NOT_RUN})

    def rows_with(self, statuses: frozenset[Status]) -> Rows:
        """The rows whose mailboxes ended so. Raises Damaged."""
        rows = Rows()
        for outcome in self.outcomes():
            if outcome.status in statuses:
                rows.add(outcome.mailbox.row)
        return rows

    def sent_once(self) -> set[int]:
        """The rows in which something was or may have been sent that must not be sent again. Raises Damaged."""
        return sent_once(self.changes())

    def planned(self) -> Planned:
        """The changes of a plan, of the mailboxes that are ok. Raises Damaged."""
        return Planned(self.changes(), self.rows_with(frozenset({Status.OK})))

    def unfinished(self, done: Rows | None = None) -> Unfinished:
        """What the ledger says of the rows that are not `done`. Raises Damaged."""
        rows = self.done() if done is None else done
        return unfinished(self.ledger(), rows, heartbeat.last(self.path / ALIVE))

    def records(self) -> Iterator[Row]:
        """The rows that were committed, in their order; from CSV, if nothing else was written, all cells are texts.

        Raises Damaged for a file that is shorter than its outcomes say, or does not hold such rows.
        """
        last = deque(self.commits(), maxlen=1)
        lengths = last[0][1].lengths if last else {}
        for name, sheet_of in ((f"{RECORDS}.ndjson", _json), (f"{RECORDS}.csv", self._csv)):
            if name in lengths:
                return _rows(self.path / name, lengths[name], sheet_of)
        return iter(())

    def options(self, task: Task) -> Options:
        """The options as the run had them. A file that they name has to be what it was once its content is asked for.

        Raises InputError if they are not options of `task`.
        """
        try:
            return task.options.model_validate(dict(self.manifest.options))
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(map(str, wrong["loc"]))
            raise InputError(
                f"{self.path}: the run's option {name} is not one of {task.name} as it is now: {wrong['msg']}",
                hint="Use the version of the task that the run had.",
            ) from None

    def _decoded(
        self, name: str, decode: Callable[[Mapping[str, Any]], T], *, without: bytes | None = None
    ) -> Iterator[tuple[int, T]]:
        path = self.path / name
        for end, entry in read(path, without=without, run=self._id):
            try:
                found = decode(self._shown(entry))
            except _FOREIGN as error:
                raise _damaged(path, end) from error
            yield end, found

    def _shown(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        return entry if self.addresses is None else self.addresses.shown(entry)

    def _csv(self, heading: Iterator[bytes]) -> Sheet:
        output = self.manifest.output
        return csv_sheet(heading, delimiter=output.delimiter, raw=output.raw)


def _json(_heading: Iterator[bytes]) -> Sheet:
    return json_sheet


def _rows(path: Path, length: int, sheet_of: Callable[[Iterator[bytes]], Sheet]) -> Iterator[Row]:
    with as_damage(path, 0):
        lines = _lines(path, length)
        for _, row in sheet_of(lines)(lines, place=0):
            yield row


def _lines(path: Path, length: int) -> Iterator[bytes]:
    """The lines of a file up to a length."""
    with os_errors_as_output_error(path), path.open("rb") as file:
        while length > 0:
            line = file.readline()
            if not line:
                raise Damaged(f"{path}: is shorter than its outcomes say", hint="Put the file back from a backup.")
            length -= len(line)
            yield line


@contextmanager
def as_damage(path: Path, at: int) -> Iterator[None]:
    """Tells what cannot be decoded as damage to the file."""
    try:
        yield
    except _FOREIGN as error:
        raise _damaged(path, at) from error


def _damaged(path: Path, at: int) -> Damaged:
    return Damaged(
        f"{path}: holds what bulkmail does not write, at byte {at:,} or before", hint="Put the file back from a backup."
    )
