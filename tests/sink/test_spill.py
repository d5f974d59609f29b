"""Rows past what memory may hold lie in private files, in their order, and what is held is counted."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.errors import OutputError
from bulkmail.sink.spill import Spills
from bulkmail.testing import run

SINKS = 2


@settings(max_examples=60)
@given(
    chunks=st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=40)), max_size=12),
    one=st.integers(0, 60),
    all_=st.integers(0, 100),
)
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[bytes, bytes]], one: int, all_: int
) -> None:
    spills = Spills(tmp_path_factory.mktemp("spill") / "own", one=one, all_=all_)
    spill = spills.open(SINKS)

    async def main() -> None:
        for chunk in chunks:
            await spill.add(chunk)
            assert spills.held <= min(one, all_)

    run(main())
    for sink, block in enumerate(spill.blocks):
        wanted = b"".join(chunk[sink] for chunk in chunks)
        assert b"".join(block) == b"".join(block) == wanted
        assert len(block) == len(wanted)
    spill.release()
    assert spills.held == 0
    spill.remove()
    assert not spills.folder.exists() or not [*spills.folder.iterdir()]
    spills.clear()
    assert not spills.folder.exists()


def test_files_are_private_and_those_of_two_mailboxes_are_apart(tmp_path: Path) -> None:
    spills = Spills(tmp_path / "own", one=1)

    async def main() -> None:
        first, second = spills.open(1), spills.open(1)
        for rows in (b"a1", b"a2"):
            await first.add([rows])
        await second.add([b"b1"])
        assert [b"".join(spill.blocks[0]) for spill in (first, second)] == [b"a1a2", b"b1"]

    run(main())
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "own").iterdir()] == [0o600] * 2


def test_the_bound_for_all_is_kept_by_whoever_comes_last(tmp_path: Path) -> None:
    spills = Spills(tmp_path / "own", one=100, all_=50)

    async def main() -> None:
        several = [spills.open(1) for _ in range(20)]
        for spill in several:
            await spill.add([b"x" * 30])
        assert spills.held == 30
        assert [len(spill.blocks[0]) for spill in several] == [30] * 20

    run(main())
    assert len([*(tmp_path / "own").iterdir()]) == 19


def test_a_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    spills = Spills(tmp_path / "own", one=1)
    spill = spills.open(1)
    run(spill.add([b"some rows"]))
    spill.blocks[0].path.write_bytes(b"some")
    with pytest.raises(OutputError, match="cut short"):
        list(spill.blocks[0])


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "own").write_bytes(b"not a folder")
    with pytest.raises(OutputError):
        run(Spills(tmp_path / "own", one=1).open(1).add([b"rows"]))
