"""`bulkmail report` and `output.report` make a page of a run; `run --against` tells in what it differs from another."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bulkmail.app import page
from bulkmail.cli import app
from bulkmail.rundir.folder import hold
from tests.cli.conftest import APPLY, REPORT, Desk
from tests.report.folders import run_dir, running


def bulkmail(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_the_page_lies_in_the_run_directory(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "run")
    result = bulkmail(run.path)
    assert (result.exit_code, result.stdout) == (0, f"{run.path / 'report.html'}\n")
    assert "bulkmail apply" in (run.path / "report.html").read_text(encoding="utf-8")


def test_or_where_it_is_wanted(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "run")
    assert bulkmail(run.path, "--output", tmp_path / "night.html").exit_code == 0
    assert (tmp_path / "night.html").exists()
    assert not (run.path / "report.html").exists()


def test_a_run_that_goes_on_has_nothing_to_do_next(tmp_path: Path) -> None:
    run = run_dir(tmp_path / "run", running())
    with hold(run.path):
        assert bulkmail(run.path).exit_code == 0
    going = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Still running" in going
    assert "bulkmail resume" not in going
    assert bulkmail(run.path).exit_code == 0
    assert "bulkmail resume" in (run.path / "report.html").read_text(encoding="utf-8")


def test_what_is_no_run(tmp_path: Path) -> None:
    assert bulkmail(tmp_path).exit_code == 2


def test_each_run_makes_its_own_if_the_job_says_so(desk: Desk) -> None:
    done = desk.bulkmail("run", desk.job(REPORT), "--set", "output.report=true")
    assert done.code == 0
    source = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "All well" in source
    assert "12 of 12 mailboxes ok" in source
    assert "report.html" in done.out


def test_the_page_of_a_plan_and_of_what_was_applied(own: Desk) -> None:
    """Each change with before and after; and what undid it."""
    job = own.job(APPLY)
    planned = own.bulkmail("run", job, "--set", "output.report=true")
    own.bulkmail("apply", planned.folder, out="out-applied")
    applied = own.folder / "out-applied"
    own.bulkmail("undo", applied, "--apply")
    undone = own.folder / "out-applied-undo"
    for folder, words in ((planned.folder, "nothing was sent"), (applied, "changes made"), (undone, "restored")):
        assert bulkmail(folder).exit_code == 0
        source = (folder / "report.html").read_text(encoding="utf-8")
        assert words in source
        assert "time_zone" in source
    assert "undo of settings.apply" in source


def test_two_nights_of_an_apply_are_compared_by_setting(own: Desk) -> None:
    job = own.job(APPLY)
    first = own.bulkmail("run", job)
    own.edit(first, started="2026-11-01T00:00:00+00:00")
    own.bulkmail("run", job, "--set", "task.language=de-DE", "--against", "previous", out="out-2")
    rows = list(csv.DictReader((own.folder / "out-2" / "diff.csv").read_text(encoding="utf-8").splitlines()))
    assert {(row["what"], row["key"]) for row in rows} == {("added", "language")}


def test_without_it_there_is_none(desk: Desk) -> None:
    assert not (desk.bulkmail("run", desk.job(REPORT)).folder / "report.html").exists()


def test_a_page_that_cannot_be_made_changes_nothing(tmp_path: Path) -> None:
    """The end of a run calls it with whatever there is."""
    told: list[str] = []
    page.write_report_at_end(tmp_path, told.append)
    assert told == [f"warning: there is no report.html: {tmp_path} is not a run directory"]


def test_a_run_against_the_one_before(desk: Desk) -> None:
    job = desk.job(REPORT)
    first = desk.bulkmail("run", job, "--against", "previous")
    assert first.code == 0
    assert "not compared: beside" in first.err
    desk.edit(first, started="2026-11-01T00:00:00+00:00")  # times are whole seconds
    edited = first.folder / "records.ndjson"
    edited.write_bytes(edited.read_bytes().replace(b'"user_purpose":"user"', b'"user_purpose":"room"', 1))
    second = desk.bulkmail("run", job, "--against", "previous", out="out-2")
    assert second.code == 0
    assert "1 row changed" in second.out
    rows = list(csv.DictReader((second.folder / "diff.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["column"], row["before"], row["after"]) for row in rows] == [("user_purpose", "room", "user")]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_run_against_what_is_no_run_is_refused_before_anything_is_asked(desk: Desk, is_there: bool) -> None:
    nowhere = desk.folder / "nowhere"
    if is_there:
        nowhere.mkdir()
    before = desk.tenant.books()["routes"]
    done = desk.bulkmail("run", desk.job(REPORT), "--against", nowhere)
    assert (done.code, done.folder.exists()) == (2, False)
    assert f"--against: {nowhere} is not a run directory" in done.err
    assert "previous" in done.err
    assert desk.tenant.books()["routes"] == before
