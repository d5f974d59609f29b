"""A file of JSON lines that is true whatever happened to the process, and shows when it is not. Knows no mailbox.

Every line ends in `"crc":"xxxxxxxx"`: the CRC-32 of what stands before it, begun with the offset of the line, so that a
line that was moved, doubled or taken out is found like one that was altered. Lines are written in groups, one write and
one sync each; the first of a group has `"synced":4711`, its own offset: everything before it was durable by then.

So a journal that broke off differs from one that was damaged. A line whose checksum does not hold is a torn end and is
cut off, unless a line behind it that does hold at its own offset, wherever it stands now, proves that more had been on
the disk: then something else has changed the file, and nothing is guessed. The first line names the run, so that the
journal of another one is not taken for this run's. (SQLite's journal and restic's pack files
keep the same order: a claim is durable before what relies on it.)
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress, count
from operator import add, itemgetter, not_
from pathlib import Path
from struct import pack
from typing import Any, NamedTuple, Protocol
from zlib import crc32

import orjson

from bulkmail.errors import Damaged
from bulkmail.sink.appender import os_errors_as_output_error

_TAIL = len(b',"crc":"00000000"}\n')
_open, _body, _tail = itemgetter(slice(-1)), itemgetter(slice(-_TAIL)), itemgetter(slice(-_TAIL, None))
_SEAL = re.compile(rb',"crc":"[0-9a-f]{8}"\}')  # ends a line, even one that has run into the next
_SYNCED = re.compile(rb',"synced":([0-9]{1,19})\Z')
_RUN = re.compile(rb',"run":"([0-9a-f]{32})","synced":0\Z')

BLOCK = 1 << 16
"""Bytes that are read at a time, and the rest of the line that they end in."""


class File(Protocol):
    """Where a journal is written; `sync` returns when what was appended would survive a power cut."""

    path: Path
    length: int

    def append(self, block: bytes, /) -> int: ...
    def sync(self) -> None: ...


class Line(NamedTuple):
    """An entry, and where its line ends."""

    end: int
    entry: dict[str, Any]


class Journal:
    """Appends groups of entries to a file. Blocks: the caller brings a thread, one at a time.

    Raises OutputError, after which nothing more may be written: what reached the disk is not known.
    """

    def __init__(self, file: File, run: str = "") -> None:
        """`run` is the id of the run, 32 hexadecimal digits; empty in directories of earlier versions."""
        self._file = file
        self._run = run

    def __repr__(self) -> str:
        return f"<Journal {self._file.path} length={self._file.length}>"

    def append(self, entries: Sequence[bytes]) -> None:
        """`entries` are JSON objects with at least one member. Returns when they would survive a power cut."""
        if entries:
            self._file.append(sealed(entries, self._file.length, self._run))
            self._file.sync()


def sealed(entries: Sequence[bytes], start: int, run: str = "") -> bytes:
    """The lines of a group, of one entry at least, that begins at the offset `start`."""
    bodies = list(map(_open, entries))
    if run and not start:
        bodies[0] += b',"run":"%s"' % run.encode()
    bodies[0] += b',"synced":%d' % start
    offsets = map(add, accumulate(map(len, bodies), initial=start), count(0, _TAIL))
    pieces = [b""] * (2 * len(bodies))
    pieces[::2], pieces[1::2] = bodies, _tails(bodies, offsets).splitlines(keepends=True)
    return b"".join(pieces)


def holding(lines: Sequence[bytes], offsets: Iterable[int]) -> int:
    """How many of `lines`, to the first that does not, are with their line feeds what was written at their offsets."""
    tails = _tails(list(map(_body, lines)), offsets)
    if b"".join(map(_tail, lines)) == tails:  # all of them, as in nearly every block
        return len(lines)
    held = map(bytes.endswith, lines, tails.splitlines(keepends=True))
    return next(compress(count(), map(not_, held)), len(lines))


def _tails(bodies: Sequence[bytes], offsets: Iterable[int]) -> bytes:
    """What stands behind `bodies` in lines that begin at `offsets`, one after the other: made at once for all of them,
    for there are millions. Of a larger offset, crc32 takes the lowest 32 bits."""
    sums = pack(f">{len(bodies)}I", *map(crc32, bodies, offsets)).hex("-", 4)
    return f',"crc":"{sums}"}}\n'.replace("-", '"}\n,"crc":"').encode()


def read(path: Path, *, without: bytes | None = None, run: str | None = None) -> Iterator[Line]:
    """The entries that hold, in their order, to where the journal breaks off. Nothing where there is no file.

    `run` is the id of the run whose journal it has to be, None where that does not matter. Lines that hold something to
    be read `without` are checked, but neither decoded nor given. Raises Damaged where the journal does not merely break
    off, and OutputError where it cannot be read. Blocks, and is safe to be broken off at any time.
    """
    for ends, lines in read_lines(path, run):
        for end, line in zip(ends, lines, strict=False):
            if without is None or without not in line:
                yield Line(end, entry_of(path, end, line))


def read_lines(path: Path, run: str | None = None) -> Iterator[tuple[Sequence[int], Sequence[bytes]]]:
    """As `read`, the lines themselves: block by block, after the offsets where they end, of which there may be more."""
    if not path.exists():
        return
    with os_errors_as_output_error(path), path.open("rb") as file:
        offset = 0
        while lines := file.readlines(BLOCK):
            offsets = [*accumulate(map(len, lines), initial=offset)]
            held = holding(lines, offsets)
            if held and not offset and run is not None:
                _refuse_foreign(path, lines[0], run)
            yield offsets[1:], lines[:held]
            if held < len(lines):
                _refuse_damage(path, offsets[held], chain(lines[held:], file))
                return
            offset = offsets[-1]


def entry_of(path: Path, end: int, line: bytes) -> dict[str, Any]:
    """A line whose checksum holds, and that is not a JSON object all the same, was not written here."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict):
        raise Damaged(f"{path}: holds what bulkmail does not write, before byte {end:,}")
    return entry


def _refuse_foreign(path: Path, first: bytes, run: str) -> None:
    named = _RUN.search(first[:-_TAIL])
    if (named[1].decode() if named else "") != run:
        raise Damaged(f"{path}: is the journal of another run", hint="Put the run's own file back.")


def _refuse_damage(path: Path, bad: int, rest: Iterable[bytes]) -> None:
    """Looks in `rest`, which does not hold at `bad`, for a proof that more had been on the disk."""
    if any(synced > bad for text in rest for synced in _proofs(text)):
        raise Damaged(
            f"{path}: damaged at byte {bad:,}, though it was written and safe",
            hint="Look at the disk. Put the file back from a backup; what stands before that byte is true.",
        )


def _proofs(text: bytes) -> Iterator[int]:
    """Offsets up to which all was on the disk, by the lines in `text` that held at such an offset once."""
    behind = 0
    for seal in _SEAL.finditer(text):
        line = text[text.find(b'{"', behind) : seal.end()] + b"\n"
        behind = seal.end()
        synced = _SYNCED.search(line[:-_TAIL])
        if synced and holding([line], [int(synced[1])]):
            yield int(synced[1])
