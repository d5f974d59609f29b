"""A worker sees the place for blobs, or says what it lacks, before there is a run."""

from pathlib import Path

import pytest

from bulkmail.app.finding import Level
from bulkmail.cluster.sight import Sought, seen, sought
from bulkmail.config import Job
from bulkmail.config.tables import Output, TaskTable
from bulkmail.errors import ConfigError, OutputError
from tests.sink.stores import SECRET, Strict


def job(task: str = "items.export", **output: str) -> Job:
    return Job(task=TaskTable(name=task), output=Output.model_validate(output))


def test_a_task_that_leaves_nothing_needs_no_place() -> None:
    assert sought(job("settings.report")) is None
    assert seen(None).level is Level.SKIP


def test_a_folder_is_the_same_one_there(tmp_path: Path) -> None:
    place = sought(job(blobs=str(tmp_path)))
    assert place == Sought(str(tmp_path), tmp_path.stat().st_ino)
    assert seen(place).level is Level.PASS
    assert seen(Sought(str(tmp_path), place.number + 1)).level is Level.WARN
    gone = seen(Sought(str(tmp_path / "gone"), 7))
    assert gone.level is Level.FAIL
    assert "output.blobs" in gone.hint


def test_without_a_place_it_is_where_the_run_directory_would_be(tmp_path: Path) -> None:
    for directory in ("out/{task}-{date}", "{task}", "out"):
        assert sought(job(directory=f"{tmp_path}/{directory}")) == Sought(str(tmp_path), tmp_path.stat().st_ino)


def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        sought(job(blobs=str(tmp_path / "gone")))


def test_a_store_is_reached_or_not(tmp_path: Path) -> None:
    address = f"strict://{tmp_path.name}"
    place = sought(job(blobs=address))
    assert place == Sought(address)
    assert seen(place).level is Level.PASS
    Strict.refuses.add("ls")
    try:
        found = seen(place)
        with pytest.raises(OutputError, match="Refused"):
            sought(job(blobs=address))
    finally:
        Strict.refuses.clear()
    assert (found.level, found.code) == (Level.FAIL, 7)
    assert SECRET not in f"{found.text}{found.hint}"
    assert seen(Sought("hdfs://contoso/x")).level is Level.FAIL
