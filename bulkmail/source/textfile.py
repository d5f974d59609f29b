"""Reads inputs of a mailbox a line: plain addresses, and NDJSON. Knows text: no file, no encoding. Rows are lines."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import orjson

from bulkmail.errors import InputError
from bulkmail.model import NOTHING, Mailbox, Rejected
from bulkmail.source.admission import Admission, Unread
from bulkmail.source.chunks import chunks, fatal
from bulkmail.source.columns import Choice, choose
from bulkmail.source.lines import Lines, LineTooLong

_chosen = lru_cache(maxsize=16)(choose)  # nearly all objects of an input have the same names


def read_text(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict a line, in chunks. There are no columns here, to name or to keep."""
    del column, keep_columns
    row = 1
    for texts in chunks(map(str.strip, Lines(blocks)), admission.sizes(), _unread):
        yield admission.admit_all(row, texts)
        row += len(texts)


def read_ndjson(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict a line, in chunks: an object with the field `column` or one of the usual names, or a string.

    The first object stands for the heading: InputError if no field of it names a mailbox. Later it is a rejected row.
    """
    return chunks(_verdicts(Lines(blocks), admission, column, keep_columns=keep_columns), admission.sizes(), fatal)


def _verdicts(lines: Lines, admission: Admission, column: str, *, keep_columns: bool) -> Iterator[Mailbox | Rejected]:
    headed = False
    for row, line in enumerate(_mended(lines), 1):
        if isinstance(line, Unread):
            yield admission.admit(row, line)
        elif bare := line.strip("\ufeff \t\r\n"):
            fields = _fields(bare, column)
            choice = _choice(fields, column, required=not headed)
            headed = headed or choice is not None
            yield _verdict(admission, row, bare, fields, choice, keep_columns=keep_columns)
        else:
            yield admission.reject(row, "blank", "")


def _mended(lines: Lines) -> Iterator[str]:
    while True:
        try:
            yield from iter(lines)
        except LineTooLong as error:
            yield _unread(error)
        else:
            return


def _unread(error: csv.Error, _: object = None) -> Unread:
    return Unread(str(error))


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
