"""What can happen to a journal's bytes, all of it: cuts, flipped bits, crashes of the machine. Needs no process.

`check` does everything once and gives a report; the tests beside the journal do a slice.
"""

import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bulkmail.errors import Damaged
from bulkmail.rundir.journal import Journal, read
from bulkmail.sink import Appender

SECTOR = 512
CUT, FLIPPED, IMAGES = 41_000, 40_960, 20_000  # bytes of a journal, twice, and crash images

NAMES = ("Ada Lovelace", "Zoë Ångström", "Łukasz Żółć", "李小龍", "נועה", "Ελένη", "Ада", "😀 Team", 'quote"d \\ {}')


def entries(dice: random.Random, number: int) -> list[bytes]:
    """Entries as long as those of a ledger, with texts from everywhere, some of which look like what seals a line."""
    made = []
    for row in range(number):
        entry: dict[str, Any] = {"change": row, "row": dice.randrange(10**6), "key": dice.choice(NAMES)}
        if dice.random() < 0.1:
            entry["after"] = [{"text": '}\n{"', "synced": 7}, {"text": ',"synced":7,"crc":"00000000"}\n'}]
        entry["path"] = "/users/" + "x" * dice.randrange(120)
        made.append(orjson.dumps(entry))
    return made


@dataclass(slots=True)
class Disk:
    """A file in memory that knows what of it was synced."""

    path: Path
    content: bytearray
    length: int = 0
    durable: int = 0

    def append(self, block: bytes, /) -> int:
        self.content += block
        self.length += len(block)
        return self.length

    def sync(self) -> None:
        self.durable = self.length


@dataclass(frozen=True, slots=True)
class Written:
    """A journal as it should be: its bytes, its entries, where each of them ends, and where its groups begin."""

    content: bytes
    entries: list[dict[str, Any]]
    ends: list[int]
    groups: list[int]

    def whole(self, length: int) -> list[dict[str, Any]]:
        """The entries that end within `length`."""
        return [entry for entry, end in zip(self.entries, self.ends, strict=True) if end <= length]


def written(dice: random.Random, size: int) -> Written:
    """A journal of `size` bytes at least, in groups of one to nine."""
    disk = Disk(Path("memory"), bytearray())
    journal, groups = Journal(disk), list[int]()
    while disk.length < size:
        groups.append(disk.length)
        journal.append(entries(dice, dice.randrange(1, 10)))
    return understood(bytes(disk.content), groups)


def understood(content: bytes, groups: Sequence[int]) -> Written:
    """Read by other means than the journal's own: a line is JSON, and its seal is left away."""
    lines = content.splitlines(keepends=True)
    found = [bare(orjson.loads(line)) for line in lines]
    ends, end = [], 0
    for line in lines:
        end += len(line)
        ends.append(end)
    return Written(content, found, ends, list(groups))


def bare(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what the journal has added."""
    return {key: value for key, value in entry.items() if key not in ("crc", "synced")}


@dataclass(frozen=True, slots=True)
class Found:
    """What reading gave: the entries, where the last of them ends, and whether damage was seen behind it."""

    entries: list[dict[str, Any]]
    length: int
    damaged: bool


def found(path: Path) -> Found:
    got: list[dict[str, Any]] = []
    length, damaged = 0, False
    try:
        for end, entry in read(path):
            length = end
            got.append(bare(entry))
    except Damaged:
        damaged = True
    return Found(got, length, damaged)


def cuts(journal: Written, path: Path, lengths: Iterable[int]) -> int:
    """A journal that ends anywhere gives exactly the entries that were whole, and is never taken for damaged."""
    number = 0
    path.write_bytes(journal.content)
    with path.open("r+b") as file:
        for length in lengths:  # downwards
            file.truncate(length)
            got = found(path)
            assert not got.damaged, f"cut at {length}: taken for damaged"
            assert got.entries == journal.whole(length), f"cut at {length}: {len(got.entries)} entries"
            number += 1
    return number


def flips(journal: Written, path: Path, bits: Iterable[int]) -> int:
    """With one bit wrong, all before it is found, nothing behind it, and it is damage if it had been on the disk."""
    number = 0
    path.write_bytes(journal.content)
    with path.open("r+b", buffering=0) as file:
        for bit in bits:
            place, right = bit >> 3, journal.content[bit >> 3]
            file.seek(place)
            file.write(bytes([right ^ 1 << (bit & 7)]))
            got = found(path)
            assert got.entries == journal.whole(place), f"bit {bit}: {len(got.entries)} entries"
            assert got.damaged == (place < journal.groups[-1]), f"bit {bit}: damaged is {got.damaged}"
            file.seek(place)
            file.write(bytes([right]))
            number += 1
    return number


def crashed(dice: random.Random, disk: Disk) -> bytes:
    """What the machine finds after a power cut: each sector that was not synced is there, empty, or anything."""
    image = disk.content[: dice.randint(disk.durable, disk.length)]
    start = disk.durable
    while start < len(image):
        end = min(len(image), start - start % SECTOR + SECTOR)
        fate = dice.choice(("kept", "kept", "empty", "garbled", "flipped"))
        if fate == "empty":
            image[start:end] = bytes(end - start)
        elif fate == "garbled":
            image[start:end] = dice.randbytes(end - start)
        elif fate == "flipped":
            image[dice.randrange(start, end)] ^= 1 << dice.randrange(8)
        start = end
    return bytes(image)


def crashes(dice: random.Random, folder: Path, number: int) -> Iterator[int]:
    """`number` crashes, each of a journal that recovers and goes on until the next. Yields entries that were kept."""
    path, disk = folder / "crashed", Disk(Path("memory"), bytearray())
    safe: list[dict[str, Any]] = []
    for _ in range(number):
        if disk.length > 16 * SECTOR:
            disk, safe = Disk(Path("memory"), bytearray()), []
        journal = Journal(disk)
        for _ in range(dice.randrange(3)):
            group = entries(dice, dice.randrange(1, 9))
            journal.append(group)
            safe += map(orjson.loads, group)
        last, durable = entries(dice, dice.randrange(1, 15)), disk.durable
        journal.append(last)
        disk.durable = durable  # the power fails before the last sync returns
        path.write_bytes(crashed(dice, disk))
        got, written = found(path), safe + [orjson.loads(entry) for entry in last]
        assert not got.damaged, "a crash is taken for damage"
        assert len(got.entries) >= len(safe), "what was synced is lost"
        assert got.entries == written[: len(got.entries)], "something is there that was not written"
        more = entries(dice, 2)
        with Appender.resume(path, got.length) as file:
            Journal(file).append(more)
        safe = [*got.entries, *map(orjson.loads, more)]
        assert found(path) == Found(safe, path.stat().st_size, damaged=False), "what recovered does not read whole"
        disk = Disk(Path("memory"), bytearray(path.read_bytes()))
        disk.length = disk.durable = len(disk.content)
        yield len(got.entries)


def check(seed: int = 4) -> list[str]:
    """All of it. Raises AssertionError where a promise is broken."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cut = written(dice, CUT)
        cut_at = cuts(cut, folder / "cut", range(len(cut.content), -1, -1))
        flipped = written(dice, FLIPPED)
        bits = flips(flipped, folder / "flipped", range(8 * len(flipped.content)))
        images = sum(1 for _ in crashes(dice, folder, IMAGES))
    return [
        f"journal: {cut_at:,} cuts of {len(cut.entries):,} entries in {len(cut.groups)} groups; 0 lost, 0 false",
        f"journal: {bits:,} single bits flipped in {len(flipped.content):,} bytes; 0 accepted, 0 missed",
        f"journal: {images:,} crash images; 0 synced entries lost, 0 false, all go on and read whole",
    ]


if __name__ == "__main__":
    print("\n".join(check()))
