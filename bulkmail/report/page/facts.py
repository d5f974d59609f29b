"""All that the page of a run shows, read once from its directory and frozen: in bounded memory, of runs of any size.

What is read is not trusted, and may be of a run that goes on, was killed or is damaged. Blocks, changes nothing.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bulkmail.errors import Damaged, InputError, OutputError
from bulkmail.model import Outcome, Row
from bulkmail.report.page.changes import Changes, Hide, changes_of
from bulkmail.report.page.columns import Column, Columns
from bulkmail.report.page.curves import Curves, curves_of
from bulkmail.report.page.tolls import Tolled, Tolls
from bulkmail.report.view import View, view_of
from bulkmail.rundir.folder import REJECTED
from bulkmail.rundir.manifest import Manifest
from bulkmail.rundir.maskkey import known
from bulkmail.rundir.placed import placed_rows
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.samples import read_samples
from bulkmail.sink import unescape
from bulkmail.sink.plain import text
from bulkmail.task.declare import UNDO_COLUMNS, Options, Task
from bulkmail.tasks import our_own

FINDINGS, COLUMNS, WIDEST = 50, 8, 80
"""Rows with findings that are shown, columns of them, and characters of a cell."""

HELD = 20
"""Rows of a mailbox that are held until it is known whether it has findings."""

REJECTS = 20
"""Rows of the input that became no mailbox and are shown."""

MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as texts, below the names of their columns."""

    names: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """`damage` says why not all could be read. `permission` is what the task needs, where it is one of ours; `rejected`
    are rows of the input. There are no `changes` of a run that reads, and no `curves` where samples are too few."""

    view: View
    damage: str
    permission: str
    tolled: Tolled
    columns: tuple[Column, ...]
    findings: Table
    rejected: Table
    changes: Changes | None
    curves: Curves | None


def facts_of(run: RunDir) -> Facts:
    """Raises InputError for what is not a run directory."""
    view = view_of(run)
    manifest = view.manifest
    task = our_own(manifest.task)
    options, mask = _options(run, task), known(manifest.output.mask)
    hide: Hide = str if mask is None else mask.text
    declared = {} if task is None or options is None else task.columns(options)
    meanings = UNDO_COLUMNS if manifest.undo else declared
    read = _Reading(Columns(meanings, [MAILBOX]), None if manifest.undo else task)
    permission = "" if task is None or options is None else task.needs(options).text
    changes, curves, damage = None, None, view.damage
    try:
        read.all(run)
        changes = None if manifest.mode == "read" else changes_of(run.changes(), hide)
        curves = curves_of(read_samples(run.path))
    except (Damaged, OutputError) as error:
        damage = damage or str(error)
    return Facts(
        view, damage, permission, read.tolls.tolled(), tuple(read.columns.columns()), _table(read.findings, hide),
        _rejected(run.path / REJECTED, manifest), changes, curves,
    )  # fmt: skip


@dataclass(slots=True)
class _Reading:
    """One pass over rows and outcomes."""

    columns: Columns
    task: Task | None
    tolls: Tolls = field(default_factory=Tolls)
    findings: list[Row] = field(default_factory=list)

    def all(self, run: RunDir) -> None:
        """Raises Damaged and OutputError; what was read until then stays."""
        held: deque[Row] = deque(maxlen=HELD)
        with placed_rows(run) as file:
            for piece in run.outcomes() if file is None else file.pieces():
                if not isinstance(piece, Outcome):
                    self.columns.add(piece.row)
                    held.append(piece.row)
                    continue
                self.tolls.add(piece)
                if piece.findings and len(self.findings) < FINDINGS:
                    self.findings += ({**row, MAILBOX: piece.mailbox.address} for row in held if self._is_finding(row))
                held.clear()

    def _is_finding(self, row: Row) -> bool:
        """True where that is not known: the mailbox has one at least."""
        with suppress(LookupError, TypeError, ValueError, AttributeError):
            return self.task is None or self.task.finding is None or self.task.finding(row)
        return True


def _options(run: RunDir, task: Task | None) -> Options | None:
    """Those of the run, where its task is one of ours and takes them still: a task in a file that a run directory names
    is not executed."""
    with suppress(InputError):
        return None if task is None else run.options(task)
    return None


def _table(rows: Sequence[Row], hide: Hide) -> Table:
    """The mailbox, and of the other columns those that tell one finding from another, as many as there is room for: not
    what is the same in all, nor numbers and yes or no, nor what is long in most of them."""
    rows = rows[:FINDINGS]
    names = dict.fromkeys(name for row in rows for name in row if name != MAILBOX)
    cells = {name: [hide(text(row.get(name))) for row in rows] for name in names}
    telling = [name for name, column in cells.items() if _tells(column)]
    chosen = [MAILBOX, *(telling or [name for name, column in cells.items() if any(column)])][:COLUMNS]
    cells[MAILBOX] = [hide(text(row.get(MAILBOX))) for row in rows]
    return Table(tuple(chosen), tuple(zip(*(map(_cut, cells[name]) for name in chosen), strict=True)))


def _tells(column: Sequence[str]) -> bool:
    filled = list(filter(None, column))
    same = len(set(column)) == 1 and len(column) > 1
    plain = all(cell in ("true", "false") or cell.isdecimal() for cell in filled)
    return bool(filled) and not same and not plain and 2 * sum(len(cell) > WIDEST for cell in filled) < len(filled)


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…"


def _rejected(path: Path, manifest: Manifest) -> Table:
    """The first rows of the input that became no mailbox."""
    with suppress(OSError, csv.Error), path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        names, *rows = islice(_cells(csv.reader(file, delimiter=manifest.output.delimiter)), REJECTS + 1)
        return Table(names, tuple(row for row in rows if len(row) == len(names)))
    return Table()


def _cells(rows: Iterator[list[str]]) -> Iterator[tuple[str, ...]]:
    return (tuple(map(unescape, row)) for row in rows)
