"""The run directory: private, held by one process, never written over."""

import json
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from bulkmail.errors import InputError, OutputError, RunHeld, UsageError
from bulkmail.rundir.folder import LOCK, existing, hold, identity, is_held, name, open_folder, require_itself
from bulkmail.rundir.manifest import MANIFEST
from tests.rundir.test_manifest import BEGUN

posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    try:
        yield request.param
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_template_is_filled_in() -> None:
    now = datetime(2026, 11, 23, 22, 15, 3, tzinfo=UTC)
    assert name("out/{task}-{date}/{time}", "settings.report", now) == Path("out/settings.report-2026-11-23/221503")


def test_a_job_has_a_name_and_another_word_is_refused() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert name("out/{job}", "settings.report", now, "contoso") == Path("out/contoso")
    with pytest.raises(UsageError, match=r"\{dat\} is not filled in; did you mean \{date\}\?"):
        name("out/{dat}", "settings.report", now)


@posix
def test_it_is_private_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    with open_folder(tmp_path / "run") as folder:
        BEGUN.write(folder)
        assert mode(folder) == 0o700
        assert mode(folder / MANIFEST) == mode(folder / LOCK) == 0o600


def test_an_earlier_run_is_left_alone(tmp_path: Path) -> None:
    made = []
    for _ in range(3):
        with open_folder(tmp_path / "deep" / "run") as folder:
            BEGUN.write(folder)
            made.append(folder.name)
    assert made == ["run", "run-2", "run-3"]


def test_a_directory_without_a_run_is_taken(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with open_folder(tmp_path / "run") as folder:
        assert folder == tmp_path / "run"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with open_folder(tmp_path / "run") as folder:
        (folder / MANIFEST).write_text(json.dumps({**BEGUN.as_json(), "pid": 12, "host": "there\u001b"}))
        with pytest.raises(RunHeld, match=r"held by process 12 on 'there\\x1b'"), open_folder(tmp_path / "run"):
            pass
    with open_folder(tmp_path / "run") as following:
        assert following.name == "run-2"


def test_a_process_that_has_said_nothing_yet_is_another_one(tmp_path: Path) -> None:
    with open_folder(tmp_path / "run"):
        with pytest.raises(RunHeld, match="held by another process"), open_folder(tmp_path / "run"):
            pass
        assert not (tmp_path / "run-2").exists()


def test_an_older_run_that_is_held_stops_no_new_one(tmp_path: Path) -> None:
    """Such as one that is just taken back."""
    for _ in range(2):
        with open_folder(tmp_path / "run") as folder:
            BEGUN.write(folder)
    with hold(tmp_path / "run"), open_folder(tmp_path / "run") as newest:
        assert newest.name == "run-3"
        BEGUN.write(newest)
        with pytest.raises(RunHeld), open_folder(tmp_path / "run"):
            pass


@pytest.mark.parametrize("name", ["failed.csv", "records.csv", "records.calendar.permissions.csv"])
def test_a_directory_with_files_that_a_run_would_write_is_refused(name: str, tmp_path: Path) -> None:
    """Such as the very list that is to be worked on."""
    (tmp_path / name).write_text("mailbox\n")
    with pytest.raises(OutputError, match=f"holds {re.escape(name)} and is not a run"), open_folder(tmp_path):
        pass
    assert (tmp_path / name).read_text() == "mailbox\n"


def test_an_existing_run_has_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a run directory"):
        existing(tmp_path)
    BEGUN.write(tmp_path)
    assert existing(tmp_path) == tmp_path


@posix
def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(OutputError, match="cannot hold"), hold(tmp_path):
        pass


def test_what_a_killed_process_had_not_finished_goes(tmp_path: Path) -> None:
    with open_folder(tmp_path / "run") as folder:
        BEGUN.write(folder)
        (folder / ".0123.new").write_bytes(b"half")
        (folder / ".4567.new").mkdir()  # cannot be removed like a file, and does no harm
    with hold(folder):
        assert sorted(path.name for path in folder.iterdir()) == [".4567.new", LOCK, MANIFEST]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="finds the open file where Linux shows it")
def test_a_lock_that_cannot_be_given_back_spoils_nothing(tmp_path: Path) -> None:
    """As on a network disk that went away when all was written."""
    lock = tmp_path / "run" / LOCK
    with open_folder(lock.parent):
        (handle,) = (fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink() and fd.readlink() == lock)
        os.close(int(handle.name))


def test_the_hold_ends_with_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), open_folder(tmp_path / "run"):
        raise KeyError
    with FileLock(tmp_path / "run" / LOCK, timeout=0) as lock:
        assert lock.is_locked


def test_what_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for wanted in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError), open_folder(wanted):
            pass
    assert (tmp_path / "file").read_text() == "mine"


def test_whether_a_process_works_in_it(tmp_path: Path) -> None:
    assert not is_held(tmp_path), "no process ever has"
    with hold(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_where_that_cannot_be_told_none_does(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    assert not is_held(tmp_path)


def test_a_directory_is_told_from_another_one_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    was = identity(tmp_path / "run")
    require_itself(tmp_path / "run", was)
    (tmp_path / "run").rename(tmp_path / "moved")
    with pytest.raises(OutputError, match="is gone"):
        identity(tmp_path / "run")
    (tmp_path / "run").mkdir()
    with pytest.raises(OutputError, match="is another directory"):
        require_itself(tmp_path / "run", was)


def test_what_may_not_be_looked_at_is_told(tmp_path: Path) -> None:
    """A name that is too long is refused by the system as a folder is that is another person's."""
    unseen = tmp_path / ("x" * 300)
    with pytest.raises(OutputError, match="cannot look for"), open_folder(unseen):
        pass
    with pytest.raises(InputError, match="cannot look into"):
        existing(unseen)
