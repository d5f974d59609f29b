"""In what two runs differ is what a plain comparison in memory finds, whatever the order in which they were done."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import Damaged, InputError, OutputError
from bulkmail.model import Mailbox, Outcome, Problem, Row, Status, Tally
from bulkmail.report.diff.compare import Comparison, OutcomeDifference, RowDifference, compared, key_columns
from bulkmail.report.diff.database import BLOCK
from bulkmail.report.diff.form import Cell
from bulkmail.rundir.reader import RunDir
from tests.report.folders import NIGHT
from tests.report.writing import Mailboxful, write_run

RULES = replace(NIGHT, task="rules.report", mode="read", reason="", exit_code=0, changes={}, key_columns=("rule",))
COLUMNS = ("mailbox", "rule", "to", "on")


def mailbox(name: str, row: int, *rows: Row, status: Status = Status.OK, code: str = "") -> Mailboxful:
    problem = Problem(code, "said so") if code else None
    return Mailboxful(Outcome(Mailbox(name, row), status, len(rows), Tally(1), 0.1, problem), rows)


def rule(name: str, **cells: object) -> Row:
    return {"mailbox": "ada@contoso.com", "rule": name, **cells}


def differences(
    before: RunDir, after: RunDir, **how: Sequence[str]
) -> tuple[list[RowDifference], list[OutcomeDifference]]:
    with compared(before, after, **how) as found:
        return list(found.rows()), list(found.outcomes())


def runs(
    folder: Path, before: Sequence[Mailboxful], after: Sequence[Mailboxful], **more: tuple[str, ...]
) -> tuple[RunDir, RunDir]:
    formats = more.get("formats", ("ndjson", "csv"))
    return (
        write_run(folder / "a", RULES, before, columns=COLUMNS, formats=formats),
        write_run(folder / "b", RULES, after, columns=COLUMNS, formats=more.get("then", formats)),
    )


@pytest.mark.parametrize("formats", [("ndjson", "csv"), ("csv",)])
def test_rows_that_were_added_removed_and_changed(tmp_path: Path, formats: tuple[str, ...]) -> None:
    before = mailbox("ada@contoso.com", 2, rule("r1", to="alan", on="yes"), rule("r2", to="grace", on="yes"))
    after = mailbox("ada@contoso.com", 2, rule("r3", to="", on="no"), rule("r1", to="alan", on="no"))
    rows, outcomes = differences(*runs(tmp_path, [before], [after], formats=formats))
    assert outcomes == []
    address = "ada@contoso.com"
    assert sorted(rows) == [
        RowDifference("added", address, {"rule": "r3"}, [Cell("on", None, "no")]),
        RowDifference("changed", address, {"rule": "r1"}, (Cell("on", "yes", "no"),)),
        RowDifference("removed", address, {"rule": "r2"}, [Cell("to", "grace", None), Cell("on", "yes", None)]),
    ]


def test_a_mailbox_that_one_run_could_not_look_at_lost_no_rows(tmp_path: Path) -> None:
    """Absent mailboxes have none; those that were denied may have them still."""
    names = {"denied": (Status.DENIED, "ErrorAccessDenied"), "absent": (Status.ABSENT, "ErrorInvalidUser")}
    before = [mailbox(name, row, rule("r")) for row, name in enumerate((*names, "gone"), 2)]
    after = [mailbox(name, row, status=names[name][0], code=names[name][1]) for row, name in enumerate(names, 2)]
    after.append(mailbox("new", 9, rule("r")))
    first, second = runs(tmp_path, before, after)
    rows, outcomes = differences(first, second)
    assert {(one.what, one.mailbox) for one in rows} == {("removed", "absent"), ("removed", "gone"), ("added", "new")}
    assert outcomes == [
        OutcomeDifference("new", "", "", "ok", ""),
        OutcomeDifference("gone", "ok", "", "", ""),
        OutcomeDifference("absent", "ok", "", "absent", "ErrorInvalidUser"),
        OutcomeDifference("denied", "ok", "", "denied", "ErrorAccessDenied"),
    ]
    with compared(first, second) as found:
        assert (found.unseen, found.row_counts, found.mailbox_counts) == (1, (3, 1), (3, 3))


def test_another_reason_is_a_difference(tmp_path: Path) -> None:
    before, after = (mailbox("ada", 2, status=Status.FAILED, code=code) for code in ("OneCode", "Another"))
    assert differences(*runs(tmp_path, [before], [after]))[1] == [
        OutcomeDifference("ada", "failed", "OneCode", "failed", "Another")
    ]


def test_the_spelling_of_an_address_and_the_order_of_the_list_make_no_difference(tmp_path: Path) -> None:
    before = [mailbox("Ada@Contoso.com", 2, {"mailbox": "Ada@Contoso.com", "rule": "r", "to": "Ada@Contoso.com"}),
              mailbox("alan@contoso.com", 3)]  # fmt: skip
    after = [mailbox("alan@contoso.com", 2), mailbox("ada@contoso.com", 3, rule("r", to="ada@contoso.com"))]
    assert differences(*runs(tmp_path, before, after)) == ([], [])


def test_columns_can_be_left_out_and_keys_be_given(tmp_path: Path) -> None:
    before = mailbox("ada", 2, rule("r1", to="alan", on=1), rule("r2", to="grace", on=1))
    after = mailbox("ada", 2, rule("r3", to="alan", on=2), rule("r4", to="grace", on=2))
    pair = runs(tmp_path, [before], [after])
    rows, _ = differences(*pair, keys=["to"], ignore=["on"])
    assert [(one.what, one.key, one.cells) for one in rows] == [
        ("changed", {"to": "alan"}, (Cell("rule", "r1", "r3"),)),
        ("changed", {"to": "grace"}, (Cell("rule", "r2", "r4"),)),
    ]
    assert differences(*pair, keys=["to"], ignore=["on", "rule"]) == ([], [])


def test_a_column_that_no_row_has_is_named(tmp_path: Path) -> None:
    pair = runs(tmp_path, [mailbox("ada", 2, rule("r", to="alan"))], [])
    with pytest.raises(InputError, match=r"no row has a column 'ruel'; did you mean rule\?"):
        differences(*pair, keys=["ruel"])
    assert differences(*runs(tmp_path / "empty", [], []), ignore=["anything"]) == ([], [])


def test_rows_of_one_key_are_told_apart_by_what_is_in_them(tmp_path: Path) -> None:
    before = mailbox("ada", 2, rule("r", to="a"), rule("r", to="b"))
    after = mailbox("ada", 2, rule("r", to="b"), rule("r", to="a"), rule("r", to="a"))
    rows, _ = differences(*runs(tmp_path, [before], [after]))
    assert [one.what for one in rows] == ["added"]


def test_a_task_without_key_columns(tmp_path: Path) -> None:
    """The only row that a mailbox lost and the only one that it got are one that was changed."""
    own = replace(RULES, task="own", key_columns=None)
    one = write_run(tmp_path / "a", own, [mailbox("ada", 2, rule("x", to=1), rule("y")), mailbox("alan", 3, rule("z"))],
                    columns=COLUMNS)  # fmt: skip
    other = write_run(tmp_path / "b", own, [mailbox("ada", 2, rule("x", to=2), rule("y")),
                                            mailbox("alan", 3, rule("p"), rule("q"))], columns=COLUMNS)  # fmt: skip
    rows, _ = differences(one, other)
    assert [(row.what, row.mailbox) for row in rows if row.mailbox == "ada"] == [("changed", "ada")]
    assert rows[0].cells == (Cell("to", 1, 2),)
    assert sorted(row.what for row in rows if row.mailbox == "alan") == ["added", "added", "removed"]


def test_json_against_csv_is_compared_as_a_csv_shows_it(tmp_path: Path) -> None:
    cells = {"to": ["a", "b"], "on": True}
    pair = runs(
        tmp_path, [mailbox("ada", 2, rule("r", **cells))], [mailbox("ada", 2, rule("r", **cells))], then=("csv",)
    )
    assert differences(*pair) == ([], [])


def test_the_run_that_went_on_counts_each_mailbox_once(tmp_path: Path) -> None:
    """A mailbox that was not run when the run was stopped has two outcomes."""
    before = [mailbox("ada", 2, status=Status.NOT_RUN, code="NotRun"), mailbox("ada", 2, rule("r"))]
    first, second = runs(tmp_path, before, [mailbox("ada", 2, rule("r"))])
    with compared(first, second) as found:
        assert found.mailbox_counts == (1, 1)
        assert not list(found.outcomes())


def test_more_rows_than_are_handed_over_at_a_time(tmp_path: Path) -> None:
    before = [mailbox(f"m{row}", row, rule("r", on=row)) for row in range(2, BLOCK + 9)]
    after = [mailbox(f"m{row}", row, rule("r", on=row % BLOCK)) for row in range(BLOCK + 8, 1, -1)]
    rows, _ = differences(*runs(tmp_path, before, after))
    assert {one.mailbox for one in rows} == {f"m{row}" for row in range(BLOCK, BLOCK + 9)}


def test_runs_of_different_tasks_are_refused(tmp_path: Path) -> None:
    one = write_run(tmp_path / "a", RULES, [], columns=COLUMNS)
    other = write_run(tmp_path / "b", replace(RULES, undo=True), [], columns=COLUMNS)
    with pytest.raises(InputError, match=r"rules\.report and of undo of rules\.report"), compared(one, other):
        pass


def test_rows_that_were_cut_off_are_damage(tmp_path: Path) -> None:
    one, other = runs(tmp_path, [mailbox("ada", 2, rule("r"))], [mailbox("ada", 2, rule("q"))])
    file = other.path / "records.ndjson"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(Damaged, match=r"records\.ndjson"), compared(one, other):
        pass


def test_no_room_for_the_comparison_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = runs(tmp_path, [mailbox("ada", 2, rule("r"))], [])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with (
        pytest.raises(OutputError, match=r"cannot be compared in .*nowhere: No such file") as refused,
        compared(one, other),
    ):
        pass
    assert "TMPDIR" in refused.value.hint


def test_key_columns_of_an_old_directory_are_those_of_the_task(tmp_path: Path) -> None:
    old = replace(RULES, key_columns=None)
    assert key_columns(write_run(tmp_path / "a", old, [], columns=COLUMNS)) == ("rule_id",)
    foreign = replace(old, task="own")
    assert key_columns(write_run(tmp_path / "b", foreign, [], columns=COLUMNS)) is None


names = st.sampled_from(["ada", "alan", "grace"])
statuses = st.sampled_from([Status.OK, Status.OK, Status.ABSENT, Status.DENIED])
tables = st.dictionaries(names, st.tuples(statuses, st.dictionaries(st.sampled_from("pqr"), st.integers(0, 2))))


@settings(max_examples=40)
@given(tables, tables)
def test_it_is_what_a_comparison_in_memory_finds(before: Mapping, after: Mapping) -> None:  # type: ignore[type-arg]
    with TemporaryDirectory() as folder:
        pair = runs(Path(folder), written(before), written(after)[::-1])
        with compared(*pair) as found:
            assert told(found) == expected(before, after)


def written(table: Mapping[str, tuple[Status, Mapping[str, int]]]) -> list[Mailboxful]:
    return [
        mailbox(name, row, *(rule(key, on=value) for key, value in (rules.items() if status is Status.OK else ())),
                status=status)
        for row, (name, (status, rules)) in enumerate(table.items(), 2)
    ]  # fmt: skip


def told(found: Comparison) -> set[object]:
    rows = {(one.what, one.mailbox, one.key["rule"]) for one in found.rows()}
    return rows | {(one.mailbox, one.before, one.after) for one in found.outcomes()}


def expected(before: Mapping[str, tuple[Status, Mapping[str, int]]],
             after: Mapping[str, tuple[Status, Mapping[str, int]]]) -> set[object]:  # fmt: skip
    found: set[object] = set()
    for name in {*before, *after}:
        (was, one), (now, other) = before.get(name, ("", {})), after.get(name, ("", {}))
        if was != now:
            found.add((name, str(was), str(now)))
        if {was, now} <= {"ok", "absent", ""} and "ok" in (was, now):
            one, other = one if was == "ok" else {}, other if now == "ok" else {}
            found |= {("added", name, key) for key in other.keys() - one.keys()}
            found |= {("removed", name, key) for key in one.keys() - other.keys()}
            found |= {("changed", name, key) for key in one.keys() & other.keys() if one[key] != other[key]}
    return found
