"""How far a run got, wherever it was killed; and whoever goes on finds the files as its outcomes say."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged, InputError, OutputError
from bulkmail.model import Mailbox, Outcome, Rejected, Status, Tally
from bulkmail.run.outputs import OutputSettings, open_outputs
from bulkmail.run.writer import Finished
from bulkmail.rundir.entries import Reached, encode_outcome
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.heartbeat import Heartbeat
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import Recovered, check_rows, recover
from bulkmail.rundir.unfinished import Unfinished
from bulkmail.sink import Appender
from bulkmail.source.rows import Rows
from bulkmail.testing import run
from tests.run.stage import ListSource, mailboxes
from tests.run.test_writer import write

COLUMNS, SETTINGS = ["n"], OutputSettings()
STATUSES = [Status.OK, Status.FAILED, Status.ABSENT, Status.UNKNOWN]


def outcome(row: int, status: Status = Status.OK) -> Outcome:
    return Outcome(
        Mailbox(f"user{row}@example.com", row), status, row, Tally(2, 1, 0.5, "x, mailbox" if row % 2 else "")
    )


def outcomes(folder: Path, *several: Outcome) -> None:
    """A journal of outcomes, one a group; each speaks of ten bytes of rows more."""
    with Appender(folder / OUTCOMES) as file:
        for number, one in enumerate(several, 1):
            Journal(file).append([encode_outcome(one, {"records.ndjson": 10 * number})])


def session(folder: Path, *several: Outcome) -> None:
    """A process that goes on with a run, and ends after these."""
    with open_outputs(folder, COLUMNS, SETTINGS, recover(RunDir(folder))) as outputs:
        writer = outputs.writer
        write(writer, *(Finished(one, writer.encode([{"n": one.mailbox.row}] * one.rows)) for one in several))


def numbers(rows: Rows) -> list[int]:
    return [row for row in range(200) if row in rows]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def standing(found: Recovered) -> tuple[object, ...]:
    return numbers(found.done), found.totals, found.length, found.lengths, found.changes


def test_a_directory_without_outcomes_is_a_run_that_did_nothing(tmp_path: Path) -> None:
    assert standing(recover(RunDir(tmp_path))) == standing(Recovered())


def test_what_is_done_is_done_and_counted(tmp_path: Path) -> None:
    outcomes(tmp_path, outcome(5), outcome(2, Status.FAILED), outcome(9, Status.ABSENT))
    found = recover(RunDir(tmp_path))
    assert numbers(found.done) == [2, 5, 9]
    assert found.length == (tmp_path / OUTCOMES).stat().st_size
    assert found.lengths == {"records.ndjson": 30}
    assert found.totals.statuses == {Status.OK: 1, Status.FAILED: 1, Status.ABSENT: 1}
    assert (found.totals.rows, found.totals.requests, found.totals.throttled) == (16, 6, 3)
    assert found.totals.waited == 1.5


def test_what_was_begun_has_no_outcome_yet() -> None:
    heard = Heartbeat()
    changes = Unfinished(unsettled={2: heard}, barred={3}, made={4: {}}, under_way={9: heard})
    reached = {5: Reached(Mailbox("user5@example.com", 5), 1, {})}
    assert Recovered(reached=reached, changes=changes).begun == {2, 3, 4, 5}
    assert Recovered().begun == set()


def test_mailboxes_that_did_not_run_are_taken_back(tmp_path: Path) -> None:
    outcomes(tmp_path, outcome(2))
    length = (tmp_path / OUTCOMES).stat().st_size
    with Appender.resume(tmp_path / OUTCOMES, length) as file:
        Journal(file).append([encode_outcome(outcome(row, Status.NOT_RUN), {"records.ndjson": 10}) for row in (3, 4)])
    found = recover(RunDir(tmp_path))
    assert (numbers(found.done), found.length, found.lengths) == ([2], length, {"records.ndjson": 10})
    assert found.totals.done == 1
    assert standing(recover(RunDir(tmp_path))) == standing(found)


def test_a_second_outcome_is_damage(tmp_path: Path) -> None:
    outcomes(tmp_path, outcome(2), outcome(3), outcome(2, Status.FAILED))
    with pytest.raises(Damaged, match="second outcome for row 2, before byte"):
        recover(RunDir(tmp_path))


def test_an_outcome_behind_those_that_did_not_run_is_damage(tmp_path: Path) -> None:
    outcomes(tmp_path, outcome(2, Status.NOT_RUN), outcome(3))
    with pytest.raises(Damaged, match="outcome for row 3"):
        recover(RunDir(tmp_path))


def test_a_second_process_goes_on_where_the_first_one_was_killed(tmp_path: Path) -> None:
    first, second = [outcome(2), outcome(3, Status.FAILED)], [outcome(4), outcome(5, Status.ABSENT)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    session(whole, *first, *second)
    session(killed, *first)
    for name in ("records.ndjson", "records.csv", OUTCOMES):
        with (killed / name).open("ab") as file:
            file.write(b'{"n":99')  # written, and not committed
    found = recover(RunDir(killed))
    assert standing(recover(RunDir(killed))) == standing(found), "recovering changes nothing"
    with open_outputs(killed, COLUMNS, SETTINGS, recover(RunDir(killed))):
        pass  # killed again, once the files are cut
    assert standing(recover(RunDir(killed))) == standing(found)
    session(killed, *second)
    ends = [content(folder) for folder in (whole, killed)]
    assert ends[0]["records.ndjson"] == ends[1]["records.ndjson"]
    assert ends[0]["records.csv"] == ends[1]["records.csv"]
    assert standing(recover(RunDir(killed)))[:2] == standing(recover(RunDir(whole)))[:2]


def test_a_process_that_committed_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_bytes(b"n\r\n1\r\n")
    (tmp_path / "records.ndjson").write_bytes(b'{"n":1}\n')
    session(tmp_path, outcome(2)._replace(rows=1))
    assert (tmp_path / "records.csv").read_bytes() == b"n\r\n2\r\n"
    assert (tmp_path / "records.ndjson").read_bytes() == b'{"n":2}\n'


def test_a_file_of_rows_that_lacks_what_was_committed_is_refused(tmp_path: Path) -> None:
    session(tmp_path, outcome(2))
    path = tmp_path / "records.ndjson"
    rows = path.read_bytes()
    path.write_bytes(rows[:-1])
    refused(tmp_path, f"has {len(rows) - 1} bytes, and {len(rows)} were committed")
    path.unlink()
    refused(tmp_path, "no such file")


def refused(folder: Path, why: str) -> None:
    with pytest.raises(OutputError, match=why), open_outputs(folder, COLUMNS, SETTINGS, recover(RunDir(folder))):
        pass


@given(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=6), st.data())
def test_killed_anywhere_it_stands_at_the_last_outcome_that_is_whole(
    tmp_path_factory: pytest.TempPathFactory, statuses: Sequence[Status], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    outcomes(folder, *(outcome(row, status) for row, status in enumerate(statuses, 2)))
    path = folder / OUTCOMES
    lines = path.read_bytes().splitlines(keepends=True)
    length = data.draw(st.integers(0, path.stat().st_size))
    path.write_bytes(path.read_bytes()[:length])
    whole = sum(sum(map(len, lines[: number + 1])) <= length for number in range(len(lines)))
    found = recover(RunDir(folder))
    assert numbers(found.done) == list(range(2, 2 + whole))
    assert found.length == sum(map(len, lines[:whole]))
    assert found.lengths == ({"records.ndjson": 10 * whole} if whole else {})


def test_rows_by_how_they_ended(tmp_path: Path) -> None:
    outcomes(tmp_path, outcome(2), outcome(3, Status.FAILED), outcome(4, Status.DENIED), outcome(5, Status.NOT_RUN))
    assert numbers(RunDir(tmp_path).rows_with(frozenset({Status.FAILED, Status.NOT_RUN}))) == [3, 5]
    assert numbers(RunDir(tmp_path).rows_with(frozenset())) == []


OTHER = Mailbox("other@example.com", 3)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (mailboxes(4), ""),
        (mailboxes(9), ""),  # added at the end
        ([*mailboxes(2), Mailbox("corrected@example.com", 4), *mailboxes(1, first=5)], ""),  # nothing was done there
        ([Mailbox(f"User{row}@EXAMPLE.com", row) for row in range(2, 6)], ""),  # the same ones, capitalized
        ([*mailboxes(1), OTHER, *mailboxes(2, first=4)], "row 3 of the input names another mailbox"),
        ([*mailboxes(1), Rejected(3, "blank", ""), *mailboxes(2, first=4)], "row 3 of the input names another"),
        (mailboxes(2), "row 5 of the input is done, and no longer there"),
        ([], "row 2 of the input is done"),
    ],
)
def test_rows_that_are_done_must_name_whom_they_named(
    tmp_path: Path, rows: list[Mailbox | Rejected], complaint: str
) -> None:
    outcomes(tmp_path, outcome(5), outcome(2), outcome(3, Status.FAILED), outcome(4, Status.NOT_RUN))
    found = recover(RunDir(tmp_path))
    checking = check_rows(RunDir(tmp_path), found.done, ListSource([rows[:3], rows[3:]]))
    if not complaint:
        run(checking)
        return
    with pytest.raises(InputError, match=complaint) as caught:
        run(checking)
    assert "added at the end" in caught.value.hint
