"""`failed.csv` holds the mailboxes that did not end well, and can be run as it is."""

import asyncio
import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Outcome, Problem, Status
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.failed import BLOCK, write_failed
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource
from bulkmail.source.failures import COLUMNS

GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def outcomes(folder: Path, *found: Outcome, torn: bytes = b"") -> RunDir:
    path = folder / "outcomes.ndjson"
    path.write_bytes(sealed([encode_outcome(outcome, {}) for outcome in found], 0) + torn)
    return RunDir(folder)


def failed(address: str, row: int, status: Status = Status.FAILED, id_: str = "") -> Outcome:
    return Outcome(Mailbox(address, row, id_), status, problem=Problem("Code", "=text\x1b", 500, "r-1"))


def read_back(path: Path) -> list[tuple[str, str]]:
    async def main() -> list[tuple[str, str]]:
        rows = [row async for chunk in FileSource(path) for row in chunk]
        return [(row.address, row.id) for row in rows if isinstance(row, Mailbox)]

    return asyncio.run(main())


def test_who_is_in_it(tmp_path: Path) -> None:
    source = outcomes(tmp_path, *(failed(f"{status}@example.com", n, status) for n, status in enumerate(Status)))
    assert write_failed(source) == 4
    with (tmp_path / "failed.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["denied", "failed", "unknown", "not_run"]
    assert list(rows[0]) == list(COLUMNS)
    assert rows[0]["message"] == "'=text\ufffd"
    assert rows[0]["request_id"] == "r-1"


def test_it_is_valid_input(tmp_path: Path) -> None:
    """With the directory's id, where there is one, and with addresses that look like formulas."""
    people = [("-ada@example.com", ""), ("+1@example.com", ""), ("=x@example.com", ""), ("bob@example.com", GUID)]
    source = outcomes(tmp_path, *(failed(address, n, id_=id_) for n, (address, id_) in enumerate(people)))
    write_failed(source)
    assert read_back(tmp_path / "failed.csv") == people


def columns_back(path: Path, column: str = "") -> list[Mapping[str, str]]:
    async def main() -> list[Mapping[str, str]]:
        source = FileSource(path, keep_columns=True, column=column)
        return [dict(row.columns.items()) async for chunk in source for row in chunk if isinstance(row, Mailbox)]

    return asyncio.run(main())


def with_columns(*several: Mapping[str, str], status: Status = Status.FAILED) -> list[Outcome]:
    return [
        Outcome(Mailbox(f"user{row}@example.com", row, "", columns), status, problem=Problem("Code", "text"))
        for row, columns in enumerate(several, 2)
    ]


def test_the_cells_of_the_row_are_in_it_as_the_list_had_them(tmp_path: Path) -> None:
    """Also one that looks like a formula, one over several lines, and a row that has no such cell."""
    people = [
        {"Name": "  indented ", "Signature": " "},
        {"Name": "=1+1", "Signature": "Ada\nLovelace, Countess; 'x'", "=cmd": "1"},
        {"Name": "'=quoted", "Signature": "", "=cmd": "+49 30"},
        {"Name": "Grace"},
    ]
    write_failed(outcomes(tmp_path, *with_columns(*people)))
    assert columns_back(tmp_path / "failed.csv") == people
    with (tmp_path / "failed.csv").open(newline="", encoding="utf-8") as file:
        heading, _, second, *_ = csv.reader(file)
    assert heading == [*COLUMNS, "Name", "Signature", "'=cmd"]
    assert second[len(COLUMNS)] == "'=1+1", "a spreadsheet does not run it"


def test_columns_of_the_list_that_are_called_as_those_of_a_run_stay_apart(tmp_path: Path) -> None:
    """Such as the state of an employee, or the number of one: neither is taken for the run's own."""
    people = [{"status": "ok", "id": GUID, "Mailbox": "other@example.com", "code": "7", "row": "1", "Name": "Ada"}]
    write_failed(outcomes(tmp_path, *with_columns(*people)))
    assert columns_back(tmp_path / "failed.csv") == people
    assert read_back(tmp_path / "failed.csv") == [("user2@example.com", "")]
    assert columns_back(tmp_path / "failed.csv", column="Work mail") == people, "a job may name its own list's column"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_it_is_input_again_and_again_and_also_after_a_spreadsheet(tmp_path: Path, delimiter: str) -> None:
    people = [{"Name": "@Ada"}, {"Name": "Alan"}]
    write_failed(outcomes(tmp_path, *with_columns(*people)), bom=True, delimiter=delimiter)
    again = [{**cells} for cells in columns_back(tmp_path / "failed.csv")]
    write_failed(outcomes(tmp_path, *with_columns(*again)))
    assert columns_back(tmp_path / "failed.csv") == people
    with (tmp_path / "failed.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))
    with (tmp_path / "saved.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";").writerows(row[:-1] if row[-1] == "Alan" else row for row in table)
    assert columns_back(tmp_path / "saved.csv") == [{"Name": "@Ada"}, {}]


def test_a_cell_that_could_not_be_read_and_one_that_was_not_there_are_never_handed_out(tmp_path: Path) -> None:
    people = [{"Name": "J\ufffdrg", "Other": "x\x07"}, {"Name": "Ada", "More": "1"}]
    write_failed(outcomes(tmp_path, *with_columns(*people)))
    path = tmp_path / "failed.csv"
    first, second = columns_of(path)
    for name in ("Name", "Other"):
        with pytest.raises(InputError, match="could not be read"):
            first[name]
    assert "Other" not in second
    path.write_text(path.read_text().replace("request_id,", "request,"))  # no longer told by its heading
    _, second = columns_of(path)
    with pytest.raises(InputError):
        second["Other"]


def columns_of(path: Path) -> list[Mapping[str, str]]:
    async def main() -> list[Mapping[str, str]]:
        chunks = [chunk async for chunk in FileSource(path, keep_columns=True)]
        return [row.columns for chunk in chunks for row in chunk if isinstance(row, Mailbox)]

    return asyncio.run(main())


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=9).map(str.strip)
cells = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("=+-@'\",;\n\t"), max_size=9
)
tables = st.lists(names.filter(bool), min_size=1, max_size=4, unique_by=str.casefold).flatmap(
    lambda heading: st.lists(st.dictionaries(st.sampled_from(heading), cells), min_size=1, max_size=4)
)


@given(tables.filter(lambda rows: not any("\ufffd" in text for row in rows for text in (*row, *row.values()))))
def test_whatever_a_list_holds_comes_back(rows: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_failed(outcomes(Path(folder), *with_columns(*rows)))
        assert columns_back(Path(folder) / "failed.csv") == rows


def test_only_of_mailboxes_that_did_not_end_well_are_cells_kept(tmp_path: Path) -> None:
    run = outcomes(tmp_path, *with_columns({"Name": "Ada"}, status=Status.OK))
    assert b"Ada" not in (tmp_path / "outcomes.ndjson").read_bytes()
    assert write_failed(run) == 0


def test_of_an_undo_no_cells_are_told(tmp_path: Path) -> None:
    write_failed(outcomes(tmp_path, *with_columns({"changes": "[]"})), own_columns=False)
    assert (tmp_path / "failed.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_nobody_failed(tmp_path: Path) -> None:
    source = outcomes(tmp_path, failed("a@example.com", 1, Status.OK))
    assert write_failed(source) == 0
    assert write_failed(RunDir(tmp_path / "not there")) == 0
    assert not (tmp_path / "failed.csv").exists()


def test_a_line_that_a_full_disk_cut_off_is_no_outcome(tmp_path: Path) -> None:
    source = outcomes(tmp_path, failed("a@example.com", 1), torn=b'{"row":2,"mailb')
    assert write_failed(source) == 1


def test_more_than_a_block(tmp_path: Path) -> None:
    source = outcomes(tmp_path, *(failed(f"{n}@example.com", n) for n in range(2 * BLOCK + 1)))
    assert write_failed(source) == 2 * BLOCK + 1
    assert len(read_back(tmp_path / "failed.csv")) == 2 * BLOCK + 1


def test_as_the_other_tables_are_written_and_still_valid_input(tmp_path: Path) -> None:
    write_failed(outcomes(tmp_path, failed("ada@example.com", 2, id_=GUID)), bom=True, delimiter=";")
    text = (tmp_path / "failed.csv").read_bytes().decode()
    assert text.startswith("\ufeffmailbox;id;row;")
    assert read_back(tmp_path / "failed.csv") == [("ada@example.com", GUID)]
