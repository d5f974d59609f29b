"""The input of an undo: the changes that were made, or may have been, by mailbox and in their order."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from bulkmail.errors import Damaged
from bulkmail.model import Change, Counts, Ending, Made, Mailbox, Outcome, Rejected, Status
from bulkmail.rundir.applied import CHUNK, ChangesSource
from bulkmail.rundir.entries import encode_outcome
from bulkmail.rundir.folder import CHANGES, OUTCOMES
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.reader import RunDir
from bulkmail.sink import Appender
from bulkmail.task.undo import unpacked
from bulkmail.testing import collect, run

ADA, BO = Mailbox("ada@example.com", 2, "id-ada"), Mailbox("bo@example.com", 3)


def intended(change: int, row: int, key: str) -> dict[str, Any]:
    return {
        "change": change, "row": row, "mailbox": f"key of {row}", "key": key, "state": "intended",
        "before": {"é": change}, "after": None, "effect": "keyed",
    }  # fmt: skip


def ended(change: int, row: int, state: Ending, **more: str) -> dict[str, Any]:
    return {"change": change, "row": row, "state": state, **more}


def run_of(folder: Path, changes: list[dict[str, Any]], outcomes: list[Outcome]) -> ChangesSource:
    """The directory of a run with this ledger and these outcomes."""
    for name, entries in (
        (CHANGES, [orjson.dumps(change) for change in changes]),
        (OUTCOMES, [encode_outcome(outcome, {}) for outcome in outcomes]),
    ):
        with Appender(folder / name) as file:
            for one in entries:
                Journal(file).append([one])
    return ChangesSource(RunDir(folder))


def mailboxes(source: ChangesSource) -> list[Mailbox]:
    found = []
    for chunk in run(collect(aiter(source))):
        for row in chunk:
            assert not isinstance(row, Rejected)
            found.append(row)
    return found


@pytest.mark.parametrize(
    ("state", "certain"),
    [(Ending.DONE, True), (Ending.UNKNOWN, False), (None, False), (Ending.REFUSED, None), (Ending.UNSENT, None)],
)
def test_which_changes_come_back(tmp_path: Path, state: Ending | None, *, certain: bool | None) -> None:
    """Those that were made, and those that may have been."""
    ends = [] if state is None else [ended(1, 2, state)]
    found = mailboxes(run_of(tmp_path, [intended(1, 2, "a"), *ends], [Outcome(ADA, Status.OK)]))
    if certain is None:
        assert found == []
    else:
        [ada] = found
        assert (ada.address, ada.row, ada.id) == ADA[:3]
        assert unpacked(ada.columns) == [Made(Change("a", {"é": 1}, None), "", certain)]


def test_they_come_by_mailbox_the_latest_first_with_the_ids_of_what_was_made(tmp_path: Path) -> None:
    source = run_of(
        tmp_path,
        [
            intended(1, 3, "b1"),
            intended(2, 2, "a1"),
            ended(2, 2, Ending.DONE, id="AAMk="),
            intended(3, 3, "b2"),
            ended(3, 3, Ending.REFUSED),
            {"state": "reopened", "last_sign": {}},
            intended(4, 5, "d1") | {"state": "planned"},
            intended(5, 3, "b3"),
            intended(6, 4, "c1"),
            ended(6, 4, Ending.UNSENT),
            ended(1, 3, Ending.DONE),
            ended(5, 3, Ending.UNKNOWN),
        ],
        [Outcome(BO, Status.FAILED), Outcome(ADA, Status.OK)],
    )
    ada, bo = mailboxes(source)
    assert (ada.address, ada.row, ada.id) == ADA[:3]
    assert (bo.address, bo.row, bo.id) == BO[:3]
    assert unpacked(ada.columns) == [Made(Change("a1", {"é": 2}, None), "AAMk=")]
    assert unpacked(bo.columns) == [
        Made(Change("b3", {"é": 5}, None), certain=False),
        Made(Change("b1", {"é": 1}, None)),
    ]
    assert source.counts == Counts(unique=2)
    assert str(tmp_path) in repr(source)
    assert source.name == f"the changes of {tmp_path}"


def test_a_mailbox_without_an_outcome_is_called_as_its_requests_called_it(tmp_path: Path) -> None:
    [found] = mailboxes(run_of(tmp_path, [intended(1, 9, "a")], []))
    assert (found.address, found.row, found.id) == ("key of 9", 9, "")


def test_many_come_in_chunks_in_the_order_of_their_rows(tmp_path: Path) -> None:
    rows = list(range(CHUNK + 7, 0, -1))
    source = run_of(tmp_path, [intended(number, row, "a") for number, row in enumerate(rows)], [])

    async def main() -> list[tuple[int, int]]:
        return [(len(chunk), source.counts.unique) async for chunk in source]

    assert run(main()) == [(CHUNK, CHUNK), (7, CHUNK + 7)]
    assert [mailbox.row for mailbox in mailboxes(ChangesSource(RunDir(tmp_path)))] == sorted(rows)


def test_a_run_that_was_killed_before_it_had_a_ledger_changed_nothing(tmp_path: Path) -> None:
    assert mailboxes(ChangesSource(RunDir(tmp_path))) == []


def test_a_torn_end_was_never_sent_and_damage_is_refused(tmp_path: Path) -> None:
    run_of(tmp_path, [intended(number, 2, f"a{number}") for number in range(3)], [Outcome(ADA, Status.OK)])
    path = tmp_path / CHANGES
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    [ada] = mailboxes(ChangesSource(RunDir(tmp_path)))
    assert [made.change.key for made in unpacked(ada.columns)] == ["a1", "a0"]
    path.write_bytes(content.replace(b'"a0"', b'"b0"'))
    with pytest.raises(Damaged):
        mailboxes(ChangesSource(RunDir(tmp_path)))
