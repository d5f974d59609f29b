"""What a run is does not depend on where it was started from."""

from pathlib import Path

import pytest

from bulkmail.app.fingerprint import pinned
from bulkmail.config import load
from bulkmail.rundir.manifest import PinnedInput
from bulkmail.tasks import check_options
from bulkmail.tasks.settings.report import settings_report

JOB = '[app]\ntenant_id = "t"\nclient_id = "c"\n[input]\npath = "mailboxes.csv"\n'


def test_a_job_is_the_same_by_a_relative_path_and_by_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    options = check_options(settings_report, {})
    here, there = (
        pinned(load(path, flags={}), settings_report, options, {}) for path in (Path("job.toml"), tmp_path / "job.toml")
    )
    assert here.input == there.input == PinnedInput(path=str(tmp_path / "mailboxes.csv"))
    assert here.job == there.job


def test_standard_input_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB.replace("mailboxes.csv", "-"), encoding="utf-8")
    manifest = pinned(load(tmp_path / "job.toml", flags={}), settings_report, check_options(settings_report, {}), {})
    assert manifest.input == PinnedInput(path="-")
