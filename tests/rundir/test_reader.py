"""A run directory gives what was written into it, and tells what was not."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import BulkmailError, Damaged, InputError
from bulkmail.model import Change, Effect, Ending, Mailbox, Outcome, Row, Status
from bulkmail.rundir.entries import ChangeEntry, Concluded, Intent, encode_change, encode_outcome
from bulkmail.rundir.folder import CHANGES, OUTCOMES
from bulkmail.rundir.journal import sealed
from bulkmail.rundir.manifest import Manifest, PinnedOutput
from bulkmail.rundir.reader import RunDir
from bulkmail.sink import Csv, Format, Ndjson
from bulkmail.tasks import Task, built_in, check_options
from bulkmail.tasks.contacts.sync import contacts_sync
from tests.rundir.test_manifest import BEGUN

ROWS: list[Row] = [{"mailbox": "ada@example.com", "n": "=1+1"}, {"mailbox": "alan@example.com", "n": "two\nlines, 2"}]


def run_of(folder: Path, *outcomes: Outcome, rows: list[Row] = ROWS, formats: str = "ndjson csv") -> RunDir:
    """A run whose outcomes all came when its rows were written."""
    files: dict[str, Format] = {"ndjson": Ndjson(), "csv": Csv(["mailbox", "n"])}
    lengths = {}
    for suffix in formats.split():
        content = files[suffix].header + files[suffix].encode(rows)
        (folder / f"records.{suffix}").write_bytes(content + b'{"mailbox": "torn')
        lengths[f"records.{suffix}"] = len(content)
    (folder / OUTCOMES).write_bytes(sealed([encode_outcome(one, lengths) for one in outcomes], 0))
    return RunDir(folder)


ADA = Outcome(Mailbox("ada@example.com", 2), Status.OK, 1)
ALAN = Outcome(Mailbox("alan@example.com", 3, "id"), Status.FAILED)
GRACE = Outcome(Mailbox("grace@example.com", 4), Status.NOT_RUN)


def test_outcomes_are_those_that_were_written(tmp_path: Path) -> None:
    run = run_of(tmp_path, ADA, ALAN, GRACE)
    assert list(run.outcomes()) == [ADA, ALAN, GRACE]
    assert [outcome for _, (outcome, _) in run.committed(but_ok=True)] == [ALAN, GRACE]
    assert [row for row in range(9) if row in run.done()] == [2, 3]
    assert [row for row in range(9) if row in run.rows_with(frozenset({Status.NOT_RUN}))] == [4]
    assert str(tmp_path) in repr(run)


def test_a_directory_with_nothing_in_it_has_done_nothing(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert (list(run.outcomes()), list(run.changes()), list(run.records())) == ([], [], [])
    assert run.unfinished().number == 0
    with pytest.raises(InputError, match="is not a run directory"):
        _ = run.manifest


@pytest.mark.parametrize("formats", ["ndjson csv", "ndjson", "csv"])
def test_records_are_those_that_were_committed(tmp_path: Path, formats: str) -> None:
    BEGUN.write(tmp_path)
    assert list(run_of(tmp_path, ADA, ALAN, formats=formats).records()) == ROWS


def test_cells_that_were_not_escaped_are_not_unescaped(tmp_path: Path) -> None:
    replace(BEGUN, output=PinnedOutput(("csv",), raw=True, bom=True)).write(tmp_path)
    table = Csv(["mailbox", "n"], raw=True, bom=True)
    content = table.header + table.encode([{"mailbox": "ada@example.com", "n": "'=1"}])
    (tmp_path / "records.csv").write_bytes(content)
    (tmp_path / OUTCOMES).write_bytes(sealed([encode_outcome(ADA, {"records.csv": len(content)})], 0))
    assert list(RunDir(tmp_path).records()) == [{"mailbox": "ada@example.com", "n": "'=1"}]


def test_changes_are_those_that_were_written_and_can_be_found_again(tmp_path: Path) -> None:
    intent = Intent(1, 2, "ada", Change("k", 1, 2), Effect.KEYED)
    entries: list[ChangeEntry] = [intent, Concluded(1, 2, Ending.DONE, "id")]
    (tmp_path / CHANGES).write_bytes(sealed([encode_change(one) for one in entries], 0))
    run = RunDir(tmp_path)
    assert list(run.changes()) == entries
    (end, _), _ = run.ledger()
    assert run.intents([0]) == [intent]
    for start in (end, 3):
        with pytest.raises(Damaged, match="holds what bulkmail does not write"):
            run.intents([start])


def read_all(run: RunDir) -> Iterator[Callable[[], Any]]:
    yield lambda: list(run.outcomes())
    yield lambda: list(run.changes())
    yield lambda: list(run.records())
    yield run.unfinished
    yield run.done
    yield lambda: run.intents([0])


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 99, b"\xff\xfe{", b"[]\n", b"7\n", b"null", b"{}\n" * 9, b"{" * 9999,
     sealed([b"{}", b'{"a":1}'], 0), sealed([b"[1]", b'"a"'], 0), sealed([b'{"state":"done","row":1e9}'], 0),
     sealed([b'{"state":"intended","change":1,"row":4294967296,"key":"","before":1,"after":1}'], 0),
     sealed([encode_outcome(ADA, {"records.ndjson": 1 << 60})], 0),
     sealed([encode_outcome(ADA, {"records.csv": 30, "../../etc/passwd": 9})], 0)],
)  # fmt: skip
def test_whatever_lies_there_is_told_and_crashes_nothing(tmp_path: Path, content: bytes) -> None:
    BEGUN.write(tmp_path)
    for name in (OUTCOMES, CHANGES, "records.ndjson", "records.csv", ".alive"):
        (tmp_path / name).write_bytes(content)
    for reading in read_all(RunDir(tmp_path)):
        with suppress(BulkmailError):
            reading()


def test_a_row_that_is_not_an_object_is_damage(tmp_path: Path) -> None:
    run = run_of(tmp_path, ADA, formats="ndjson")
    length = (tmp_path / "records.ndjson").stat().st_size
    (tmp_path / "records.ndjson").write_bytes(b"[1]\n" * length)
    with pytest.raises(Damaged, match="holds what bulkmail does not write"):
        list(run.records())
    (tmp_path / "records.ndjson").write_bytes(b"")
    with pytest.raises(Damaged, match="is shorter than its outcomes say"):
        list(run.records())


def test_options_are_those_that_the_run_had(tmp_path: Path) -> None:
    """Also those that name a file: it is not read again, and has to be what it was."""
    table = tmp_path / "book.csv"
    table.write_text("id,given_name\n1017,Ada\n")
    given = check_options(contacts_sync, {"contacts": "book.csv", "folder": "Staff"}, tmp_path)
    written = replace(BEGUN, task=contacts_sync.name, options=given.model_dump(mode="json"))
    written.write(tmp_path)
    table.write_text("id,given_name\n1018,Grace\n")
    options = RunDir(tmp_path).options(contacts_sync)
    assert options.model_dump(mode="json") == given.model_dump(mode="json")
    with pytest.raises(InputError, match="has changed since the run began"):
        _ = options.contacts.rows  # type: ignore[attr-defined]


@pytest.mark.parametrize("task", built_in().values(), ids=list(built_in()))
def test_options_that_are_no_longer_those_of_the_task_are_named(tmp_path: Path, task: Task) -> None:
    written: Manifest = replace(BEGUN, options={"strange": 1})
    written.write(tmp_path)
    with pytest.raises(InputError, match="the run's option"):
        RunDir(tmp_path).options(task)
