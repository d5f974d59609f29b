"""Checkpoints in the journal of outcomes: read back as they were, and counted until their mailbox has its outcome."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged, TaskMistake
from bulkmail.model import NOTHING, Mailbox, Outcome, Status
from bulkmail.rundir.entries import (
    CheckpointAt,
    Committed,
    Reached,
    checked_state,
    decode_commit,
    encode_checkpoint,
    encode_outcome,
)  # fmt: skip
from bulkmail.rundir.folder import OUTCOMES
from bulkmail.rundir.journal import Journal
from bulkmail.rundir.reader import RunDir
from bulkmail.rundir.recovery import recover
from bulkmail.sink import Appender

ADA, ALAN = Mailbox("ada@contoso.com", 2), Mailbox("alan@contoso.com", 3, "id-3")
texts = st.text(st.characters(codec="utf-8"), max_size=9)
numbers = st.integers(0, 10**9)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts, lambda one: st.lists(one) | st.dictionaries(texts, one), max_leaves=9
)


@given(
    st.builds(
        Reached, st.builds(Mailbox, texts, numbers, texts, st.just(NOTHING)), numbers, st.dictionaries(texts, values),
        st.dictionaries(texts, numbers),
    ),
    st.dictionaries(texts, numbers),
)  # fmt: skip
def test_a_checkpoint_comes_back_as_it_was(reached: Reached, lengths: dict[str, int]) -> None:
    assert checked_state(reached.state) == reached.state
    assert decode_commit(orjson.loads(encode_checkpoint(reached, lengths))) == CheckpointAt(reached, lengths)


@pytest.mark.parametrize("state", [{"a": {1}}, {"a": object()}, {1: "a"}, {"a": 1 << 70}, {"a": "\ud800"}])
def test_a_state_that_is_not_json_is_a_mistake_of_the_task(state: dict[Any, Any]) -> None:
    with pytest.raises(TaskMistake, match="not JSON"):
        checked_state(state)


def test_a_state_has_a_bound() -> None:
    assert checked_state({"a": "x" * 90}, 100)
    with pytest.raises(TaskMistake, match="has 108 bytes, and may have 100"):
        checked_state({"a": "x" * 100}, 100)


def journal(folder: Path, *entries: bytes) -> None:
    with Appender(folder / OUTCOMES) as file:
        for entry in entries:
            Journal(file).append([entry])


def reached(mailbox: Mailbox, rows: int, end: int, **blobs: int) -> bytes:
    return encode_checkpoint(Reached(mailbox, rows, {"rows": rows}, blobs), {"records.ndjson": end})


def ended(mailbox: Mailbox, status: Status, rows: int, end: int) -> bytes:
    return encode_outcome(Outcome(mailbox, status, rows), {"records.ndjson": end})


def test_the_last_one_of_a_mailbox_counts_with_the_blobs_of_all(tmp_path: Path) -> None:
    journal(
        tmp_path, reached(ADA, 2, 20, a=5, b=1), reached(ALAN, 1, 30), reached(ADA, 4, 50, a=9),
        ended(ALAN, Status.OK, 2, 60), reached(ADA, 5, 70, c=1), ended(ADA, Status.NOT_RUN, 5, 70),
    )  # fmt: skip
    found = recover(RunDir(tmp_path))
    assert found.reached == {2: Reached(ADA, 5, {"rows": 5}, {"a": 9, "b": 1, "c": 1})}
    assert found.blobs_of(2) == {"a": 9, "b": 1, "c": 1}
    assert found.blobs_of(3) == {}
    assert found.lengths == {"records.ndjson": 70}
    assert found.totals.statuses == {Status.OK: 1}
    assert found.totals.rows == 2
    assert [row for row in range(9) if row in found.done] == [3]
    *_, (before_last, _), (last, _) = RunDir(tmp_path).commits()
    assert found.length == before_last < last == (tmp_path / OUTCOMES).stat().st_size


def test_readers_of_outcomes_do_not_see_them(tmp_path: Path) -> None:
    (tmp_path / "records.ndjson").write_bytes(b'{"n":1}\n{"n":2}\n{"n":3}\n')
    journal(tmp_path, ended(ALAN, Status.OK, 1, 8), reached(ADA, 1, 16))
    assert [one.mailbox for one in RunDir(tmp_path).outcomes()] == [ALAN]
    assert [commit.outcome.mailbox for _, commit in RunDir(tmp_path).committed()] == [ALAN]
    assert [*RunDir(tmp_path).committed(but_ok=True)] == []
    assert [type(commit) for _, commit in RunDir(tmp_path).commits()] == [Committed, CheckpointAt]
    assert [*RunDir(tmp_path).records()] == [{"n": 1}, {"n": 2}], "its rows are there"


@pytest.mark.parametrize(
    "entries",
    [
        [ended(ADA, Status.OK, 1, 8), reached(ADA, 1, 16)],
        [ended(ADA, Status.NOT_RUN, 0, 0), reached(ALAN, 1, 8)],
    ],
)
def test_one_behind_the_outcome_of_its_mailbox_or_the_end_of_the_run_is_damage(
    tmp_path: Path, entries: list[bytes]
) -> None:
    journal(tmp_path, *entries)
    with pytest.raises(Damaged):
        recover(RunDir(tmp_path))


WHOLE = {"row": 2, "mailbox": "ada@contoso.com", "checkpoint": {}, "rows": 1, "offsets": {"records.ndjson": 1}}


@pytest.mark.parametrize(
    "change",
    [
        {"row": "2"}, {"row": -1}, {"mailbox": None}, {"rows": "1"}, {"rows": True}, {"checkpoint": [1]}, {"id": 5},
        {"offsets": {"a": "1"}}, {"offsets": {"a": -1}}, {"blobs": {"a": 1.5}}, {"blobs": [1]}, {"offsets": None},
    ],
)  # fmt: skip
def test_what_is_not_one_is_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    journal(tmp_path, orjson.dumps(WHOLE | change))
    with pytest.raises(Damaged):
        list(RunDir(tmp_path).commits())
