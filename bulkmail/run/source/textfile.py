"""Reads inputs of a mailbox a line: plain addresses, and NDJSON. Knows text: no file, no encoding. Rows are lines."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TextIO

import orjson

from bulkmail.errors import InputError
from bulkmail.model import NOTHING, Mailbox, Rejected
from bulkmail.run.source.admission import Admission
from bulkmail.run.source.columns import Choice, choose
from bulkmail.run.source.lines import Lines, LineTooLong

_chosen = lru_cache(maxsize=16)(choose)  # nearly all objects of an input have the same names


def read_text(
    text: TextIO, admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Mailbox | Rejected]:
    """Yields a verdict a line. There are no columns here, to name or to keep."""
    del column, keep_columns
    for row, line in _numbered(Lines(text)):
        if isinstance(line, LineTooLong):
            yield admission.reject(row, "invalid", "", str(line))
        else:
            yield admission.admit(row, line.strip())


def read_ndjson(
    text: TextIO, admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Mailbox | Rejected]:
    """Yields a verdict a line: an object with the field `column` or one of the usual names, or a string.

    The first object stands for the heading: InputError if no field of it names a mailbox. Later it is a rejected row.
    """
    headed = False
    for row, line in _numbered(Lines(text)):
        if isinstance(line, LineTooLong):
            yield admission.reject(row, "invalid", "", str(line))
        elif bare := line.strip("\ufeff \t\r\n"):
            fields = _fields(bare, column)
            choice = _choice(fields, column, required=not headed)
            headed = headed or choice is not None
            yield _verdict(admission, row, bare, fields, choice, keep_columns=keep_columns)
        else:
            yield admission.reject(row, "blank", "")


def _numbered(lines: Lines) -> Iterator[tuple[int, str | LineTooLong]]:
    """The lines with their numbers; in the place of one that is too long, the error that says so."""
    while True:
        try:
            for line in lines:
                yield lines.number, line
        except LineTooLong as error:
            yield lines.number, error
        else:
            return


def _fields(line: str, column: str) -> dict[str, Any]:
    """The object in a line; a string is one of a single field; empty for anything else."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(value, str):
        return {column or "mailbox": value}
    return value if isinstance(value, dict) else {}


def _choice(fields: dict[str, Any], column: str, *, required: bool) -> Choice | None:
    try:
        return _chosen(tuple(fields), column) if fields else None
    except InputError:
        if required:
            raise
        return None


def _verdict(
    admission: Admission, row: int, line: str, fields: dict[str, Any], choice: Choice | None, *, keep_columns: bool
) -> Mailbox | Rejected:
    if choice is None:
        why = "has no field that names a mailbox" if fields else "is no JSON object or string on a line of its own"
        return admission.reject(row, "invalid", line, why)
    cells = {name: _cell(value) for name, value in fields.items()}
    names = list(cells)
    address = cells.pop(names[choice.address])
    id_ = cells.get(names[choice.id], "") if choice.id >= 0 else ""
    return admission.admit(row, address, id=id_, columns=cells if keep_columns else NOTHING)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
