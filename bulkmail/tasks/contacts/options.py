"""The contacts that a job wants in every mailbox: options, and what each row of the list means. Sends nothing."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import Field, PrivateAttr, field_validator, model_validator

from bulkmail.errors import InputError
from bulkmail.source.columns import fold
from bulkmail.task.declare import Options
from bulkmail.tasks.contacts.fields import FIELDS, PHONE_FIELDS, is_odd_number
from bulkmail.tasks.kit.files import TableFile
from bulkmail.text import nearest

FEW = 20
"""Contacts below which a list may change as it likes."""

LONGEST = 255
"""Characters of a key, or of a folder's name."""


class Wanted(NamedTuple):
    """One contact: its key as the list writes it, and its fields. Those that are not named are left alone."""

    key: str
    fields: Mapping[str, Any]


class ContactsSyncOptions(Options):
    """The list, the folder, and which column is what."""

    contacts: TableFile = Field(description="the list, CSV or NDJSON; relative to the job file")
    folder: str = Field(min_length=1, max_length=LONGEST, description="name of the contact folder; made where missing")
    key_column: str = Field("id", min_length=1, description="column that identifies a contact, the same in every run")
    columns: Mapping[str, str | Sequence[str]] = Field(
        {}, description=f'field to its column or columns, such as jobTitle = "Role"; "" leaves a field alone. Usual '
        f"names are found by themselves. Fields: {', '.join(FIELDS)}"
    )  # fmt: skip
    write_odd_numbers: bool = Field(
        default=False,
        description="write phone numbers such as 4,91701E+11 or '0123 as they are; they are left out else",
    )
    allow_empty: bool = Field(default=False, description="an empty list deletes every contact that was synced")

    max_deleted: float = Field(
        0.5, ge=0, le=1, description="leave a mailbox alone in which more than this share of the contacts that were "
        "synced would be deleted, of 20 or more: the list may have been cut; 1: never"
    )  # fmt: skip

    _odd: list[str] = PrivateAttr(default_factory=list)
    _unused: list[str] = PrivateAttr(default_factory=list)

    @field_validator("folder")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("should not be empty")
        return value.strip()

    @field_validator("columns")
    @classmethod
    def _fields(cls, value: Mapping[str, str | Sequence[str]]) -> Mapping[str, str | Sequence[str]]:
        strange = next((name for name in value if name not in FIELDS), "")
        if strange:
            raise ValueError(f"{strange} is not a field of a contact{nearest(strange, FIELDS)}")
        return value

    @model_validator(mode="after")
    def _read(self) -> "ContactsSyncOptions":
        if self.contacts.known:  # not when an old run is taken back: what it changed is in its ledger
            _ = self.wanted
        return self

    @cached_property
    def wanted(self) -> Mapping[str, Wanted]:
        """Contacts by their folded keys. Raises InputError that names the row."""
        path, rows = self.contacts.path, self.contacts.rows
        if not rows and not self.allow_empty:
            raise InputError(
                f"{path}: holds no contact; every one that was synced would be deleted",
                hint="Set task.allow_empty = true if that is meant.",
            )
        names = tuple(dict.fromkeys(name for _, row in rows for name in row))
        key_column, columns = (self._key_column(names), self._columns(names)) if rows else ("", {})
        used = {key_column, *(name for of in columns.values() for name in of)}
        self._unused[:] = [name for name in names if name not in used]
        places: dict[str, int] = {}
        found: dict[str, Wanted] = {}
        for number, row in rows:
            try:
                key = self._key(row, key_column)
                fields = self._values(number, row, columns)
            except ValueError as error:
                raise InputError(f"{path}: row {number} {error}") from None
            except InputError as error:
                raise InputError(f"{path}: row {number}: {error}", hint=error.hint) from None
            if (first := places.setdefault(key.casefold(), number)) != number:
                raise InputError(f"{path}: rows {first} and {number} have the same key {key[:60]!r}")
            found[key.casefold()] = Wanted(key, fields)
        return found

    def warnings(self) -> Sequence[str]:
        """Columns of the list that fill no field, and phone numbers that a spreadsheet has spoilt."""
        _ = self.wanted
        return (*self._about_columns(), *self._about_phones())

    def _about_columns(self) -> Sequence[str]:
        if not self._unused:
            return ()
        return (f"{self.contacts.path.name}: not used: {', '.join(self._unused)} (name them in [task.columns])",)

    def _about_phones(self) -> Sequence[str]:
        if not self._odd:
            return ()
        numbers = "a phone number looks" if len(self._odd) == 1 else f"{len(self._odd):,} phone numbers look"
        done = "written as they are" if self.write_odd_numbers else "left out (task.write_odd_numbers)"
        return (f"{self.contacts.path.name}: {numbers} as a spreadsheet leaves them, such as {self._odd[0]}: {done}",)

    def require_few_deleted(self, keys: Collection[str]) -> None:
        """Raises InputError where too many of the contacts that are there, by their `keys`, have left the list."""
        gone = sum(key.casefold() not in self.wanted for key in keys)
        if len(keys) >= FEW and gone > self.max_deleted * len(keys):
            raise InputError(
                f"{gone:,} of the {len(keys):,} contacts there are not in the list any more and would be deleted",
                hint=f"Is {self.contacts.path.name} complete? If so, set task.max_deleted = 1.",
            )

    def _values(self, number: int, row: Mapping[str, str], columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The fields of a row; one with a phone number that a spreadsheet has spoilt is left alone."""
        values = {}
        for field, of in columns.items():
            cells = [row[column] for column in of if row.get(column)]
            phones = [part for cell in cells for part in cell.split(";")] if field in PHONE_FIELDS else []
            odd = list(filter(is_odd_number, phones))
            self._odd.extend(f"{phone.strip()[:40]} in row {number}" for phone in odd)
            if not odd or self.write_odd_numbers:
                values[field] = FIELDS[field].reads(cells)
        return values

    def _key(self, row: Mapping[str, str], column: str) -> str:
        key = row.get(column, "")
        if not key or len(key) > LONGEST:
            raise ValueError(f"has no key of up to {LONGEST} characters in {column!r}")
        return key

    def _key_column(self, names: Sequence[str]) -> str:
        found = next((name for name in names if fold(name) == fold(self.key_column)), "")
        if not found:
            raise self._missing(self.key_column, names, "Name the column of the key with task.key_column.")
        return found

    def _columns(self, names: Sequence[str]) -> dict[str, Sequence[str]]:
        """Field to its columns. Raises InputError for a column that is not there, and where no field has one."""
        folded = {fold(name): name for name in names}
        chosen: dict[str, Sequence[str]] = {}
        for field, known in FIELDS.items():
            given = self.columns.get(field, next((folded[name] for name in known.columns if name in folded), ""))
            columns = [given] if isinstance(given, str) else given
            for column in columns:
                if column and column not in names:
                    raise self._missing(column, names, f"It is named in task.columns for {field}.")
            if any(columns):
                chosen[field] = columns
        if not chosen:
            raise InputError(f"{self.contacts.path}: no column fills a field", hint="Name them in [task.columns].")
        return chosen

    def _missing(self, column: str, names: Sequence[str], hint: str) -> InputError:
        return InputError(f"{self.contacts.path}: there is no column {column!r}{nearest(column, names)}", hint=hint)
