"""`failed.csv` holds the mailboxes that did not end well, and can be run as it is."""

import asyncio
import csv
from pathlib import Path

from bulkmail.model import Mailbox, Outcome, Problem, Status
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.failed import BLOCK, COLUMNS, write_failed
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.reader import RunDir
from bulkmail.source import FileSource

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
