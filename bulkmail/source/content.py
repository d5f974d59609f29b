"""Opens an input as text: its kind, its encoding, the digest of its bytes. Knows no rows and no addresses.

A file that is not quite UTF-8, such as Excel's "CSV" in a Western code page, is neither refused nor guessed at: what
cannot be read becomes U+FFFD. No address may hold one, so such a row is rejected and reported, while an accented
display name that nobody asked for costs nothing.
"""

import codecs
import errno
import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TextIO

from bulkmail.errors import InputError
from bulkmail.source.columns import is_heading

BLOCK = 1 << 18
"""Bytes read at first; they decide on kind and encoding."""

PART = 1 << 13
"""Bytes read at a time from then on: so far does a reading that a limit ends read ahead."""


class Kind(StrEnum):
    """How rows are written."""

    CSV = "csv"  # with comma, semicolon or tab
    NDJSON = "ndjson"  # an object or a string a line
    TEXT = "text"  # an address a line


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies an input: the SHA-256 of the bytes that were read, in hex, and their number."""

    sha256: str = hashlib.sha256().hexdigest()
    size: int = 0


_REFUSED = tuple(
    (re.compile(sign), what, hint)
    for sign, what, hint in (
        (rb"\x1f\x8b", "gzip", "Unpack it first, or pipe it in: gzip -dc FILE | bulkmail run JOB.toml --input -"),
        (rb"BZh[1-9]1AY&SY", "bzip2", "Unpack it first."),
        (rb"\xfd7zXZ", "xz", "Unpack it first."),
        (rb"\x28\xb5\x2f\xfd", "zstd", "Unpack it first."),
        (rb"7z\xbc\xaf", "7-Zip", "Unpack it first."),
        (rb"PK\x03\x04", "a workbook (.xlsx) or a ZIP archive", "Save the sheet as CSV UTF-8, or unpack the archive."),
        (rb"\xd0\xcf\x11\xe0", "an old workbook (.xls)", "Save the sheet as CSV UTF-8."),
        (rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff", "text in UTF-32", "Save it as UTF-8."),
        (rb"%PDF", "PDF", "Ask for the list as CSV."),
        (rb"\{\\rtf", "rich text", "Save it as plain text in UTF-8."),
        (rb"(?i)<(?:\?xml|!doctype|html)", "HTML or XML", "Export the list as CSV."),
        (rb"-----BEGIN", "a key or certificate", "It belongs to the section [app]; give the list of mailboxes here."),
        (rb"\[", "a JSON array", "Write an object a line: jq -c '.[]' FILE > mailboxes.ndjson"),
    )
)
"""How it begins, what that is the sign of, and what to do."""

_BLANK = "\ufeff \t\r\n"
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

_SUFFIXES = {
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".ndjson": Kind.NDJSON,
    ".jsonl": Kind.NDJSON,
    ".json": Kind.NDJSON,
    ".txt": Kind.TEXT,
    ".lst": Kind.TEXT,
}


class Measured(io.RawIOBase):
    """Hands bytes on and keeps their digest. Closing it leaves the stream below open."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self._size = 0

    @property
    def digest(self) -> Digest:
        return Digest(self._hash.hexdigest(), self._size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        self._hash.update(block)
        self._size += len(block)
        return len(block)


@dataclass(frozen=True, slots=True)
class Content:
    """An opened input. It can be read once, in one of two ways."""

    kind: Kind
    encoding: str
    buffered: "io.BufferedReader[Measured]"  # quoted: only a type checker can subscript it
    measured: Measured

    @property
    def text(self) -> TextIO:
        return io.TextIOWrapper(self.buffered, encoding=self.encoding, errors="replace", newline="")

    def blocks(self) -> Iterator[str]:
        """The text as it comes in. Between the two halves of CRLF, no block ends."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        decode = io.IncrementalNewlineDecoder(decoder, translate=False).decode
        while part := self.buffered.read1(PART):
            yield decode(part)
        yield decode(b"", final=True)


@contextmanager
def opened(origin: Path | BinaryIO, kind: Kind | None = None) -> Iterator[Content]:
    """Opens a path, or takes over a binary stream without closing it. Raises InputError for what is no text."""
    with _stream(origin) as stream:
        measured = Measured(stream)
        buffered = io.BufferedReader(measured, BLOCK)
        head = buffered.peek(BLOCK)
        _refuse(head)
        encoding = _encoding(head)
        start = head.decode(encoding, "replace").lstrip(_BLANK)
        _refuse(start.encode())
        suffix = origin.suffix if isinstance(origin, Path) else ""
        yield Content(kind or _kind(start, suffix), encoding, buffered, measured)


def _stream(origin: Path | BinaryIO) -> nullcontext[BinaryIO] | BinaryIO:
    if not isinstance(origin, Path):
        return nullcontext(origin)
    if origin.is_dir():  # Windows would speak of a missing permission
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(origin))
    return origin.open("rb")


def _refuse(start: bytes) -> None:
    for sign, what, hint in _REFUSED:
        if sign.match(start):
            raise InputError(f"this is {what}, not a list of mailboxes", hint=hint)


def _encoding(head: bytes) -> str:
    """Of a BOM, or of the NULs that every second byte is when Latin text is written in UTF-16; else UTF-8."""
    for sign, encoding in _BOMS:
        if head.startswith(sign):
            return encoding
    pairs = len(head) // 2
    for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        if pairs >= 4 and head[first::2].count(0) > 0.6 * pairs and not head[1 - first :: 2].count(0):
            return encoding
    return "utf-8"


def _kind(start: str, suffix: str) -> Kind:
    """By content where it is plain, else by suffix, else CSV: a list of one column is one, too."""
    first = start.partition("\n")[0].strip()
    if first.startswith("{"):
        return Kind.NDJSON
    kind = _SUFFIXES.get(suffix.lower(), Kind.CSV)
    table = is_heading([first]) or any(mark in first for mark in ",;\t")
    return Kind.CSV if kind is Kind.TEXT and table else kind
