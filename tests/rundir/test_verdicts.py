"""`outcomes.csv` has a row for each mailbox, the absent ones too, as a spreadsheet shows it."""

import csv
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged
from bulkmail.model import Mailbox, Outcome, Problem, Status, Tally
from bulkmail.rundir.entries import Reached, encode_checkpoint, encode_outcome
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.manifest import PinnedOutput
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.verdicts import COLUMNS, _row, write_verdicts
from bulkmail.sink import Csv


def run_of(folder: Path, *found: Outcome) -> RunDir:
    (folder / "outcomes.ndjson").write_bytes(sealed([encode_outcome(one, {}) for one in found], 0))
    return RunDir(folder)


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_every_mailbox_is_in_it_whatever_became_of_it(tmp_path: Path) -> None:
    problem = Problem("Code", "=1+1", 404, "r-1")
    found = [
        Outcome(Mailbox(f"{status}@contoso.com", row, "id"), status, 2, Tally(3, 1, 1.5), 0.25, problem)
        for row, status in enumerate(Status, 2)
    ]
    write_verdicts(run_of(tmp_path, *found), PinnedOutput())
    written = rows(tmp_path / "outcomes.csv")
    assert [row["status"] for row in written] == [str(status) for status in Status]
    assert tuple(written[1]) == COLUMNS
    assert tuple(written[1].values()) == (
        "absent@contoso.com", "id", "3", "absent", "Code", "'=1+1", "2", "3", "1", "1.5", "0.25", "r-1",
    )  # fmt: skip


def test_it_is_written_as_the_other_sheets_are(tmp_path: Path) -> None:
    run = run_of(tmp_path, Outcome(Mailbox("ä@contoso.com", 2), Status.OK, seconds=1.5))
    write_verdicts(run, PinnedOutput(bom=True, delimiter=";", decimal_comma=True))
    assert (tmp_path / "outcomes.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows(tmp_path / "outcomes.csv", ";")[0]["seconds"] == "1,5"


ADDRESSES = st.sampled_from(
    ["ada@contoso.com", "=1@contoso.com", "-a@contoso.com", 'a"@b', "a,b@c", "a;b@c", "é@c", "a{b@c"]
)
SECONDS = st.integers(0, 10**8).map(lambda milli: milli / 1000) | st.integers(0, 9)
NUMBERS = st.integers(0, 10**6)
OUTCOMES = st.builds(
    Outcome,
    st.builds(Mailbox, ADDRESSES, NUMBERS, st.sampled_from(["", "0f8fad5b-d9cb-469f-A165-70867728950e", "id", "-1"])),
    st.sampled_from([Status.OK, Status.OK, Status.FAILED]),
    NUMBERS,
    st.builds(Tally, NUMBERS, NUMBERS, SECONDS, st.sampled_from(["", "a limit"])),
    SECONDS,
    st.none() | st.builds(Problem, st.just("Code"), st.just("why"), NUMBERS),
    st.sampled_from([0, 0, 2]),
)


@given(st.lists(OUTCOMES, min_size=1), st.sampled_from([",", ";", "\t", "|"]), st.booleans())
def test_a_row_made_of_a_line_is_the_row_of_its_outcome(
    tmp_path_factory: pytest.TempPathFactory, found: list[Outcome], delimiter: str, comma: bool
) -> None:
    run, style = run_of(tmp_path_factory.mktemp("run"), *found), PinnedOutput(delimiter=delimiter, decimal_comma=comma)
    write_verdicts(run, style)
    sheet = Csv(COLUMNS, delimiter=delimiter, decimal_comma=comma)
    expected = b"".join([sheet.header, *(sheet.encode([_row(one)]) for one in run.outcomes())])
    assert (run.path / "outcomes.csv").read_bytes() == expected


def test_a_checkpoint_is_not_a_mailbox_that_ended(tmp_path: Path) -> None:
    reached = encode_checkpoint(Reached(Mailbox("ada@contoso.com", 2), 1, {"page": 2}), {})
    (tmp_path / "outcomes.ndjson").write_bytes(sealed([reached], 0))
    write_verdicts(RunDir(tmp_path), PinnedOutput())
    assert rows(tmp_path / "outcomes.csv") == []


def test_a_line_that_was_not_written_here_does_not_take_in_the_next(tmp_path: Path) -> None:
    """Its offsets would seem to end in the line below."""
    ada = encode_outcome(Outcome(Mailbox("ada@contoso.com", 2), Status.OK), {})
    foreign = ada.replace(b'"offsets":{}', b'"offsets":{')
    (tmp_path / "outcomes.ndjson").write_bytes(sealed([foreign, ada, ada], 0))
    with pytest.raises(Damaged):
        write_verdicts(RunDir(tmp_path), PinnedOutput())
    assert not (tmp_path / "outcomes.csv").exists()


def test_one_of_an_earlier_process_goes(tmp_path: Path) -> None:
    (tmp_path / "outcomes.csv").write_text("old")
    write_verdicts(run_of(tmp_path, Outcome(Mailbox("ada@contoso.com", 2), Status.OK)), PinnedOutput())
    assert [row["mailbox"] for row in rows(tmp_path / "outcomes.csv")] == ["ada@contoso.com"]


def test_it_takes_the_memory_of_a_block(tmp_path: Path) -> None:
    run = run_of(tmp_path, *(Outcome(Mailbox(f"m{row}@contoso.com", row), Status.OK) for row in range(20_000)))
    tracemalloc.start()
    try:
        write_verdicts(run, PinnedOutput())
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
    assert len(rows(tmp_path / "outcomes.csv")) == 20_000
