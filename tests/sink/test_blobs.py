"""Blobs grow by whole pieces; what was not committed is taken back, at once or by the next process."""

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import OutputError, TaskMistake
from bulkmail.model import Mailbox
from bulkmail.sink.blobs import WORTH, Blobs, MailboxBlobs, Writing, recover_blobs
from bulkmail.streams import Blob
from bulkmail.testing import run

ADA = Mailbox("ada@contoso.com", 7)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


async def written(mailbox: MailboxBlobs, name: str, *chunks: bytes) -> Blob:
    async with mailbox.open(name) as file:
        for chunk in chunks:
            await file.write(chunk)
    return file.blob


async def fails_within(file: Writing) -> None:
    async with file:
        await file.write(b"half of")
        raise KeyError


def held(blobs: Blobs) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in blobs.folder.glob("*/*")}


class Brackets:
    """A frame: how long what is in it is stands before it, and a mark behind it."""

    head = 5

    def around(self, size: int, sha256: str) -> tuple[bytes, bytes]:
        assert len(sha256) == 64
        return f"<{size:03}:".encode(), b">"


def test_what_stands_around_a_blob_is_no_part_of_it(blobs: Blobs) -> None:
    async def main() -> None:
        mailbox = blobs.of(ADA)
        first = await framed(mailbox, b"one ", b"two")
        assert first[1:] == (5, 7, hashlib.sha256(b"one two").hexdigest())
        assert mailbox.commit() == {"archive": 13}
        with pytest.raises(KeyError):
            await fails_within(mailbox.open("archive", Brackets()))
        assert held(blobs)["archive"] == b"<007:one two>"
        second = await framed(mailbox)
        assert second[1:3] == (18, 0)
        assert (await written(mailbox, "archive", b"end")).offset == 19
        assert mailbox.commit() == {"archive": 22}

    run(main())
    assert held(blobs) == {"archive": b"<007:one two><000:>end"}
    blobs.close()


async def framed(mailbox: MailboxBlobs, *chunks: bytes) -> Blob:
    async with mailbox.open("archive", Brackets()) as file:
        for chunk in chunks:
            await file.write(chunk)
    return file.blob


def test_a_blob_says_where_it_lies(blobs: Blobs) -> None:
    async def main() -> None:
        mailbox = blobs.of(ADA)
        first = await written(mailbox, "Inbox.mbox", b"one ", b"two")
        second = await written(mailbox, "inbox.mbox", b"three")
        empty = await written(mailbox, "empty")
        path = "blobs/7-ada@contoso.com/inbox.mbox"
        assert first == Blob(path, 0, 7, hashlib.sha256(b"one two").hexdigest())
        assert second == Blob(path, 7, 5, hashlib.sha256(b"three").hexdigest())
        assert (empty.bytes, empty.sha256) == (0, hashlib.sha256().hexdigest())
        assert mailbox.commit() == {"inbox.mbox": 12, "empty": 0}
        assert mailbox.commit() == {}

    run(main())
    assert held(blobs) == {"inbox.mbox": b"one twothree", "empty": b""}
    modes = [path.stat().st_mode & 0o777 for path in sorted(blobs.folder.glob("**/*"))]
    assert modes == [0o700, 0o600, 0o600]
    blobs.close()


def test_what_has_digests_of_its_own_needs_no_other(blobs: Blobs) -> None:
    async def main() -> None:
        async with blobs.of(ADA).open("archive", hashed=False) as file:
            await file.write(b"members")
        assert file.blob == Blob("blobs/7-ada@contoso.com/archive", 0, 7, "")

    run(main())
    blobs.close()


def test_a_blob_that_ends_with_an_error_leaves_nothing(blobs: Blobs) -> None:
    async def main() -> None:
        mailbox = blobs.of(ADA)
        await written(mailbox, "archive", b"kept")
        file = mailbox.open("archive")
        with pytest.raises(KeyError):
            await fails_within(file)
        with pytest.raises(TaskMistake, match="not finished"):
            _ = file.blob
        assert (await written(mailbox, "archive", b"more")).offset == 4

    run(main())
    assert held(blobs) == {"archive": b"keptmore"}


def test_one_blob_at_a_time_in_a_file_and_none_in_a_commit(blobs: Blobs) -> None:
    async def main() -> None:
        mailbox = blobs.of(ADA)
        async with mailbox.open("a"), mailbox.open("b"):
            with pytest.raises(TaskMistake, match="a is being written to already"):
                await written(mailbox, "A", b"")
            with pytest.raises(TaskMistake, match="a is still being written to"):
                mailbox.commit()
        assert mailbox.commit() == {"a": 0, "b": 0}

    run(main())


def test_a_blob_is_written_within_its_block_only(blobs: Blobs) -> None:
    with pytest.raises(TaskMistake, match="async with"):
        run(blobs.of(ADA).open("a").write(b"early"))


def test_a_cancelled_write_is_waited_for(blobs: Blobs) -> None:
    """A thread cannot be stopped: nothing may be cut while it still writes."""

    async def main() -> None:
        going, may_end = threading.Event(), threading.Event()
        ended: list[str] = []

        def slowly() -> None:
            going.set()
            assert may_end.wait(60)
            ended.append("written")

        working = asyncio.create_task(blobs.in_thread(slowly))
        await asyncio.to_thread(going.wait)
        working.cancel()
        await asyncio.sleep(0)
        assert not working.done()
        may_end.set()
        await asyncio.wait([working])
        assert working.cancelled()
        assert ended == ["written"]

    asyncio.run(main())
    blobs.close()


@pytest.mark.parametrize(("content", "left"), [(bytes(WORTH), {}), (b"x", {"a": 1})])
def test_a_cancelled_blob_is_whole_or_is_not_there(blobs: Blobs, content: bytes, left: dict[str, int]) -> None:
    """A small one is opened, written and ended by one journey to a thread, a large one only opened by its first."""

    async def main() -> None:
        mailbox = blobs.of(ADA)
        opening = asyncio.create_task(written(mailbox, "a", content))
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        assert mailbox.lengths == left
        await mailbox.roll_back()
        assert held(blobs) == {}
        assert await written(mailbox, "a", b"y") == Blob(
            "blobs/7-ada@contoso.com/a", 0, 1, hashlib.sha256(b"y").hexdigest()
        )

    asyncio.run(main())
    blobs.close()


steps = st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=5)), max_size=8)


@settings(max_examples=50)
@given(parts=st.lists(steps, max_size=4), last=steps, surplus=st.booleans())
def test_what_is_not_committed_is_taken_back(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[str, bytes]]], last: list[tuple[str, bytes]],
    surplus: bool,
) -> None:  # fmt: skip
    """At once where the mailbox fails, or by the process that resumes the run: both find what was committed."""
    blobs = Blobs(tmp_path_factory.mktemp("run") / "blobs")
    model: dict[str, bytes] = {}
    lengths: dict[str, int] = {}

    async def main() -> None:
        mailbox = blobs.of(ADA)
        for part in parts:
            for name, content in part:
                await written(mailbox, name, content)
                model[name] = model.get(name, b"") + content
            lengths.update(mailbox.commit())
            mailbox.sync({name: 0 for name, _ in part})
        for name, content in last:
            await written(mailbox, name, content)
        if not surplus:
            await mailbox.roll_back()

    run(main())
    recover_blobs(blobs.folder, lambda _row: False, {ADA.row: lengths})
    assert held(blobs) == model
    blobs.close()


def test_recovery_leaves_what_is_done_and_what_is_not_ours(tmp_path: Path) -> None:
    for own in ("2-done", "3-reached", "4-begun", "notes"):
        (tmp_path / own).mkdir()
        (tmp_path / own / "file").write_bytes(b"12345")
        (tmp_path / own / "other").write_bytes(b"x")
    recover_blobs(tmp_path, lambda row: row == 2, {3: {"file": 3}})
    assert {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.glob("*/*")} == {
        "2-done/file": b"12345", "2-done/other": b"x", "3-reached/file": b"123", "notes/file": b"12345",
        "notes/other": b"x",
    }  # fmt: skip
    recover_blobs(tmp_path / "nowhere", lambda row: True, {5: {}})


@pytest.mark.parametrize("left", [None, b"12"])
def test_a_file_that_lacks_what_was_committed_is_refused(tmp_path: Path, left: bytes | None) -> None:
    (tmp_path / "3-ada").mkdir()
    if left is not None:
        (tmp_path / "3-ada" / "file").write_bytes(left)
    with pytest.raises(OutputError, match=r"and 3 were committed|is gone, and was committed"):
        recover_blobs(tmp_path, lambda row: False, {3: {"file": 3}})


@pytest.mark.parametrize("place", [".", "nowhere"])
def test_a_folder_that_is_gone_with_what_was_committed_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "3-ada").mkdir()
    with pytest.raises(OutputError, match="the folder of row 4 is gone"):
        recover_blobs(tmp_path / place, lambda row: row == 3, {4: {"file": 3}})


def test_a_copy_that_was_not_finished_is_made_once_more(tmp_path: Path) -> None:
    """As where the disk was full; whether it or its file is found first."""
    (tmp_path / "3-ada").mkdir()
    for name in "abcdefgh":
        (tmp_path / "3-ada" / name).write_bytes(b"12345")
        (tmp_path / "3-ada" / f".{name}.anew").write_bytes(b"1")
    recover_blobs(tmp_path, lambda _row: False, {3: dict.fromkeys("abcdefgh", 3)}, anew=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "3-ada").iterdir()} == dict.fromkeys(
        "abcdefgh", b"123"
    )


def test_blobs_are_not_written_through_a_link(tmp_path: Path, blobs: Blobs) -> None:
    (tmp_path / "blobs" / "7-ada@contoso.com").mkdir(parents=True)
    (tmp_path / "blobs" / "7-ada@contoso.com" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="symbolic link"):
        run(written(blobs.of(ADA), "a", b"x"))
    assert not (tmp_path / "elsewhere").exists()
