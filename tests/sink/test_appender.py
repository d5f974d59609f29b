import os
import stat
import sys
from pathlib import Path

import pytest

from bulkmail.errors import OutputError
from bulkmail.sink import Appender

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes, symbolic links and limits of POSIX")


def test_blocks_stand_one_behind_the_other(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    with Appender(path) as file:
        assert [file.append(block) for block in (b"one\n", b"", b"two\n")] == [4, 4, 8]
        file.sync()
        assert path.read_bytes() == b"one\ntwo\n"
        assert repr(file) == f"<Appender {path} length=8>"
    file.close()


@posix
@pytest.mark.parametrize("mask", [0o000, 0o777])
def test_only_its_owner_may_read_it(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with Appender(tmp_path / "records.ndjson") as file:
            assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    path.write_bytes(b"yesterday")
    with pytest.raises(OutputError, match="file exists") as caught:
        Appender(path)
    assert str(path) in str(caught.value)
    assert "Nothing is overwritten" in caught.value.hint
    assert path.read_bytes() == b"yesterday"


@posix
def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(OutputError, match="file exists"):
        Appender(link)
    assert not target.exists()
    target.write_bytes(b"kept")
    with pytest.raises(OutputError) as caught:
        Appender.resume(link, 0)
    assert "symbolic link" in caught.value.hint
    assert target.read_bytes() == b"kept"


def test_the_directory_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file") as caught:
        Appender(tmp_path / "none" / "records.csv")
    assert caught.value.hint == "Make the directory first."


@posix
def test_a_disk_that_takes_no_more_is_told_with_a_hint() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    with Appender(full, _flags=0) as file, pytest.raises(OutputError, match="no space left") as caught:
        file.append(b"x")
    assert "can be resumed" in caught.value.hint
    assert file.length == 0


@posix
def test_a_short_write_is_continued_until_all_is_written_or_refused(tmp_path: Path) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Appender(tmp_path / "records.ndjson") as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # the system then writes 64 bytes of 100, and next none
        try:
            with pytest.raises(OutputError, match="file too large"):
                file.append(b"x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert file.path.stat().st_size == 64
        assert file.length == 0, "what is not whole does not count"


def test_resuming_cuts_what_was_not_committed(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    path.write_bytes(b"one\ntwo\ntorn")
    with Appender.resume(path, 8) as file:
        assert file.length == 8
        assert file.append(b"three\n") == 14
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_resuming_a_file_that_lacks_committed_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    path.write_bytes(b"one\n")
    with pytest.raises(OutputError, match="has 4 bytes, and 8 were committed"):
        Appender.resume(path, 8)
    assert path.read_bytes() == b"one\n"
    with pytest.raises(OutputError, match="no such file"):
        Appender.resume(tmp_path / "none", 0)


def test_a_closed_file_takes_nothing(tmp_path: Path) -> None:
    file = Appender(tmp_path / "records.ndjson")
    file.close()
    with pytest.raises(OutputError, match="bad file descriptor"):
        file.append(b"x")
