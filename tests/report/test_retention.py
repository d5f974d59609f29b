"""`bulkmail prune` deletes what is old and finished, and nothing that anybody could need."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bulkmail.cli import app
from bulkmail.errors import InputError
from bulkmail.report.retention import candidates, delete
from bulkmail.rundir.folder import hold
from bulkmail.rundir.manifest import Manifest
from tests.report.folders import NIGHT, run_dir

REPORT = replace(NIGHT, mode="read", changes={})


def night(folder: Path, day: int, manifest: Manifest = REPORT) -> Path:
    path = folder / f"{manifest.task}-{manifest.mode}-{manifest.state}-{day:02}"
    return run_dir(path, replace(manifest, started=f"2026-11-{day:02}T01:15:00+00:00")).path


def prune(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["prune", *map(str, arguments)])


def names(folder: Path, keep: int = 2, *, plans: bool = False) -> list[tuple[str, str]]:
    return [(one.folder.name, one.why) for one in candidates(folder, keep=keep, plans=plans)]


def test_the_newest_of_each_job_stay(tmp_path: Path) -> None:
    for day in range(1, 6):
        night(tmp_path, day)
        night(tmp_path, day, replace(REPORT, task="rules.report"))
    assert names(tmp_path) == [
        (f"{task}-read-finished-{day:02}", "")
        for task in ("rules.report", "settings.apply")
        for day in (1, 2, 3)
    ]  # fmt: skip


def test_nothing_is_deleted_without_yes(tmp_path: Path) -> None:
    old, new = night(tmp_path, 1), night(tmp_path, 2)
    told = prune(tmp_path, "--keep", 1)
    assert told.exit_code == 0
    assert f"would delete  {old}" in told.output
    assert "1 run would be deleted; add --yes" in told.output
    assert old.exists()
    assert "1 run deleted" in prune(tmp_path, "--keep", 1, "--yes").output
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (replace(REPORT, state="running"), "not finished: it can be resumed"),
        (replace(REPORT, state="stopped"), "not finished: it can be resumed"),
        (replace(REPORT, state="failed"), "not finished: it can be resumed"),
        (replace(NIGHT, mode="apply", changes={"done": 1}), "it changed mailboxes: bulkmail undo needs it"),
        (replace(NIGHT, mode="plan"), "a plan: give --plans as well"),
    ],
)
def test_what_could_be_needed_stays(tmp_path: Path, manifest: Manifest, why: str) -> None:
    old = night(tmp_path, 1, manifest)
    for day in (2, 3, 4):
        night(tmp_path, day, replace(manifest, state="finished"))
    assert (old.name, why) in names(tmp_path)
    prune(tmp_path, "--keep", 2, "--yes")
    assert old.exists()


def test_one_that_another_run_goes_on_from_stays(tmp_path: Path) -> None:
    old = night(tmp_path, 1)
    night(tmp_path, 2, replace(REPORT, parent=str(old.resolve())))
    assert names(tmp_path, 1) == [(old.name, "another run goes on from it")]


def test_a_plan_goes_if_that_is_asked_for(tmp_path: Path) -> None:
    old = night(tmp_path, 1, replace(NIGHT, mode="plan"))
    night(tmp_path, 2, replace(NIGHT, mode="plan"))
    assert names(tmp_path, 1, plans=True) == [(old.name, "")]


def test_a_file_of_ones_own_keeps_a_run(tmp_path: Path) -> None:
    old = night(tmp_path, 1)
    night(tmp_path, 2)
    (old / "records.rules.csv").write_text("rule_id\n")  # of a part of a report
    assert names(tmp_path, 1) == [(old.name, "")]
    (old / "notes.txt").write_text("mine")
    assert names(tmp_path, 1) == [(old.name, "notes.txt in it is not bulkmail's")]


def test_one_that_a_process_works_in_stays(tmp_path: Path) -> None:
    old = night(tmp_path, 1)
    night(tmp_path, 2)
    with hold(old):
        assert "0 runs deleted" in prune(tmp_path, "--keep", 1, "--yes").output
    assert (old / "run.json").exists()
    assert delete(candidates(tmp_path, keep=1)[0])


def test_one_that_cannot_be_deleted_keeps_no_other_one(tmp_path: Path) -> None:
    nights = [night(tmp_path, day) for day in range(1, 5)]
    for path in nights[:3:2]:
        (path / ".lock").mkdir()  # no process can hold it
    told = prune(tmp_path, "--keep", 1, "--yes")
    assert [path.exists() for path in nights] == [True, False, True, True]
    assert told.exit_code == 7
    assert "1 run deleted" in told.output
    assert told.output.count("cannot hold") == 2


def test_what_is_not_a_run_is_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text("{}")
    (tmp_path / "file").write_text("")
    elsewhere = tmp_path.with_name(f"{tmp_path.name}-elsewhere")
    elsewhere.mkdir()
    run = night(elsewhere, 1)
    (tmp_path / "link").symlink_to(run)
    night(tmp_path, 2)
    assert names(tmp_path, 1) == []


def test_a_run_directory_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a run directory itself"):
        candidates(night(tmp_path, 1), keep=1)
    with pytest.raises(InputError, match="is not a folder"):
        candidates(tmp_path / "nothing", keep=1)


def test_a_folder_that_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot look for"):
        candidates(tmp_path / ("x" * 300), keep=1)
