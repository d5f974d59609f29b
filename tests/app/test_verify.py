"""Blobs of a run directory: verified by the digests in the rows, and a path in a row leads nowhere else."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.finding import Level
from bulkmail.app.verify import is_blob, is_file, verify
from bulkmail.model import Digest
from bulkmail.sink.depot import Folder
from bulkmail.sink.objects import Store
from tests.report.diff.test_compare import mailbox
from tests.report.folders import NIGHT
from tests.report.writing import write_run
from tests.sink.stores import Strict

CONTENT = b"a message, and another"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blobs" / "2-ada").mkdir(parents=True)
    (tmp_path / "blobs" / "2-ada" / "inbox.mbox").write_bytes(CONTENT)
    (tmp_path / "secret").write_bytes(CONTENT)
    return tmp_path


PLACE = "blobs/2-ada/inbox.mbox"


def row(start: int = 0, end: int = len(CONTENT)) -> dict[str, Any]:
    return {"offset": start, "bytes": end - start, "sha256": sha256(CONTENT[start:end]).hexdigest()}


def test_each_piece_of_an_archive(folder: Path) -> None:
    assert is_blob(Folder(folder / "blobs"), PLACE, row(end=9))
    assert is_blob(Folder(folder / "blobs"), PLACE, row(11))
    assert is_blob(Folder(folder / "blobs"), PLACE, {name: str(value) for name, value in row(11, 15).items()}), (
        "from CSV"
    )
    assert is_blob(Folder(folder / "blobs"), PLACE, {name: value for name, value in row().items() if name != "offset"})
    assert not is_blob(Folder(folder / "blobs"), PLACE, row() | {"offset": 1})
    assert not is_blob(Folder(folder / "blobs"), PLACE, row() | {"bytes": len(CONTENT) + 1})
    assert not is_blob(Folder(folder / "blobs"), PLACE, {"sha256": row()["sha256"]})
    assert not is_blob(Folder(folder / "blobs"), PLACE, row() | {"offset": 10**30})


ELSEWHERE = ["secret", "../secret", "blobs/../secret", "/etc/passwd", "blobs/2-ada/none", "", "\0"]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_a_path_that_leads_elsewhere_is_not_a_blob(folder: Path, place: str) -> None:
    assert not is_blob(Folder(folder / "blobs"), place, row())


def test_a_name_in_the_manifest_that_leads_elsewhere_is_not_a_file_of_the_run(folder: Path) -> None:
    known = Digest(len(CONTENT), sha256(CONTENT).hexdigest())
    assert is_file(folder, "secret", known)
    os.mkfifo(folder / "endless")
    (folder / "zero").symlink_to("/dev/zero")
    for name in (
        "blobs/../secret",
        "../" + folder.name + "/secret",
        str(folder / "secret"),
        "endless",
        "zero",
        "",
        "\0",
    ):
        assert not is_file(folder, name, known), name
    assert not is_file(folder, "secret", Digest(len(CONTENT) + 1, known.sha256))


def test_a_blob_that_never_ends_is_not_one(folder: Path) -> None:
    (folder / "blobs" / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "blobs" / "endless")
    for place in ("blobs/zero", "blobs/endless", "blobs"):
        assert not is_blob(Folder(folder / "blobs"), place, row())


def test_what_cannot_be_read_is_told_and_hides_no_other_finding(tmp_path: Path) -> None:
    (tmp_path / "run.json.jws").write_text("a signature of what is gone")
    found = {one.check: one for one in verify(tmp_path)}
    assert list(found) == ["manifest", "files", "journals", "blobs", "signature"]
    assert (found["signature"].level, found["signature"].code) == (Level.FAIL, 7)
    assert found["signature"].text == f"cannot read {tmp_path / 'run.json'}: No such file or directory"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that cannot be read, the Linux way")
def test_a_file_that_cannot_be_read_is_not_taken_for_one_that_was_changed() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        is_file(Path("/proc/self"), "mem", Digest(0, sha256().hexdigest()))


def test_a_blob_in_a_place_that_refuses_is_not_taken_for_one_that_was_changed(tmp_path: Path) -> None:
    Strict.refuses.add("rb")
    try:
        with pytest.raises(OSError, match="Refused"):
            is_blob(Store("strict://refusing", "id-1"), "strict://refusing/id-1/2-ada/a", row())
    finally:
        Strict.refuses.clear()
    assert not is_blob(Store("strict://refusing", "id-1"), "strict://refusing/id-1/2-ada/a", row())


TOLD = {"mailbox": "ada", "file": PLACE, **row()}
OPTIONS: dict[str, dict[str, Any]] = {"items.export": {}, "items.verify": {"source": "export"}, "contoso.own": {}}


@pytest.mark.parametrize(
    ("task", "gone", "there"),
    [
        ("items.export", Level.FAIL, Level.PASS), ("items.verify", Level.SKIP, Level.SKIP),
        ("contoso.own", Level.SKIP, Level.PASS),
    ],
)  # fmt: skip
def test_blobs_that_are_gone_altogether_are_missed(tmp_path: Path, task: str, gone: Level, there: Level) -> None:
    """The rows of some tasks name the blobs of another run; what those of others are is not known."""
    manifest = replace(NIGHT, task=task, mode="read", options=OPTIONS[task])
    write_run(tmp_path, manifest, [mailbox("ada", 2, TOLD)], columns=list(TOLD))
    assert [one.level for one in verify(tmp_path) if one.check == "blobs"] == [gone]
    (tmp_path / "blobs" / "2-ada").mkdir(parents=True)
    (tmp_path / PLACE).write_bytes(CONTENT)
    assert [one.level for one in verify(tmp_path) if one.check == "blobs"] == [there]


@pytest.mark.parametrize(("task", "level"), [("items.export", Level.FAIL), ("items.verify", Level.SKIP)])
def test_a_place_is_made_for_tasks_that_leave_nothing_there_too(tmp_path: Path, task: str, level: Level) -> None:
    manifest = replace(NIGHT, task=task, mode="read", options=OPTIONS[task], id="id-1")
    run = write_run(tmp_path, manifest, [mailbox("ada", 2, TOLD)], columns=list(TOLD))
    output = replace(run.manifest.output, blobs=str(tmp_path / "place"))
    replace(run.manifest, output=output).write(tmp_path)
    (tmp_path / "place" / "id-1").mkdir(parents=True)
    assert [one.level for one in verify(tmp_path) if one.check == "blobs"] == [level]


def test_options_of_another_version_do_not_tell_what_a_run_left(tmp_path: Path) -> None:
    manifest = replace(NIGHT, task="items.export", mode="read", options={"tape": "9-track"})
    write_run(tmp_path, manifest, [mailbox("ada", 2, TOLD)], columns=list(TOLD))
    assert [one.level for one in verify(tmp_path) if one.check == "blobs"] == [Level.SKIP]


def test_a_task_that_left_nothing_has_nothing_to_be_missed(tmp_path: Path) -> None:
    write_run(tmp_path, replace(NIGHT, task="items.export", mode="read"), [mailbox("ada", 2)], columns=["mailbox"])
    assert [one.level for one in verify(tmp_path) if one.check == "blobs"] == [Level.SKIP]
