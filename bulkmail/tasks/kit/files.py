"""Files that options of a task name: found beside the job file, read once, and known by their digest. Knows no task.

    class Mine(Options):
        people: TableFile = Field(description="CSV or NDJSON")

    options.people.rows  # [(2, {"id": "1017", "name": "Ada"}), …]

A file is read when its option is checked, so that a broken one is reported before anything is sent, and one that
changes during the run stays what it was. In a manifest it is its path and its digest; options made of a manifest read
the file only when its content is asked for, and then it has to be the same.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, ValidationInfo

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.source.address import is_id
from bulkmail.source.admission import Admission
from bulkmail.source.cells import MARK
from bulkmail.source.content import Content, Kind, opened
from bulkmail.source.file import READERS
from bulkmail.source.records import Record, records
from bulkmail.text import known_encoding

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that are read: it stays in memory for the whole run, and no list of contacts is as long."""

_HINT = 'Save it as UTF-8, or say which encoding it has: { path = "…", encoding = "cp1252" }.'
_PINNED_KEYS = frozenset({"path", "sha256"})
_KEYS = frozenset({"path", "encoding"})


@dataclass(frozen=True)
class NamedFile:
    """`digest` is the SHA-256 that the content must have, where it is known from before; `encoding` is what the user
    says it is written in, or empty."""

    path: Path
    digest: str = ""
    encoding: str = ""

    @cached_property
    def content(self) -> bytes:
        """Raises InputError for a file that cannot be read, is too large, or is not what it was."""
        try:
            with self.path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise InputError(
                f"{self.path}: {(error.strerror or 'cannot be read').lower()}",
                hint="Look at the path; it is relative to the job file.",
            ) from None
        if len(data) > LARGEST:
            raise InputError(f"{self.path}: is larger than {LARGEST >> 20} MB")
        if self.digest and sha256(data).hexdigest() != self.digest:
            raise InputError(f"{self.path}: has changed since the run began")
        return data

    @property
    def known(self) -> bool:
        """Whether it was read already."""
        return "content" in self.__dict__

    def pinned(self) -> dict[str, str]:
        """How a manifest has it."""
        said = {"encoding": self.encoding} if self.encoding else {}
        return {"path": str(self.path.absolute()), "sha256": self.digest or sha256(self.content).hexdigest(), **said}


@dataclass(frozen=True)
class TextOf(NamedFile):
    """A text in UTF-8, in UTF-16 with its mark, or in the encoding that the user names."""

    @cached_property
    def text(self) -> str:
        """Raises InputError for a text in another encoding."""
        with _opened(self, Kind.TEXT, markup=True) as content:
            text = "".join(content.blocks())
            if MARK in text:
                line = text.count("\n", 0, text.index(MARK)) + 1
                raise InputError(f"line {line} holds a character that could not be read", hint=_HINT)
        return text.removeprefix("\ufeff")


@dataclass(frozen=True)
class TableOf(NamedFile):
    """Rows with named cells: CSV with a heading, JSON, or NDJSON with an object a line."""

    @cached_property
    def rows(self) -> list[Record]:
        """Each row with its number, counted as a spreadsheet does. Raises InputError that names the row; a cell that
        cannot be relied on raises it when it is looked up."""
        with _opened(self) as content:
            return list(records(content))


@dataclass(frozen=True)
class AddressesOf(NamedFile):
    """Addresses, however a list of mailboxes may be written."""

    @cached_property
    def addresses(self) -> frozenset[str]:
        """In lower case. Raises InputError that names a row without an address: no one may be missed by mistake."""
        with _opened(self, Kind.TEXT if self.path.suffix.lower() in (".txt", ".lst") else None) as content:
            found = list(chain.from_iterable(READERS[content.kind](content.blocks(), Admission())))
        for row in found:
            if isinstance(row, Rejected) and row.reason == "invalid":
                raise InputError(f"{self.path}: row {row.row} {row.why}")
            if isinstance(row, Mailbox) and is_id(row.address):
                raise InputError(f"{self.path}: row {row.row} has an id and no address")
        return frozenset(row.address.casefold() for row in found if isinstance(row, Mailbox))


@contextmanager
def _opened(file: NamedFile, kind: Kind | None = None, *, markup: bool = False) -> Iterator[Content]:
    """The content of a file as text; complaints get the name of the file."""
    data = file.content
    try:
        with opened(io.BytesIO(data), kind, file.encoding, markup=markup) as content:
            yield content
    except csv.Error as error:
        raise InputError(f"{file.path}: {error}") from None
    except InputError as error:
        raise InputError(f"{file.path}: {str(error).removesuffix(' of mailboxes')}", hint=error.hint) from None


def _named(
    make: Callable[[Path, str, str], Any], read: Callable[[Any], object], value: Any, info: ValidationInfo
) -> Any:
    """A path of the job file, alone or with its encoding, read at once; or what a manifest has of a file."""
    given: Mapping[str, Any] = value if isinstance(value, dict) else {"path": value}
    path, encoding = given.get("path"), given.get("encoding", "")
    if not isinstance(path, str) or not path.strip() or not isinstance(encoding, str):
        raise ValueError('should be the path of a file, or { path = "…", encoding = "…" }')
    if given.keys() - {"encoding"} == _PINNED_KEYS:
        return make(Path(path), given["sha256"], encoding)
    if not given.keys() <= _KEYS:
        raise ValueError('should be the path of a file, or { path = "…", encoding = "…" }')
    file = make((info.context or {}).get("folder", Path()) / path, "", known_encoding(encoding))
    read(file)
    return file


def _option(make: Callable[[Path, str, str], Any], read: Callable[[Any], object]) -> PlainValidator:
    return PlainValidator(partial(_named, make, read))


_PINNED = PlainSerializer(NamedFile.pinned)

TextFile: TypeAlias = Annotated[TextOf, _option(TextOf, lambda file: file.text), _PINNED]
TableFile: TypeAlias = Annotated[TableOf, _option(TableOf, lambda file: file.rows), _PINNED]
AddressFile: TypeAlias = Annotated[AddressesOf, _option(AddressesOf, lambda file: file.addresses), _PINNED]
