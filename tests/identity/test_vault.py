"""What a private file may look like, whatever the umask, and what happens to one that exists."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.identity.vault import PRIVATE, PUBLIC, write


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [PRIVATE, PUBLIC])
@pytest.mark.parametrize("replace", [False, True])
def test_the_mode_is_exact(tmp_path: Path, umask: None, mode: int, replace: bool) -> None:
    path = tmp_path / "file"
    write(path, b"content", mode, replace=replace)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"content"


def test_what_exists_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already"):
        write(path, b"new", PRIVATE)
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_replacing_takes_the_new_mode_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write(path, b"new", PRIVATE, replace=True)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == PRIVATE
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with pytest.raises(OutputError):
        write(link, b"new", PRIVATE)
    write(link, b"new", PRIVATE, replace=True)
    assert target.read_bytes() == b"old"
    assert not link.is_symlink()


def test_folders_are_made_and_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "file", b"x", PRIVATE)
    with pytest.raises(OutputError, match="cannot make the folder"):
        write(tmp_path / "a" / "b" / "file" / "c", b"x", PRIVATE)


@pytest.mark.parametrize("replace", [False, True])
def test_a_name_that_no_file_can_have(tmp_path: Path, replace: bool) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / ("x" * 300), b"x", PRIVATE, replace=replace)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OutputError):
        write(tmp_path / "file", b"x", PRIVATE, replace=True)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
