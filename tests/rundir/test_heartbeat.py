"""When a process was alive for the last time: known within one boot, or not at all."""

import asyncio
import stat
import sys
from pathlib import Path

import orjson
import pytest

from bulkmail.rundir.heartbeat import INTERVAL, WIDTH, Heartbeat, beating, current, decode, elapsed, last, outlived
from bulkmail.testing import run

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells its boots apart")
NOW = Heartbeat("b", 100.0)


@pytest.mark.parametrize(
    ("since", "now", "expected"),
    [
        (Heartbeat("b", 40.5), NOW, 59.5),
        (Heartbeat("b", 99), NOW, 1.0),
        (Heartbeat("b", 100.0), NOW, 0.0),
        (Heartbeat("b", 101.0), NOW, 0.0),  # a clock that goes back tells nothing
        (Heartbeat("a", 40.5), NOW, 0.0),
        (Heartbeat(), NOW, 0.0),
        (Heartbeat("b", 40.5), Heartbeat(), 0.0),
        (Heartbeat(), Heartbeat(), 0.0),
    ],
)
def test_time_counts_within_one_boot_only(since: Heartbeat, now: Heartbeat, expected: float) -> None:
    assert elapsed(since, now) == expected


@pytest.mark.parametrize("found", [{"boot": "b", "up": "40.5"}, {"boot": "b"}, {"up": 40.5}, {"boot": 1, "up": 2}, {},
                                   7, {"boot": "b", "up": True}])  # fmt: skip
def test_what_is_not_a_heartbeat_is_unknown(found: object) -> None:
    assert decode(found) == Heartbeat()


@linux
def test_a_moment_is_of_this_boot_and_later_than_the_one_before() -> None:
    first, second = current(), current()
    assert first.boot == second.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert 0 < first.up <= second.up


def test_without_such_a_clock_nothing_is_known(tmp_path: Path) -> None:
    assert current(tmp_path / "none") == Heartbeat()


@pytest.mark.parametrize(
    "content", [b"", b'{"boot":"b","up":9', b"[1]", b"7", b"null", b"\xff\xfe", b"\0" * 80, b'"b"']
)
def test_a_torn_or_foreign_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ".alive"
    path.write_bytes(content)
    assert last(path) == Heartbeat()


def test_no_file_says_nothing(tmp_path: Path) -> None:
    assert last(tmp_path / ".alive") == Heartbeat()


@linux
def test_a_heartbeat_is_there_at_once_and_again_each_second_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / ".alive"
    path.write_bytes(b"x" * 70)  # of a process before, and shorter

    async def main() -> Heartbeat:
        begun = current()
        async with beating(path):
            first = last(path)
            assert elapsed(begun, first) >= 0
            assert first.boot == begun.boot
            for _ in range(3):
                path.unlink()
                await asyncio.sleep(1.5 * INTERVAL)
                assert elapsed(first, last(path)) >= 0
                assert last(path).up >= first.up
        path.unlink()
        await asyncio.sleep(5 * INTERVAL)
        assert not path.exists()
        return first

    assert run(main())


@linux
def test_one_heartbeat_covers_the_other_and_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / ".alive"

    async def main() -> None:
        async with beating(path):
            await asyncio.sleep(3.5 * INTERVAL)

    run(main())
    assert len(path.read_bytes()) == WIDTH
    assert set(orjson.loads(path.read_bytes())) == {"boot", "up"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_heartbeat_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)

    async def main() -> None:
        for path in (tmp_path / "none" / ".alive", tmp_path, link):
            async with beating(path):
                await asyncio.sleep(2 * INTERVAL)

    run(main())
    assert not target.exists(), "no symbolic link is followed"


def test_it_ends_with_what_it_surrounds(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            async with beating(tmp_path / ".alive"):
                raise KeyError
        assert len(asyncio.all_tasks()) == 1

    run(main())


@linux
def test_with_workers_it_is_a_lease_ahead_until_they_have_ended(tmp_path: Path) -> None:
    path = tmp_path / ".alive"

    async def main() -> None:
        async with beating(path, 500.0):
            now = current()
            assert 499 < last(path).up - now.up <= 500
            assert 499 < outlived(path, now) <= 500 + INTERVAL
            assert 0 < outlived(path, now._replace(up=now.up + 500.5)) < INTERVAL
            assert outlived(path, now._replace(up=now.up + 502)) == 0
        assert elapsed(last(path), current()._replace(up=current().up + 10)) > 9
        assert outlived(path, current()) == 0

    run(main())


@linux
def test_workers_that_may_not_have_ended_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / ".alive"

    async def main() -> None:
        with pytest.raises(KeyError):
            async with beating(path, 500.0):
                raise KeyError
        assert outlived(path, current()) > 499

    run(main())


@pytest.mark.parametrize(("content", "now", "seconds"), [
    (b'{"boot":"b","up":110.0,"lease":10.0}', NOW, 10.0 + INTERVAL),
    (b'{"boot":"b","up":104.0,"lease":10}', NOW, 4.0 + INTERVAL),
    (b'{"boot":"b","up":999.0,"lease":10.0}', NOW, 10.0 + INTERVAL),
    (b'{"boot":"b","up":60.0,"lease":10.0}', NOW, 0.0),
    (b'{"boot":"a","up":60.0,"lease":10.0}', NOW, 10.0 + INTERVAL),
    (b'{"lease":10.0}', Heartbeat(), 10.0 + INTERVAL),
    (b'{"boot":"b","up":99.0}', NOW, 0.0),
    (b'{"boot":"b","up":99.0,"lease":0}', NOW, 0.0),
    (b'{"boot":"b","up":9', NOW, 0.0), (b"[]", NOW, 0.0), (None, NOW, 0.0),
])  # fmt: skip
def test_how_long_workers_may_outlive_their_coordinator(
    tmp_path: Path, content: bytes | None, now: Heartbeat, seconds: float
) -> None:
    path = tmp_path / ".alive"
    if content is not None:
        path.write_bytes(content)
    assert outlived(path, now) == seconds
