"""A comparison as an HTML page of its own: counts of all differences, and the first of them cell by cell."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bulkmail.report.diff.compare import Comparison, OutcomeDifference
from bulkmail.report.diff.tell import (
    NOT_LISTED,
    OUTCOME,
    STATUS,
    Counts,
    Difference,
    differences,
    end_in_words,
    key_in_words,
    mask_of,
    notes,
    verdict,
)
from bulkmail.report.page.content import GOOD, LOOK, Figure, title
from bulkmail.report.page.draw import page
from bulkmail.report.text import moment
from bulkmail.sink.plain import text

LINES, CELLS = 1000, 50
"""Cells that are shown in all, and of one row at the most: a task in a file of its own may have many columns."""

CUT, NAMED = 150, 60
"""Characters that are shown of a value and of the name of a column: with LINES of them, a page has less than 2 MB
whatever they are."""

KINDS = 20
"""Columns, and ways in which mailboxes ended, that are counted."""

SAME, DIFFERENT = GOOD._replace(words="The same"), LOOK._replace(words="Different")


class Lines(NamedTuple):
    """A difference as it stands on the page: a line a cell."""

    what: str
    mailbox: str
    key: str
    cells: Sequence[tuple[str, str, str]]


def as_page(comparison: Comparison, counts: Counts) -> bytes:
    """Fills `counts`. Raises Damaged and OutputError."""
    found = differences(comparison, counts)
    shown = list(_first(found))
    left = sum(1 for _ in found)
    manifest = comparison.runs[1].manifest
    return page("diff.html", {
        "title": title(manifest),
        "tenant": manifest.app.tenant_id,
        "verdict": verdict(counts),
        "level": DIFFERENT if counts.any else SAME,
        "notes": list(notes(comparison)),
        "figures": list(_figures(comparison, counts)),
        "runs": list(_runs(comparison)),
        "keys": comparison.keys or (),
        "ends": _shares([(one or NOT_LISTED, other or NOT_LISTED, number)
                         for (one, other), number in counts.ends.most_common(KINDS)]),
        "columns": _shares(counts.columns.most_common(KINDS)),
        "lines": shown,
        "shown": len(shown),
        "left": left,
    }, mask_of(comparison))  # fmt: skip


def _first(found: Iterator[Difference]) -> Iterator[Lines]:
    """As many as there is room for; the rest stays in `found`."""
    room = LINES
    while room > 0 and (one := next(found, None)) is not None:
        lines = _lines(one)
        room -= len(lines.cells)
        yield lines


def _figures(comparison: Comparison, counts: Counts) -> Iterator[Figure]:
    for what in ("added", "removed", "changed"):
        yield Figure(f"rows {what}", f"{counts.rows[what]:,}")
    yield Figure("mailboxes", f"{sum(counts.ends.values()):,}", "ended in another way")
    if comparison.unseen:
        yield Figure("rows not compared", f"{comparison.unseen:,}", "a run could not look at the mailbox")


def _runs(comparison: Comparison) -> Iterator[dict[str, Any]]:
    rows, mailboxes = comparison.row_counts, comparison.mailbox_counts
    for place, (name, run) in enumerate(zip(("before", "after"), comparison.runs, strict=True)):
        yield {
            "name": name, "began": moment(run.manifest.started), "mailboxes": mailboxes[place], "rows": rows[place],
            "folder": str(run.path.resolve()),
        }  # fmt: skip


def _shares(counted: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Each with its share of the largest number, which each has at its end."""
    return [(*one, one[-1] / counted[0][-1]) for one in counted]


def _lines(one: Difference) -> Lines:
    if isinstance(one, OutcomeDifference):
        ends = end_in_words(one.before, one.before_code), end_in_words(one.after, one.after_code)
        return Lines(OUTCOME, one.mailbox, "", [(STATUS, *ends)])
    cells = [(_cut(cell.column, NAMED), _cut(cell.before), _cut(cell.after)) for cell in one.cells[:CELLS]]
    return Lines(one.what, one.mailbox, key_in_words(one.key), cells or [("", "", "")])


def _cut(value: Any, most: int = CUT) -> str:
    shown = text(value)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
