"""Tells of a comparison in lines for people, as CSV and as NDJSON. Reads the differences once, however many."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, TypeAlias

from bulkmail.core.mask import Mask
from bulkmail.model import Row
from bulkmail.report.diff.compare import Comparison, OutcomeDifference, RowDifference, What
from bulkmail.report.text import TITLE, Line, moment
from bulkmail.rundir.maskkey import known
from bulkmail.sink import Csv, json_line
from bulkmail.sink.plain import text
from bulkmail.text import counted, one_line

Difference: TypeAlias = RowDifference | OutcomeDifference

COLUMNS = ("what", "mailbox", "key", "column", "before", "after")
"""Of the CSV: a line for each cell that differs, and one for each mailbox that ended in another way."""

OUTCOME, STATUS = "outcome", "status"
NOT_LISTED = "not listed"

SHOWN = 70
"""Characters of a value in a line for people."""

KINDS = 8
"""Columns, and ways in which mailboxes ended, that are counted in such lines."""


@dataclass(slots=True)
class Counts:
    """What differs, counted: rows by what became of them, changed cells by column, and mailboxes by how they ended
    before and after."""

    rows: Counter[What] = field(default_factory=Counter)
    columns: Counter[str] = field(default_factory=Counter)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def any(self) -> bool:
        return bool(self.rows or self.ends)

    def add(self, one: Difference) -> None:
        if isinstance(one, OutcomeDifference):
            self.ends[one.before, one.after] += 1
            return
        self.rows[one.what] += 1
        if one.what == "changed":
            self.columns.update(cell.column for cell in one.cells)


def differences(comparison: Comparison, counts: Counts) -> Iterator[Difference]:
    """All of them, mailboxes that ended in another way first; `counts` has them when they have been read. Masked, where
    one of the runs was."""
    mask = mask_of(comparison)
    parts: tuple[Iterable[Difference], ...] = (comparison.outcomes(), comparison.rows())
    for one in chain.from_iterable(parts):
        counts.add(one)
        yield one if mask is None else _masked(one, mask)


def mask_of(comparison: Comparison) -> Mask | None:
    """That of the run after, else of the one before, if there is any."""
    before, after = (run.manifest.output.mask for run in comparison.runs)
    return known(after or before)


def as_csv(found: Iterable[Difference]) -> Iterator[bytes]:
    """A heading, and lines. Formulas are escaped as in `records.csv`."""
    sheet = Csv(COLUMNS)
    yield sheet.header
    for one in found:
        yield sheet.encode([dict(zip(COLUMNS, cells, strict=True)) for cells in _sheet_rows(one)])


def as_ndjson(found: Iterable[Difference]) -> Iterator[bytes]:
    """A JSON object for each difference."""
    return (json_line(_object(one)) for one in found)


def tell(comparison: Comparison, counts: Counts, *, first: int) -> list[Line]:
    """The summary, and the first differences; all of them if `first` is 0. Fills `counts`."""
    found = differences(comparison, counts)
    shown = [line for one in (islice(found, first) if first else found) for line in _lines(one)]
    left = sum(1 for _ in found)
    more = [Line("", f"… and {left:,} more: --first 0 shows all of them, --format csv writes them")] if left else []
    gap = [Line("", "")] if shown else []
    return [*_heading(comparison), Line("", ""), *_summary(comparison, counts), *gap, *shown, *more]


def notes(comparison: Comparison) -> Iterator[str]:
    """What to know of two runs before their differences are believed."""
    before, after = (run.manifest for run in comparison.runs)
    if before.app.tenant_id != after.app.tenant_id:
        yield f"the tenants differ: {before.app.tenant_id} and {after.app.tenant_id}"
    if before.input.sha256 != after.input.sha256:
        yield "the lists differ"
    changed = sorted(
        one for one in {*before.options, *after.options} if before.options.get(one) != after.options.get(one)
    )
    if changed:
        yield f"the task had other options: {', '.join(changed)}"
    if before.code != after.code:
        yield f"the task is another version: {before.code}, then {after.code}"
    if bool(before.output.mask) != bool(after.output.mask):
        yield "only one of the runs is masked: cells with an address differ"
    for name, manifest in (("before", before), ("after", after)):
        if manifest.state != "finished":
            yield f"the run {name} is not complete: {manifest.state}"
    if comparison.keys is None:
        yield "the task does not say which columns tell its rows apart: a row that changed counts as removed and added"


def verdict(counts: Counts) -> str:
    """In a sentence, what differs."""
    if not counts.any:
        return "no difference"
    told = [f"{counted(number, 'row')} {what}" for what, number in sorted(counts.rows.items())]
    ended = sum(counts.ends.values())
    return "; ".join([", ".join(told) or "no row differs", *_ended(ended)])


def ends_in_words(counts: Counts) -> list[str]:
    """How many mailboxes went from one status to another, the most first."""
    return [
        f"{number:,} {before or NOT_LISTED} → {after or NOT_LISTED}"
        for (before, after), number in counts.ends.most_common()
    ]


def key_in_words(key: Mapping[str, Any]) -> str:
    return ", ".join(one_line(text(value)) for value in key.values())


def _masked(one: Difference, mask: Mask) -> Difference:
    if isinstance(one, OutcomeDifference):
        return one._replace(mailbox=mask(one.mailbox))
    cells = [cell._replace(before=mask.value(cell.before), after=mask.value(cell.after)) for cell in one.cells]
    return one._replace(mailbox=mask(one.mailbox), key=mask.value(one.key), cells=cells)


def _ended(number: int) -> list[str]:
    return [f"{counted(number, 'mailbox', 'mailboxes')} ended in another way"] if number else []


def _heading(comparison: Comparison) -> Iterator[Line]:
    one = comparison.runs[1].manifest
    yield Line(TITLE, f"{'undo of ' * one.undo}{one_line(one.task)}  {one_line(one.app.tenant_id)}")
    pairs = zip(("before", "after"), comparison.runs, comparison.row_counts, comparison.mailbox_counts, strict=True)
    for label, run, rows, mailboxes in pairs:
        began = moment(run.manifest.started)
        yield Line(label, f"{began}  {counted(rows, 'row')}, {counted(mailboxes, 'mailbox', 'mailboxes')}")
        yield Line("", str(run.path), whole=True)
    for note in notes(comparison):
        yield Line("note", one_line(note))


def _summary(comparison: Comparison, counts: Counts) -> Iterator[Line]:
    yield Line("verdict", verdict(counts))
    if counts.columns:
        yield Line("columns", _most(f"{one_line(name)} {number:,}" for name, number in counts.columns.most_common()))
    if counts.ends:
        yield Line("outcomes", _most(ends_in_words(counts)))
    if comparison.unseen:
        told = f"{counted(comparison.unseen, 'row')} not compared: one of the runs could not look at the mailbox"
        yield Line("unseen", told)


def _most(told: Iterable[str]) -> str:
    words = list(told)
    more = [f"{len(words) - KINDS:,} more"] if len(words) > KINDS else []
    return ", ".join([*words[:KINDS], *more])


def _lines(one: Difference) -> Iterator[Line]:
    if isinstance(one, OutcomeDifference):
        ends = end_in_words(one.before, one.before_code), end_in_words(one.after, one.after_code)
        yield Line(OUTCOME, f"{one_line(one.mailbox)}  {' → '.join(ends)}")
        return
    yield Line(one.what, "  ".join(filter(None, (one_line(one.mailbox), key_in_words(one.key)))))
    for name, before, after in one.cells:
        told = {"added": _short(after), "removed": _short(before)}.get(one.what, f"{_short(before)} → {_short(after)}")
        yield Line("", f"  {one_line(name)}: {told}")


def end_in_words(status: str, code: str) -> str:
    """`denied (ErrorAccessDenied)`; `not listed` for a mailbox that the run did not have."""
    return f"{status or NOT_LISTED}{f' ({one_line(code)})' if code else ''}"


def _short(value: Any) -> str:
    shown = one_line(text(value))
    return (shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…") or "nothing"


def _sheet_rows(one: Difference) -> Iterator[Sequence[Any]]:
    if isinstance(one, OutcomeDifference):
        yield (
            OUTCOME,
            one.mailbox,
            "",
            STATUS,
            end_in_words(one.before, one.before_code),
            end_in_words(one.after, one.after_code),
        )
        return
    key = "; ".join(text(value) for value in one.key.values())
    for name, before, after in one.cells or (("", None, None),):
        yield one.what, one.mailbox, key, name, before, after


def _object(one: Difference) -> Row:
    if isinstance(one, OutcomeDifference):
        before, after = {"status": one.before, "code": one.before_code}, {"status": one.after, "code": one.after_code}
        return {"what": OUTCOME, "mailbox": one.mailbox, "before": before, "after": after}
    cells = {name: {"before": before, "after": after} for name, before, after in one.cells}
    return {"what": one.what, "mailbox": one.mailbox, "key": dict(one.key), "columns": cells}
