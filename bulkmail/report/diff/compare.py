"""Finds in what two runs of one task differ: rows by mailbox and key columns, cell by cell, and how mailboxes ended.

Both are read once, and rows that differ once more. A row is compared where both runs could look: where its mailbox is
ok in both, or ok in one and absent or not listed in the other. All else is told as a mailbox that ended in another way.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import starmap
from typing import Any, Literal, NamedTuple, TypeAlias

from bulkmail.errors import InputError
from bulkmail.model import Outcome, Row
from bulkmail.report.diff.database import Database, empty
from bulkmail.report.diff.form import Cell, Form
from bulkmail.rundir.placed import PlacedRows, placed_rows
from bulkmail.rundir.reader import RunDir
from bulkmail.text import nearest

What: TypeAlias = Literal["added", "removed", "changed"]


class RowDifference(NamedTuple):
    """A row that is in one run alone, or in both with other cells. `key` has the key columns and their values, `cells`
    those that differ: of a row that was added or removed, all that hold anything."""

    what: What
    mailbox: str
    key: Mapping[str, Any]
    cells: Sequence[Cell]


class OutcomeDifference(NamedTuple):
    """A mailbox that ended in another way: statuses, and the codes of problems. A status is empty where a run had no
    such mailbox."""

    mailbox: str
    before: str
    before_code: str
    after: str
    after_code: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, compared; in pairs, the one before comes first. `keys` are the columns that rows were told apart by, or
    None. Rows that are `unseen` differ, but not both runs could look at their mailbox. What it gives is read while the
    block of `compared` lasts."""

    runs: tuple[RunDir, RunDir]
    row_counts: tuple[int, int]
    mailbox_counts: tuple[int, int]
    unseen: int
    _form: Form = field(repr=False)
    _database: Database = field(repr=False)
    _files: tuple[PlacedRows | None, PlacedRows | None] = field(repr=False)

    @property
    def keys(self) -> tuple[str, ...] | None:
        return self._form.keys

    def outcomes(self) -> Iterator[OutcomeDifference]:
        """By how mailboxes ended before and after, then by address."""
        return starmap(OutcomeDifference, self._database.outcomes())

    def rows(self) -> Iterator[RowDifference]:
        """By mailbox, then as they stand in the run after. Raises Damaged and OutputError."""
        for mailbox, address, *places in self._database.rows():
            before, after = (
                None if place is None or file is None else file.at(place)
                for file, place in zip(self._files, places, strict=True)
            )
            yield self._difference(mailbox, address, before, after)

    def _difference(self, mailbox: str, address: str, before: Row | None, after: Row | None) -> RowDifference:
        form = self._form
        if before is None:
            row = after or {}
            return RowDifference("added", address, form.key(row), [Cell(at, None, row[at]) for at in form.filled(row)])
        if after is None:
            cells = [Cell(at, before[at], None) for at in form.filled(before)]
            return RowDifference("removed", address, form.key(before), cells)
        return RowDifference("changed", address, form.key(after), form.differing(before, after, mailbox))


@contextmanager
def compared(
    before: RunDir, after: RunDir, *, keys: Sequence[str] = (), ignore: Sequence[str] = ()
) -> Iterator[Comparison]:
    """Compares two runs. `keys` are columns to tell rows apart by, in place of those of the task; columns to `ignore`
    are not compared.

    Raises InputError for runs of different tasks, for a column that no row has and for what is not a run, Damaged and
    OutputError. Blocks.
    """
    require_comparable(before, after)
    with ExitStack() as opened:
        database = opened.enter_context(empty())
        files = opened.enter_context(placed_rows(before)), opened.enter_context(placed_rows(after))
        typed = {"ndjson" in run.manifest.output.format for run in (before, after)}
        form = Form(tuple(keys) or key_columns(after), frozenset(ignore), as_texts=len(typed) > 1)
        columns = set[str]()
        load = partial(_load, database, form, columns)
        rows = load(0, before, files[0]), load(1, after, files[1])
        _require_columns((*keys, *ignore), columns)
        database.compare(keyed=form.keys is not None)
        yield Comparison((before, after), rows, database.mailboxes(), database.unseen(), form, database, files)


def key_columns(run: RunDir) -> tuple[str, ...] | None:
    """The columns that tell the rows of one mailbox apart: those that the run noted, else those of the task as it is
    today, if it is one of ours. A file of tasks that a run directory names is not ours to execute."""
    manifest = run.manifest
    if manifest.key_columns is not None or manifest.undo:
        return manifest.key_columns
    from bulkmail.tasks import our_own  # noqa: PLC0415 - brings all that tasks need, for old directories alone

    task = our_own(manifest.task)
    return None if task is None else task.key_columns


def require_comparable(before: RunDir, after: RunDir) -> None:
    """Raises InputError."""
    names = ["undo of " * run.manifest.undo + run.manifest.task for run in (before, after)]
    if names[0] != names[1]:
        raise InputError(
            f"rows of {names[0]} and of {names[1]} cannot be compared", hint="Name two runs of one and the same task."
        )


def _require_columns(named: Sequence[str], columns: set[str]) -> None:
    """Raises InputError for one that no row has; where there are no rows at all, nothing can be told."""
    for name in named:
        if columns and name not in columns:
            raise InputError(f"no row has a column {name!r}{nearest(name, sorted(columns))}")


def _load(database: Database, form: Form, columns: set[str], side: int, run: RunDir, file: PlacedRows | None) -> int:
    """Reads a run into the database, and the names of its columns into `columns`. Returns the number of its rows."""
    rows = 0
    for piece in run.outcomes() if file is None else file.pieces():
        mailbox = piece.mailbox
        if isinstance(piece, Outcome):
            code = "" if piece.problem is None else piece.problem.code
            database.add_outcome(side, mailbox.key, mailbox.address, piece.status, code)
        else:
            database.add_row(side, mailbox.key, *form.key_and_digest(piece.row, mailbox), piece.place)
            columns.update(piece.row)
            rows += 1
    return rows
