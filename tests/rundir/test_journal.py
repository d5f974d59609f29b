"""A journal gives what was written, all of it and nothing else, or says that something else has changed the file."""

import random
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import Damaged
from bulkmail.rundir.journal import BLOCK, Journal, holding, read, sealed
from bulkmail.sink import Appender
from tests.torture.journal import Disk, Found, Written, bare, crashes, cuts, entries, flips, found, understood, written

LINES = understood(
    b"".join(
        (first := sealed([b'{"a":1}'], 0), second := sealed([b'{"b":"\xc3\xa9"}', b'{"c":3}'], len(first)),
         sealed([b'{"d":4}', b'{"e":5}'], len(first + second)))
    ),
    [0, len(first), len(first + second)],
)  # fmt: skip
"""Three groups: of one line, of two, of two."""


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    made = entries(random.Random(1), 50)
    with Appender(tmp_path / "journal") as file:
        journal = Journal(file)
        for start in range(0, 50, 7):
            journal.append(made[start : start + 7])
            assert repr(journal) == f"<Journal {file.path} length={file.length}>"
    got = found(file.path)
    assert got == Found([orjson.loads(entry) for entry in made], file.path.stat().st_size, damaged=False)


def test_a_line_is_json_whose_last_member_is_the_checksum_of_all_before_it() -> None:
    lines = sealed([b'{"a":1}', b'{"b":"\xc3\xa9"}'], 0).splitlines(keepends=True)
    assert lines == [b'{"a":1,"synced":0,"crc":"d8f2b3fe"}\n', b'{"b":"\xc3\xa9","crc":"7e1aaf1c"}\n']
    assert sealed([b'{"c":3}'], 4711) == b'{"c":3,"synced":4711,"crc":"e1613bf6"}\n'


def test_a_line_holds_at_its_own_place_only() -> None:
    line = sealed([b'{"a":1}'], 2**32 + 5)
    assert holding([line, line], [2**32 + 5, 6]) == 1
    assert holding([line], [6]) == 0
    assert holding([line[:-1]], [2**32 + 5]) == 0
    assert holding([b""], [0]) == 0


BODIES = st.lists(st.binary(max_size=40).map(lambda text: b'{"a":' + text.replace(b"\n", b"")), min_size=1)
STARTS = st.integers(0, 1 << 40)


def plainly(bodies: Sequence[bytes], start: int) -> list[bytes]:
    """The lines that bodies become, one by one."""
    lines: list[bytes] = []
    for body in bodies:
        offset = start + sum(map(len, lines))
        lines.append(body + b',"crc":"%08x"}\n' % crc32(body, offset & 0xFFFFFFFF))
    return lines


@given(BODIES, STARTS)
def test_lines_that_are_sealed_together_are_what_each_is_by_itself(bodies: list[bytes], start: int) -> None:
    first, *others = bodies
    expected = plainly([first + b',"synced":%d' % start, *others], start)
    assert sealed([body + b"}" for body in bodies], start) == b"".join(expected)


@given(BODIES, STARTS, st.data())
def test_lines_hold_to_the_first_that_is_not_as_it_was_written(
    bodies: list[bytes], start: int, data: st.DataObject
) -> None:
    lines = plainly(bodies, start)
    offsets = [*accumulate(map(len, lines), initial=start)]
    assert holding(lines, offsets) == len(lines)
    bad = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[bad]) - 1))
    byte = bytes([lines[bad][at] ^ data.draw(st.integers(1, 255))])
    lines[bad] = data.draw(
        st.sampled_from([lines[bad][:at] + byte + lines[bad][at + 1 :], lines[bad][:at], lines[bad] + byte])
    )
    assert holding(lines, offsets) == bad


def test_each_group_is_one_write_and_one_sync_in_this_order() -> None:
    asked: list[str] = []

    class Noting(Disk):
        def append(self, block: bytes, /) -> int:
            asked.append(f"append {block.count(b'crc')}")
            return super().append(block)

        def sync(self) -> None:
            asked.append("sync")
            super().sync()

    journal = Journal(Noting(Path("memory"), bytearray()))
    journal.append([b'{"a":1}', b'{"a":2}'])
    journal.append([])
    journal.append([b'{"a":3}'])
    assert asked == ["append 2", "sync", "append 1", "sync"]


def test_no_file_and_an_empty_one_hold_nothing(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []
    (tmp_path / "empty").write_bytes(b"")
    assert list(read(tmp_path / "empty")) == []


def test_cut_at_every_byte_it_gives_exactly_what_was_whole(tmp_path: Path) -> None:
    journal = written(random.Random(2), 5_000)
    assert len(journal.groups) > 4
    assert journal.content.decode().isascii() is False
    assert cuts(journal, tmp_path / "journal", range(len(journal.content), -1, -1)) == len(journal.content) + 1


def test_a_journal_of_many_blocks_is_read_as_one_of_few_is(tmp_path: Path) -> None:
    journal, path = written(random.Random(7), 3 * BLOCK), tmp_path / "journal"
    borders = [length for block in (3, 2, 1) for length in range(block * BLOCK + 200, block * BLOCK - 200, -25)]
    assert cuts(journal, path, [len(journal.content), *borders]) == 49
    assert flips(journal, path, [8 * length for length in borders if length < len(journal.content)]) > 40
    path.write_bytes(journal.content)
    kept = [entry for entry in journal.entries if "after" not in entry]
    assert [bare(entry) for _, entry in read(path, without=b'"after":')] == kept
    assert len(kept) < len(journal.entries)


def test_a_line_may_be_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(sealed([b'{"a":"%b"}' % (b"x" * 3 * BLOCK), b'{"b":2}'], 0))
    assert [list(bare(entry)) for _, entry in read(path)] == [["a"], ["b"]]


def test_no_single_bit_that_flips_is_overlooked(tmp_path: Path) -> None:
    journal = written(random.Random(3), 3_000)
    assert flips(journal, tmp_path / "journal", range(0, 8 * len(journal.content), 7)) > 3_000


def test_a_crash_of_the_machine_loses_nothing_that_was_synced_and_invents_nothing(tmp_path: Path) -> None:
    kept = list(crashes(random.Random(5), tmp_path, 500))
    assert len(kept) == 500
    assert len(set(kept)) > 20, "the crashes are all alike"


@given(st.lists(st.integers(0, 4), max_size=8))
def test_lines_moved_doubled_or_taken_out_are_found(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "order"
    check_edited(LINES, path, order)


@pytest.mark.parametrize("order", [[0, 2, 3, 4], [0, 1, 3, 4], [1, 2, 3, 4], [0, 0, 1, 2, 3, 4], [0, 2, 1, 3, 4]])
def test_an_edit_before_the_last_group_is_damage(tmp_path: Path, order: list[int]) -> None:
    assert check_edited(LINES, tmp_path / "order", order).damaged


def check_edited(journal: Written, path: Path, order: list[int]) -> Found:
    """All of the front that is as it was is given, and the rest is damage if a line there speaks of more."""
    lines = journal.content.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number] for number in order))
    right = next((place for place, number in enumerate(order) if place != number), len(order))
    length = sum(map(len, lines[:right]))
    starts = dict(zip((0, *journal.ends), range(len(lines)), strict=False))
    heads = {starts[group]: group for group in journal.groups}
    damaged = any(heads.get(number, 0) > length for number in order[right:])
    got = found(path)
    assert got == Found(journal.entries[:right], length, damaged)
    return got


@pytest.mark.parametrize(("old", "new"), [(b"\n", b"\r\n"), (b"\n", b" "), (b"\n", b""), (b'{"a', b'\xef\xbb\xbf{"a')])
def test_a_file_that_an_editor_has_saved_its_own_way_is_damage(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(LINES.content.replace(old, new))
    with pytest.raises(Damaged, match="damaged at byte 0, though it was written and safe") as caught:
        list(read(path))
    assert str(path) in str(caught.value)
    assert "from a backup" in caught.value.hint


def test_what_stands_before_the_damage_is_given_first(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(LINES.content.replace(b'"b"', b'"B"'))
    lines = read(path)
    assert next(lines) == (LINES.ends[0], {"a": 1, "synced": 0, "crc": "d8f2b3fe"})
    with pytest.raises(Damaged, match=f"at byte {LINES.ends[0]},"):
        next(lines)


def test_what_is_read_without_some_lines_gives_the_others_at_their_own_places_and_overlooks_no_damage(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    path.write_bytes(LINES.content)
    everything = list(read(path))
    assert list(read(path, without=b'"c":')) == everything[:2] + everything[3:]
    path.write_bytes(LINES.content.replace(b'"c":3', b'"c":4'))
    with pytest.raises(Damaged, match=f"at byte {everything[1].end},"):
        list(read(path, without=b'"c":'))


@pytest.mark.parametrize("end", [
    b'{"f":6,"synced":9999,"crc":"00000000"}\n',  # a proof that does not hold
    b',"synced":9999,"crc":"00000000"}\n',
    b'{"f":6,"synced":' + b"9" * 5000 + b',"crc":"00000000"}\n',
    b'{"f":6,"crc":"00000000"}\n' + sealed([b'{"g":7}'], 3),  # a proof of less than what holds
    b"\n", b"\0" * 600, b'{"f', b"}\n{",
])  # fmt: skip
def test_what_proves_nothing_is_a_torn_end(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(LINES.content + end)
    assert found(path) == Found(LINES.entries, LINES.ends[-1], damaged=False)
