"""A file is replaced whole or not at all, by however many at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread

import pytest

from bulkmail.atomic import UNFINISHED, Change, create, persistently, replace, replacing, restrict, sync
from bulkmail.errors import OutputError


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    replace(path, b"one")
    replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    replace(path, b"one")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"two")
            assert len(list(tmp_path.glob(UNFINISHED))) == 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OutputError, match=r"cannot write .*run\.json"):
        replace(path, b"x")
    with pytest.raises(OutputError, match="cannot write"):
        replace(tmp_path / "nowhere" / "run.json", b"x")
    assert (path / "inside").exists()
    assert list(tmp_path.iterdir()) == [path]


def test_what_exists_is_not_created(tmp_path: Path) -> None:
    create(tmp_path / "file", b"old")
    with pytest.raises(OutputError, match="exists already"):
        create(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    with pytest.raises(OutputError, match="cannot write"):
        create(tmp_path / "file" / "below", b"new")


def test_two_that_write_at_the_same_time_do_not_mix_and_neither_fails(tmp_path: Path) -> None:
    """As when the end of a run is written while a thread that was given up still writes its start."""
    path, together = tmp_path / "run.json", Barrier(2, timeout=60)
    contents, failures = (b"a" * 100_000, b"b" * 99_999), list[BaseException]()

    def write(content: bytes) -> None:
        try:
            with replacing(path) as file:
                together.wait()  # both have begun
                file.write(content)
                together.wait()  # both have written, and neither has moved its own
        except BaseException as error:  # noqa: BLE001 - told in the thread of the test
            failures.append(error)

    threads = [Thread(target=write, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="there is nothing to sync elsewhere")
def test_a_folder_that_is_not_there_cannot_be_synced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot sync"):
        sync(tmp_path / "nowhere")


@pytest.mark.parametrize("refusals", range(6))
def test_a_file_that_is_open_for_a_moment_is_replaced_after_it(refusals: int) -> None:
    left, waited, moved = [PermissionError(13, "in use")] * refusals, list[float](), list[bool]()

    def move() -> None:
        if left:
            raise left.pop()
        moved.append(True)

    persistently(move, 5, waited.append)
    assert moved == [True]
    assert waited == [0.01, 0.02, 0.04, 0.08, 0.16][:refusals]


def test_one_that_stays_open_is_an_error_in_the_end() -> None:
    waited = list[float]()

    def move() -> None:
        raise PermissionError(13, "in use")

    with pytest.raises(PermissionError):
        persistently(move, 5, waited.append)
    assert sum(waited) == pytest.approx(0.31)


def refuse(_descriptor: int, _mode: int) -> None:
    raise PermissionError(1, "there are no modes here")


@pytest.mark.parametrize("change", [None, refuse], ids=["Windows", "no modes"])
def test_a_file_stays_as_it_is_where_there_are_no_modes(tmp_path: Path, change: Change | None) -> None:
    (tmp_path / "file").write_bytes(b"one")
    with (tmp_path / "file").open("r+b") as file:
        restrict(file.fileno(), 0o400, change)
    (tmp_path / "file").write_bytes(b"two")
    assert (tmp_path / "file").read_bytes() == b"two"


@pytest.mark.skipif(os.name != "posix", reason="there are no modes elsewhere")
def test_a_file_has_exactly_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o777)
    with path.open("r+b") as file:
        restrict(file.fileno())
        assert path.stat().st_mode & 0o777 == 0o600
        restrict(file.fileno(), 0o644)
        assert path.stat().st_mode & 0o777 == 0o644


def test_of_several_that_create_a_file_one_succeeds_and_all_find_it_whole(tmp_path: Path) -> None:
    path, start, found = tmp_path / "key", Barrier(8), list[bytes]()

    def make(content: bytes) -> bool:
        start.wait()
        try:
            create(path, content)
        except OutputError:
            return False
        finally:
            found.append(path.read_bytes())
        return True

    contents = [bytes([65 + each]) * 100_000 for each in range(8)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(make, contents))
    assert made.count(True) == 1
    assert set(found) == {contents[made.index(True)]}
    assert list(tmp_path.iterdir()) == [path]


def without_links(_from: Path, _to: Path) -> None:
    raise PermissionError(1, "there are no links here")


def test_a_file_system_without_links_is_good_enough(tmp_path: Path) -> None:
    create(tmp_path / "key", b"one", link=without_links)
    with pytest.raises(OutputError, match="exists already"):
        create(tmp_path / "key", b"two", link=without_links)
    assert (tmp_path / "key").read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]
