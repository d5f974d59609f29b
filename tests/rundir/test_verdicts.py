"""`outcomes.csv` has a row for each mailbox, the absent ones too, as a spreadsheet shows it."""

import csv
import tracemalloc
from pathlib import Path

from bulkmail.model import Mailbox, Outcome, Problem, Status, Tally
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.manifest import PinnedOutput
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.verdicts import COLUMNS, write_verdicts


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
