"""The order of sizes, out of the file that mailboxes lie in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import ConfigError
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source.cells import TWICE
from bulkmail.source.chunks import CHUNK
from bulkmail.source.largest import Largest, number, require_sizes
from bulkmail.source.spool import SpooledSource, spool
from bulkmail.testing import collect, run
from tests.run.stage import ListSource

CELLS = {2: "5", 3: "1,000", 4: "", 5: "7.5", 6: "many", 7: "nan", 8: TWICE, 9: "5", 10: "-1", 11: "inf"}


def sized(row: int, cell: str) -> Mailbox:
    return Mailbox(f"m{row}@contoso.example", row, columns={"Storage used": cell})


def read(rows: list[Mailbox | Rejected], folder: Path) -> list[Mailbox | Rejected]:
    run(spool(ListSource([rows[:3], rows[3:]]), folder / "kept"))
    kept = SpooledSource(folder / "kept")
    source = Largest(kept, kept, "storage_used")
    found = [row for chunk in run(collect(aiter(source))) for row in chunk]
    assert (source.size(), source.digest(), source.name) == (kept.size(), kept.digest(), kept.name)
    assert source.counts == kept.counts
    return found


def test_the_largest_come_first_and_those_without_a_number_last_in_their_order(tmp_path: Path) -> None:
    rows: list[Mailbox | Rejected] = [sized(row, cell) for row, cell in CELLS.items()]
    found = read([*rows, Rejected(12, "blank", "")], tmp_path)
    assert [row.row for row in found] == [12, 3, 5, 2, 9, 10, 4, 6, 7, 8, 11]
    assert sorted(found[1:], key=lambda row: row.row) == rows


def test_of_a_long_list_every_mailbox_comes_once(tmp_path: Path) -> None:
    rows: list[Mailbox | Rejected] = [sized(row, str(row % 7)) for row in range(2, CHUNK + 100)]
    found = read(rows, tmp_path)
    assert [row.row % 7 for row in found] == sorted((row.row % 7 for row in rows), reverse=True)
    assert {row.row for row in found} == {row.row for row in rows}


def test_a_list_without_the_column_is_refused() -> None:
    require_sizes("storage_used", ["Name", "Storage Used"], "list.csv")
    with pytest.raises(ConfigError, match="Storage") as refused:
        require_sizes("Storige", ["Storage"], "list.csv")
    assert "Did you mean" in refused.value.hint
    with pytest.raises(ConfigError, match="no columns"):
        require_sizes("size", [], "list.csv")


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u202f", "\u2009"])
def test_any_blank_may_stand_between_thousands(blank: str) -> None:
    """Spreadsheets put one there that does not break, where the language of the computer wants it."""
    assert number(f"1{blank}234{blank}567.5") == 1_234_567.5


@given(st.text())
def test_no_cell_is_an_error(cell: str) -> None:
    assert number(cell) < float("inf")


def test_counts_are_those_of_the_source(tmp_path: Path) -> None:
    run(spool(ListSource([[]]), tmp_path / "kept"))
    kept = SpooledSource(tmp_path / "kept")
    source = Largest(kept, kept, "size")
    assert run(collect(aiter(source))) == []
    assert source.counts == Counts()
