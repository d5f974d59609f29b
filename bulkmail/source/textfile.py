"""Reads plain text: an address a line, or several as they are pasted from a mail program. Knows no file, no encoding.

Rows are lines, but a line with several addresses is as many rows: every mailbox has a number of its own.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence

from bulkmail.model import Mailbox, Rejected
from bulkmail.source.address import parts
from bulkmail.source.admission import Admission, Comment, Unread
from bulkmail.source.chunks import chunks
from bulkmail.source.lines import Lines

_SEVERAL = frozenset(";,")


def read_text(
    blocks: Iterable[str], admission: Admission, *, column: str = "", keep_columns: bool = False
) -> Iterator[Sequence[Mailbox | Rejected]]:
    """Yields a verdict on each address, in chunks. There are no columns here, to name or to keep."""
    del column, keep_columns
    row = 1
    for lines in chunks(map(str.strip, Lines(blocks)), admission.sizes(), unread):
        texts = list(_addresses(lines)) if _odd(lines) else lines
        while texts and (count := admission.wanted(len(texts))):
            yield admission.admit_all(row, texts[:count])
            row, texts = row + count, texts[count:]


def unread(error: csv.Error, _: object = None) -> Unread:
    """What stands for a line that is too long."""
    return Unread(str(error))


def _odd(lines: Sequence[str]) -> bool:
    """Whether a line may be a comment or hold several addresses."""
    text = "\n".join(["", *lines])
    return "\n#" in text or ";" in text or "," in text


def _addresses(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("#"):
            yield Comment(line)
        elif isinstance(line, Unread) or _SEVERAL.isdisjoint(line):
            yield line
        else:
            yield from list(parts(line)) or [line]
