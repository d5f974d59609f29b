"""Files that options of a task name: found beside the job file, read once, and known by their digest. Knows no task.

    class Mine(Options):
        people: TableFile = Field(description="CSV or NDJSON")

    options.people.rows  # [(2, {"id": "1017", "name": "Ada"}), …]

A file is read when its option is checked, so that a broken one is told of before anything is sent, and one that changes
meanwhile stays what it was. In a manifest it is its path and its digest; options made of a manifest read the file only
when its content is asked for, and then it has to be the same.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from itertools import chain, zip_longest
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeAlias

import orjson
from pydantic import PlainSerializer, PlainValidator, ValidationInfo

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.source.admission import Admission
from bulkmail.source.content import Content, Kind, opened
from bulkmail.source.csvfile import read_csv
from bulkmail.source.textfile import read_ndjson, read_text

LARGEST = 64 * 1024 * 1024
"""Bytes of a file that are read: it stays in memory for the whole run, and nobody's contacts are that many."""

_ADDRESSES = {Kind.CSV: read_csv, Kind.NDJSON: read_ndjson, Kind.TEXT: read_text}
_UNREADABLE = "\ufffd"
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class NamedFile:
    """`digest` is the SHA-256 that the content must have, where it is known from before."""

    path: Path
    digest: str = ""

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
        return {"path": str(self.path.absolute()), "sha256": self.digest or sha256(self.content).hexdigest()}


@dataclass(frozen=True)
class TextOf(NamedFile):
    """A text in UTF-8."""

    @cached_property
    def text(self) -> str:
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{self.path}: is not UTF-8 text", hint="Save it as UTF-8.") from None


@dataclass(frozen=True)
class TableOf(NamedFile):
    """Rows with named cells: CSV with a heading, or NDJSON with an object a line."""

    @cached_property
    def rows(self) -> list[tuple[int, Mapping[str, str]]]:
        """Each row with its number, counted as a spreadsheet does. Raises InputError that names the row."""
        with _opened(self) as content:
            rows: list[tuple[int, Mapping[str, str]]] = []
            rows += (_objects if content.kind is Kind.NDJSON else _cells)(content.text)
        for number, row in rows:
            if any(_UNREADABLE in cell for cell in row.values()):
                raise InputError(
                    f"{self.path}: row {number} holds a character that cannot be read", hint="Save it as UTF-8."
                )
        return rows


@dataclass(frozen=True)
class AddressesOf(NamedFile):
    """Addresses, however a list of mailboxes may be written."""

    @cached_property
    def addresses(self) -> frozenset[str]:
        """In lower case. Raises InputError that names a row which is no address: nobody may be missed by mistake."""
        with _opened(self) as content:
            found = list(chain.from_iterable(_ADDRESSES[content.kind](content.blocks(), Admission())))
        for row in found:
            if isinstance(row, Rejected) and row.reason == "invalid":
                raise InputError(f"{self.path}: row {row.row} {row.why}")
        return frozenset(row.address.casefold() for row in found if isinstance(row, Mailbox))


@contextmanager
def _opened(file: NamedFile) -> Iterator[Content]:
    """The content of a file as text; complaints get the name of the file."""
    kind = Kind.TEXT if file.path.suffix.lower() in (".txt", ".lst") else None
    try:
        with opened(io.BytesIO(file.content), kind) as content:
            yield content
    except (ValueError, csv.Error) as error:
        raise InputError(f"{file.path}: {error}") from None
    except InputError as error:
        named = str(error).startswith(str(file.path))
        told = str(error).removesuffix(" of mailboxes")
        raise InputError(told if named else f"{file.path}: {told}", hint=error.hint) from None


def _cells(text: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    heading = text.readline().removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=heading.count)
    if heading.casefold().startswith("sep="):  # Excel's own line, which it does not count
        delimiter, heading = heading[4:5], text.readline()
    reader = csv.reader(chain([heading], text), delimiter=delimiter, strict=True, skipinitialspace=True)
    names = [name.strip() for name in next(reader, [])]
    doubled = next((name for name in names if name and names.count(name) > 1), "")
    if doubled:
        raise ValueError(f"the column {doubled!r} is there twice")
    for number, cells in enumerate(reader, 2):
        if len(cells) > len(names):
            raise ValueError(f"row {number} has more cells than there are columns")
        if any(map(str.strip, cells)):
            yield number, {name: cell.strip() for name, cell in zip_longest(names, cells, fillvalue="") if name}


def _objects(text: TextIO) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            found = orjson.loads(line.removeprefix("\ufeff"))
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise ValueError(f"row {number} is no JSON object on a line of its own")  # noqa: TRY004 - the file's doing
        yield number, {name: _cell(value, number) for name, value in found.items()}


def _cell(value: Any, number: int) -> str:
    if isinstance(value, list):
        return "; ".join(_cell(one, number) for one in value)
    if isinstance(value, dict):
        raise ValueError(f"row {number} has an object where a text should be")  # noqa: TRY004 - the file's doing
    return "" if value is None else str(value).strip()


def _named(make: Callable[[Path, str], Any], read: Callable[[Any], object], value: Any, info: ValidationInfo) -> Any:
    """A path of the job file, read at once; or what a manifest has of a file."""
    if isinstance(value, dict) and value.keys() == {"path", "sha256"}:
        return make(Path(value["path"]), value["sha256"])
    if not isinstance(value, str) or not value.strip():
        raise ValueError("should be the path of a file")
    file = make((info.context or {}).get("folder", Path()) / value, "")
    read(file)
    return file


def _option(make: Callable[[Path, str], Any], read: Callable[[Any], object]) -> PlainValidator:
    return PlainValidator(partial(_named, make, read))


_PINNED = PlainSerializer(NamedFile.pinned)

TextFile: TypeAlias = Annotated[TextOf, _option(TextOf, lambda file: file.text), _PINNED]
TableFile: TypeAlias = Annotated[TableOf, _option(TableOf, lambda file: file.rows), _PINNED]
AddressFile: TypeAlias = Annotated[AddressesOf, _option(AddressesOf, lambda file: file.addresses), _PINNED]
