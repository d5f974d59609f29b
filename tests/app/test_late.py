"""The run before a run, by way of plans: found, passed over where it cannot be read, and never looked for for ever."""

from dataclasses import replace
from pathlib import Path

import pytest

from bulkmail.app.late import under_way_before
from tests.app.rig import listed, prepared


def test_runs_that_name_each_other_have_no_beginning(tmp_path: Path) -> None:
    manifest = replace(prepared(listed(tmp_path)).manifest, mode="plan")
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, parent in ((one, other), (other, one)):
        folder.mkdir()
        replace(manifest, parent=str(parent)).write(folder)
    assert under_way_before(replace(manifest, parent=str(one))) == {}
    assert under_way_before(manifest) == {}


def test_a_run_before_that_is_gone_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    manifest = prepared(listed(tmp_path)).manifest
    assert under_way_before(replace(manifest, parent=str(tmp_path / "gone"))) == {}
    assert "cannot be read" in caplog.text
