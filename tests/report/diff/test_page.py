"""The page of a comparison is small, whatever it is of."""

from pathlib import Path

from bulkmail.report.diff.compare import compared
from bulkmail.report.diff.page import CELLS, LINES, as_page
from bulkmail.report.diff.tell import Counts
from tests.report.diff.test_compare import RULES, mailbox
from tests.report.writing import write_run


def test_many_wide_rows_of_long_texts(tmp_path: Path) -> None:
    names = [f"column {place} {'<' * 300}" for place in range(2 * CELLS)]
    runs = [
        write_run(
            tmp_path / letter,
            RULES,
            [mailbox(f"m{row}", row, {"rule": "r"} | dict.fromkeys(names, letter * 400)) for row in range(2, 27)],
            columns=["mailbox", "rule", *names],
            formats=("ndjson",),
        )
        for letter in ("<", "&")
    ]
    counts = Counts()
    with compared(runs[0], runs[1]) as comparison:
        page = as_page(comparison, counts)
    assert counts.rows["changed"] == 25
    assert f"The first {LINES // CELLS} of 25 differences".encode() in page
    assert 500_000 < len(page) < 2_000_000
