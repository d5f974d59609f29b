"""Opens an input as text: its kind, its encoding, the digest of its bytes. Knows no rows.

A BOM decides, then the shape of UTF-16, then the encoding that the user named, else it is UTF-8. A file that is not
quite what it should be, such as Excel's plain "CSV" in a Western code page, is neither refused nor guessed at: what
cannot be read becomes U+FFFD, and cells.py sees to it that it is never used.
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
from typing import BinaryIO

import orjson

from bulkmail.errors import InputError
from bulkmail.model import Digest
from bulkmail.source.address import is_address, is_id, parts
from bulkmail.source.columns import is_heading

BLOCK = 1 << 18
"""Bytes read at first; they decide on kind and encoding."""

PART = 1 << 13
"""Bytes read at a time from then on: so far does a reading that a limit ends read ahead."""


class Kind(StrEnum):
    """How rows are written."""

    CSV = "csv"  # with comma, semicolon or tab
    NDJSON = "ndjson"  # an object or a string a line
    JSON = "json"  # a list, or an answer of Graph
    TEXT = "text"  # an address a line


_MARKUP = "HTML or XML"
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
        (rb"(?i)<(?:\?xml|!doctype|html)", _MARKUP, "Export the list as CSV."),
        (rb"-----BEGIN", "a key or certificate", "It belongs to the section [app]; give the list of mailboxes here."),
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
        return Digest(self._size, self._hash.hexdigest())

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
    """An opened input. It can be read once, in one of two ways. `named`: the encoding is what the user said."""

    kind: Kind
    encoding: str
    buffered: "io.BufferedReader[Measured]"  # quoted: only a type checker can subscript it
    measured: Measured
    named: bool = False

    def blocks(self) -> Iterator[str]:
        """The text as it comes in. Between the two halves of CRLF, no block ends.

        Raises InputError at the end of a text that was said to be in some encoding and is UTF-8 all through.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        decode = io.IncrementalNewlineDecoder(decoder, translate=False).decode
        doubt = _Doubt() if self.named else None
        while part := self.buffered.read1(PART):
            if doubt is not None:
                doubt.hear(part)
            yield decode(part)
        if doubt is not None and doubt.justified:
            raise InputError(
                f"this is said to be {self.encoding}, and every byte of it is UTF-8",
                hint="Take the encoding out; names such as Jürgen would come out as JÃ¼rgen.",
            )
        yield decode(b"", final=True)


class _Doubt:
    """Whether bytes that are said to be of a code page are UTF-8 all through, and more than plain ASCII."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._plain = True
        self._utf8 = True

    @property
    def justified(self) -> bool:
        return self._utf8 and not self._plain

    def hear(self, part: bytes) -> None:
        self._plain = self._plain and part.isascii()
        if self._utf8 and not self._plain:
            try:
                self._decoder.decode(part)
            except UnicodeDecodeError:
                self._utf8 = False


@contextmanager
def opened(
    origin: Path | BinaryIO, kind: Kind | None = None, encoding: str = "", *, markup: bool = False
) -> Iterator[Content]:
    """Opens a path, or takes over a binary stream without closing it. `encoding` is what the user says it is.

    Raises InputError for what is not a list: other kinds of files, and HTML unless `markup` is wanted.
    """
    with _stream(origin) as stream:
        measured = Measured(stream)
        buffered = io.BufferedReader(measured, BLOCK)
        head = buffered.peek(BLOCK)
        _refuse(head, markup=markup)
        told = _encoding(head)
        named = bool(encoding) and not told and encoding != "utf-8"
        read_as = told or encoding or "utf-8"
        start = head.decode(read_as, "replace").lstrip(_BLANK)
        _refuse(start.encode(), markup=markup)
        suffix = origin.suffix if isinstance(origin, Path) else ""
        yield Content(kind or _kind(start, suffix), read_as, buffered, measured, named)


def _stream(origin: Path | BinaryIO) -> nullcontext[BinaryIO] | BinaryIO:
    if not isinstance(origin, Path):
        return nullcontext(origin)
    if origin.is_dir():  # Windows would speak of a missing permission
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(origin))
    return origin.open("rb")


def _refuse(start: bytes, *, markup: bool) -> None:
    for sign, what, hint in _REFUSED:
        if sign.match(start) and not (markup and what == _MARKUP):
            raise InputError(f"this is {what}, not a list of mailboxes", hint=hint)


def _encoding(head: bytes) -> str:
    """What a BOM says, or the NULs that every second byte is when Latin text is written in UTF-16; else nothing."""
    for sign, encoding in _BOMS:
        if head.startswith(sign):
            return encoding
    pairs = len(head) // 2
    for encoding, first in (("utf-16-le", 1), ("utf-16-be", 0)):
        nuls, others = head[first::2], head[1 - first :: 2]
        if pairs >= 4 and nuls.count(0) > 0.6 * pairs and not others.count(0) and _ends(others, nuls):
            return encoding
    return ""


def _ends(others: bytes, nuls: bytes) -> bool:
    """Whether the first line ends as in UTF-16: what NULs a cell further down holds says nothing of the encoding."""
    end = others.find(b"\n")
    return b"\n" not in nuls and (not 0 <= end < len(nuls) or nuls[end] == 0)


def _kind(start: str, suffix: str) -> Kind:
    """By content where it is plain, else by suffix, else CSV: a list of one column is one, too."""
    first = (start.splitlines() or [""])[0].strip()
    if first.startswith(("{", "[")):
        return _json_kind(first)
    kind = _SUFFIXES.get(suffix.lower(), Kind.CSV)
    if _pasted(first, called_text=kind is Kind.TEXT, alone=first == start.strip()):
        return Kind.TEXT
    table = is_heading([first]) or any(mark in first for mark in ",;\t")
    return Kind.CSV if kind is Kind.TEXT and table else kind


def _json_kind(first: str) -> Kind:
    """NDJSON if the first line is an object of its own, even a damaged one."""
    try:
        value = orjson.loads(first)
    except orjson.JSONDecodeError:
        return Kind.NDJSON if first.startswith("{") and first.endswith("}") else Kind.JSON
    return Kind.JSON if isinstance(value, list) else Kind.NDJSON


def _pasted(first: str, *, called_text: bool, alone: bool) -> bool:
    """Whether a line is addresses as a mail program writes them, and not the first row of a table.

    Unless the file is called a text, two bare addresses may as well be two columns; not with semicolons in a line that
    is alone, for a table without a heading has rows.
    """
    found = list(parts(first))
    several = len(found) > 1 and (called_text or (alone and ";" in first))
    return ("<" in first or several) and bool(found) and all(is_address(one) or is_id(one) for one in found)
