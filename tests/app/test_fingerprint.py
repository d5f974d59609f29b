"""What a run is does not depend on where it was started from."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.fingerprint import pinned, require_application, require_same
from bulkmail.config import Input, load
from bulkmail.errors import ConfigError
from bulkmail.rundir.manifest import Manifest, PinnedApp, PinnedInput, PinnedOutput
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


def manifest_of(tmp_path: Path, text: str = JOB) -> Manifest:
    (tmp_path / "job.toml").write_text(text, encoding="utf-8")
    job = load(tmp_path / "job.toml", environment={}, flags={})
    return pinned(job, settings_report, check_options(settings_report, {}), {})


def test_a_task_in_a_file_is_written_down_by_its_absolute_path(tmp_path: Path) -> None:
    assert manifest_of(tmp_path, f'{JOB}[task]\nname = "sub/own.py:own"\n').job.task == f"{tmp_path}/sub/own.py:own"
    assert manifest_of(tmp_path).job.task == "settings.report"


def test_what_is_the_same_is_no_difference(tmp_path: Path) -> None:
    before = manifest_of(tmp_path)
    assert require_same(before, replace(before, limits={"batch": True}, started="later")) == []


@pytest.mark.parametrize(
    ("changed", "name", "acceptable"),
    [
        ({"options": {"columns": "seed"}}, "options.columns", True),
        ({"code": "sha256 1"}, "code", True),
        ({"task": "other"}, "task", True),
        ({"input": PinnedInput(path="other.csv")}, "input.path", True),
        ({"mode": "apply"}, "mode", False),
        ({"app": PinnedApp("other", "c")}, "app.tenant_id", False),
        ({"output": PinnedOutput(("csv",))}, "output.format", False),
    ],
)
def test_what_is_not_the_same_is_named_and_may_be_acceptable(
    tmp_path: Path, changed: dict[str, Any], name: str, acceptable: bool
) -> None:
    before = manifest_of(tmp_path)
    after = replace(before, **changed)
    with pytest.raises(ConfigError, match=re.escape(name)):
        require_same(before, after)
    if acceptable:
        assert name in {one.name for one in require_same(before, after, accept=True)}
    else:
        with pytest.raises(ConfigError, match="cannot change"):
            require_same(before, after, accept=True)


def test_only_some_members_may_be_asked_for(tmp_path: Path) -> None:
    before = manifest_of(tmp_path)
    after = replace(before, options={"columns": "seed"})
    assert require_same(before, after, only=("input.",)) == []


def test_the_application_of_a_job_has_to_be_that_of_the_run(tmp_path: Path) -> None:
    before = manifest_of(tmp_path)
    job = load(tmp_path / "job.toml", environment={}, flags={})
    require_application(before, job)
    require_application(before, job.model_copy(update={"app": job.app.model_copy(update={"ca_file": Path("ca")})}))
    for key in ("tenant_id", "client_id", "cloud", "login", "graph"):
        other = job.model_copy(update={"app": job.app.model_copy(update={key: "other"})})
        with pytest.raises(ConfigError, match=f"app.{key}"):
            require_application(before, other)


def test_a_manifest_has_a_member_for_every_key_of_the_input() -> None:
    assert set(Input.model_fields) <= {one.name for one in fields(PinnedInput)}
