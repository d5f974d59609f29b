"""Reads mailboxes out of JSON: an object or a string a line, a list of them, or an answer of Graph. Knows no file.

Rows are lines of NDJSON, places in a list. A line that is itself a page of Graph, `{"value": [...]}`, is as many rows.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import orjson

from bulkmail.errors import InputError
from bulkmail.model import NOTHING, Mailbox, Rejected
from bulkmail.source.admission import Admission, Look, Unread
from bulkmail.source.cells import as_cells
from bulkmail.source.chunks import chunks, fatal
from bulkmail.source.columns import Choice, choose
from bulkmail.source.lines import Lines, LineTooLong
from bulkmail.source.textfile import unread

LARGEST = 64 << 20
"""Characters of a JSON text that is not written line by line: it is in memory as a whole."""

_BLANK = "\ufeff \t\r\n"
_WHY_LINE = "is not a JSON object or string on a line of its own"
_WHY_ITEM = "is not a JSON object or string"
_NEXT = "@odata.nextLink"

_chosen = lru_cache(maxsize=16)(choose)  # nearly all objects of an input have the same names


class Blank(str):
    """A line with nothing in it."""

    __slots__ = ()


def read_ndjson(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict a line, in chunks: an object with a field that names a mailbox, or a string.

    The first object stands for the heading: InputError if no field of it names a mailbox. Later it is a rejected row.
    """
    items = _of_lines(Lines(blocks))
    return _read(items, admission, _WHY_LINE, column, keep_columns=keep_columns)


def read_json(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """As `read_ndjson` of a list, or of the `value` of a Graph answer, however it is laid out.

    Raises InputError for what is not JSON, and for an answer that has a next page.
    """
    return _read(iter(listed(document(blocks))), admission, _WHY_ITEM, column, keep_columns=keep_columns)


def document(blocks: Iterable[str]) -> Any:
    """The one value that a JSON text holds. Raises InputError."""
    text: list[str] = []
    size = 0
    for block in blocks:
        size += len(block)
        if size > LARGEST:
            raise InputError(
                f"this is one JSON text of more than {LARGEST >> 20} MB",
                hint="Write an object a line: jq -c '.[]' FILE > mailboxes.ndjson, or '.value[]' for a Graph answer.",
            )
        text.append(block)
    try:
        return orjson.loads("".join(text).strip(_BLANK))
    except orjson.JSONDecodeError as error:
        raise InputError(
            f"this begins as JSON and is not: {error}",
            hint="Give one list, one answer of Graph with its value, or an object a line.",
        ) from None


def listed(value: Any) -> list[Any]:
    """The items of a list, of the `value` of a Graph answer, or of a single object. Raises InputError for a part of
    an answer: half a list is not worked on."""
    page = _page(value)
    if page is None:
        return value if isinstance(value, list) else [value]
    if value.get(_NEXT):
        raise InputError(
            "this is one page of an answer of Graph; more follow at its @odata.nextLink",
            hint="Fetch them all, or let bulkmail ask the directory: users or group in [input]. If these are all you "
            "mean, take @odata.nextLink out.",
        )
    return page


def is_page(value: Any) -> bool:
    """Whether a JSON value is an answer of Graph that has a list."""
    return _page(value) is not None


def _page(value: Any) -> list[Any] | None:
    found = value.get("value") if isinstance(value, dict) else None
    return found if isinstance(found, list) else None


def _of_lines(lines: Lines) -> Iterator[Any]:
    for line in _mended(lines):
        if isinstance(line, Unread):
            yield line
        elif bare := line.strip(_BLANK):
            value = _loaded(bare)
            yield from _page(value) or [] if is_page(value) else [value]
        else:
            yield Blank()


def _mended(lines: Lines) -> Iterator[str]:
    while True:
        try:
            yield from iter(lines)
        except LineTooLong as error:
            yield unread(error)
        else:
            return


def _loaded(line: str) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return csv.Error(line)  # what is not JSON is neither an object nor a string


def _read(
    items: Iterator[Any], admission: Admission, why: str, column: str, *, keep_columns: bool
) -> Iterator[Sequence[Mailbox | Rejected]]:
    verdicts = _verdicts(items, admission, why, column, keep_columns=keep_columns)
    return chunks(verdicts, admission.sizes(), fatal)


def _verdicts(
    items: Iterator[Any], admission: Admission, why: str, column: str, *, keep_columns: bool
) -> Iterator[Mailbox | Rejected]:
    headed = False
    for row, item in zip(count(1), items):
        if isinstance(item, Unread):
            yield admission.admit(row, item)
            continue
        if isinstance(item, Blank):
            yield admission.reject(row, "blank", "", "is blank")
            continue
        fields = {column or "mailbox": item} if isinstance(item, str) else item if isinstance(item, dict) else {}
        choice = _choice(fields, column, required=not headed)
        headed = headed or choice is not None
        if choice is None:
            yield admission.reject(row, "invalid", _shown(item), "has no field that names a mailbox" if fields else why)
        else:
            yield _verdict(admission, row, fields, choice, keep_columns=keep_columns)


def _choice(fields: Mapping[str, Any], column: str, *, required: bool) -> Choice | None:
    try:
        return _chosen(tuple(fields), column) if fields else None
    except InputError:
        if required:
            raise
        return None


def _verdict(
    admission: Admission, row: int, fields: Mapping[str, Any], choice: Choice, *, keep_columns: bool
) -> Mailbox | Rejected:
    cells = {name: cell(value) for name, value in fields.items()}
    texts = list(cells.values())
    look = Look(choice.names, lambda _: [texts[place] for place in choice.also], choice.concealable)
    id_ = texts[choice.id] if choice.id >= 0 else ""
    carried = as_cells(cells) if keep_columns else NOTHING
    return admission.admit(row, texts[choice.address], id=id_, columns=carried, look=look)


def _shown(item: Any) -> str:
    return str(item) if isinstance(item, csv.Error) else cell(item)


def cell(value: object) -> str:
    """A JSON value as the text of a cell."""
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
