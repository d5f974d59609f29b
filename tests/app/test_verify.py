"""Blobs of a run directory: verified by the digests in the rows, and a path in a row leads nowhere else."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bulkmail.app.finding import Level
from bulkmail.app.verify import is_blob, is_file, verify
from bulkmail.model import Digest
from bulkmail.sink.depot import Folder
from bulkmail.sink.objects import Store
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
