"""What there is to tell of a run, read once from its directory and frozen: of one that ended, that goes on, that was
killed or whose files are damaged. Blocks, changes nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

from bulkmail.errors import Damaged, InputError, OutputError
from bulkmail.model import Outcome, Status
from bulkmail.report.reasons import Reason, Reasons
from bulkmail.report.written import Written, written
from bulkmail.rundir.figures import sums
from bulkmail.rundir.folder import NAMES, OUTCOMES, is_held, part_sheets
from bulkmail.rundir.manifest import MANIFEST, Manifest
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.totals import Totals
from bulkmail.source.rows import Rows

Standing: TypeAlias = Literal["running", "killed", "damaged", "ended"]

RESULT, RESULTS = "result", 12
"""The column in which a task that writes says what it did, and how many different values of it are told."""

NEIGHBOURS = 1000
"""Directories beside a run that are looked at for the run before it."""


@dataclass(frozen=True, slots=True)
class View:
    """A run as it is told. Of a run that has not ended, the figures of `manifest` are those of its journal.

    `reasons` are by status, the most frequent first. `results` counts what a task that writes said it did. `last` is
    the last mailbox that ended, at `last_at`. `damage` says what cannot be read. `previous` is the run of the same job
    before this one. `files` are the names of what lies in `folder`.
    """

    folder: Path
    manifest: Manifest
    standing: Standing
    reasons: Mapping[Status, tuple[Reason, ...]] = field(default_factory=dict)
    written: Written | None = None
    results: Mapping[str, int] = field(default_factory=dict)
    last: Outcome | None = None
    last_at: datetime | None = None
    damage: str = ""
    previous: Manifest | None = None
    previous_folder: str = ""
    files: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Mailboxes a second, on the mean since the run began; 0.0 where that is not known."""
        if self.last_at is None or self.manifest.sums.mailboxes == 0:
            return 0.0
        seconds = (self.last_at - datetime.fromisoformat(self.manifest.started)).total_seconds()
        return self.manifest.sums.mailboxes / seconds if seconds > 0 else 0.0


def view_of(run: RunDir) -> View:
    """Raises InputError for what is not a run directory."""
    manifest = run.manifest
    over = manifest.state != "running"
    held = not over and is_held(run.path)
    found = _Found()
    try:
        _read(run, found, over=over)
    except (Damaged, OutputError) as error:
        found.damage = str(error)
    if not over:
        manifest = _so_far(manifest, found)
    standing: Standing = "damaged" if found.damage else "ended" if over else "running" if held else "killed"
    previous_folder, before = run_before(run.path, manifest)
    return View(
        run.path, manifest, standing, {status: tuple(found.reasons.of(status)) for status in Status}, found.written,
        found.results, None if over else found.last, _touched(run.path), found.damage, before, previous_folder,
        _files(run.path),
    )  # fmt: skip


@dataclass(slots=True)
class _Found:
    """What was read so far. `totals` and `changes` only of a run that has not written them down itself."""

    reasons: Reasons = field(default_factory=Reasons)
    totals: Totals = field(default_factory=Totals)
    changes: dict[str, int] = field(default_factory=dict)
    last: Outcome | None = None
    written: Written | None = None
    results: Mapping[str, int] = field(default_factory=dict)
    damage: str = ""


def _read(run: RunDir, found: _Found, *, over: bool) -> None:
    """Of a run that is over only what did not end as ok: the rest costs ten times as much and tells nothing more.

    Raises Damaged and OutputError.
    """
    done, not_ok, not_run = Rows(), Rows(), Rows()
    for _, (outcome, _) in run.committed(but_ok=over):
        found.reasons.add(outcome)
        if outcome.status is not Status.OK:
            not_ok.add(outcome.mailbox.row)
        if outcome.status is Status.NOT_RUN:
            not_run.add(outcome.mailbox.row)
        if not over:
            found.last = outcome
            found.totals.add(outcome)
            done.add(outcome.mailbox.row)
    if run.manifest.mode != "read":
        is_done = (
            (lambda row: row not in not_run) if over else done.__contains__
        )  # where it is over, all have an outcome
        found.written = written(run.changes(), is_done, not_ok)
        found.results = _results(run)
        if not over:
            found.changes = {str(ending): number for ending, number in run.unfinished(done).counts.items()}


def _so_far(manifest: Manifest, found: _Found) -> Manifest:
    """The figures of a run that wrote none down: those of its journals."""
    totals = found.totals
    statuses = {str(status): number for status, number in totals.statuses.items()}
    return replace(
        manifest, statuses=statuses, sums=sums(totals), problems=dict(totals.problems), changes=found.changes
    )


def _results(run: RunDir) -> dict[str, int]:
    """What the rows say in the column `result`; nothing where they have none, or too many different ones."""
    found: Counter[str] = Counter()
    for row in run.records():
        if RESULT not in row or len(found) > RESULTS:
            return {}
        found[str(row[RESULT])] += 1
    return dict(found.most_common(RESULTS))


def _touched(folder: Path) -> datetime | None:
    """When an outcome was last written."""
    with suppress(OSError):
        return datetime.fromtimestamp((folder / OUTCOMES).stat().st_mtime).astimezone()
    return None


def _files(folder: Path) -> tuple[str, ...]:
    """The files of a run that are for people, in the order of interest."""
    return tuple(name for name in (*NAMES, *part_sheets(folder), MANIFEST) if (folder / name).exists())


def run_before(folder: Path, manifest: Manifest) -> tuple[str, Manifest | None]:
    """The last run of the same job that ended before this one began, and lies beside it."""
    found: list[tuple[str, Manifest]] = []
    for path in islice(_neighbours(folder), NEIGHBOURS):
        with suppress(InputError):
            other = RunDir(path).manifest
            if other.state == "finished" and other.started < manifest.started and _same_job(other, manifest):
                found.append((path.name, other))
    return max(found, key=lambda one: one[1].started, default=("", None))


def _neighbours(folder: Path) -> Iterable[Path]:
    here = folder.resolve()
    return (path.parent for path in here.parent.glob(f"*/{MANIFEST}") if path.parent != here)


def _same_job(one: Manifest, other: Manifest) -> bool:
    return _nature(one) == _nature(other)


def _nature(one: Manifest) -> tuple[object, ...]:
    """What runs have in common if their figures may be compared: the list may have changed, the choice from it not."""
    given = one.input
    return (
        one.task, one.mode, one.undo, one.app, one.job.path, bool(one.parent), given.path, given.limit, given.where,
        given.exclude, given.skip, given.sample, given.seed,
    )  # fmt: skip
