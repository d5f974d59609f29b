"""The tenant's usage report as it is read: piece by piece, by its headings, with each mailbox's line kept as it came.

learn.microsoft.com/graph/api/reportroot-getmailboxusagedetail. A report begins with a byte-order mark; new columns may
come at any time. A line takes about 300 bytes of memory.
"""

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from bulkmail.errors import GraphError
from bulkmail.source.columns import fold

WHO = "userprincipalname"
HEADINGS: Mapping[str, str] = {
    "report_date": "reportrefreshdate",
    "display_name": "displayname",
    "deleted": "isdeleted",
    "created": "createddate",
    "last_activity": "lastactivitydate",
    "items": "itemcount",
    "size": "storageusedbyte",
    "warning_quota": "issuewarningquotabyte",
    "send_quota": "prohibitsendquotabyte",
    "quota": "prohibitsendreceivequotabyte",
    "deleted_items": "deleteditemcount",
    "deleted_size": "deleteditemsizebyte",
}
"""Columns of ours to those of the report, as `fold` writes them."""

NUMBERS = frozenset({"items", "size", "warning_quota", "send_quota", "quota", "deleted_items", "deleted_size"})
LONGEST = 1 << 20
"""Characters of a line at most: a longer one is not a line of a report."""

_APART = "\x1f"


class Detail:
    """Give it the content with `feed`, then `close` it; then it can be asked for mailboxes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._heading: Sequence[str] | None = None
        self._who = 0
        self._places: Sequence[int] = ()
        self._names: Sequence[str] = ()
        self._lines: dict[str, str] = {}
        self._seen = self._open = 0  # lines, and those of them that name a mailbox

    def __len__(self) -> int:
        return len(self._lines)

    def feed(self, chunk: bytes) -> None:
        """Raises GraphError for what is not such a report."""
        self._take(self._decoder.decode(chunk))

    def close(self) -> None:
        """Raises GraphError for what is not such a report."""
        self._take(self._decoder.decode(b"", final=True) + "\n")
        if self._heading is None or self._rest.strip():
            raise _strange()

    @property
    def concealed(self) -> bool:
        """Whether the tenant lets reports show no names, so that no line can be told to be a mailbox's."""
        return self._seen > 0 and not self._open

    def of(self, address: str) -> dict[str, Any] | None:
        """What the report says of a mailbox: texts, numbers, and None for what it does not say; None if it is not
        in it."""
        line = self._lines.get(address.casefold())
        if line is None:
            return None
        return {name: _value(name, cell) for name, cell in zip(self._names, line.split(_APART), strict=True)}

    def _take(self, text: str) -> None:
        """Lines up to the last end that is not within quotes; the others wait."""
        text = self._rest + text
        end = text.rfind("\n") + 1
        whole, self._rest = (text[:end], text[end:]) if text.count('"', 0, end) % 2 == 0 else ("", text)
        if len(self._rest) > LONGEST:
            raise _strange()
        try:
            for cells in csv.reader(io.StringIO(whole, newline="\n")):
                self._add(cells)
        except csv.Error:
            raise _strange() from None

    def _add(self, cells: list[str]) -> None:
        if self._heading is None:
            self._begin([fold(cell) for cell in cells])
        elif len(cells) >= len(self._heading):
            self._seen += 1
            self._open += "@" in cells[self._who]
            key = cells[self._who].strip().casefold()
            line = _APART.join(cells[place].replace(_APART, " ") for place in self._places)
            if key not in self._lines or not self._is_deleted(cells):
                self._lines[key] = line

    def _begin(self, heading: Sequence[str]) -> None:
        if WHO not in heading:
            raise _strange()
        self._heading, self._who = heading, heading.index(WHO)
        found = {name: heading.index(folded) for name, folded in HEADINGS.items() if folded in heading}
        self._names, self._places = tuple(found), tuple(found.values())

    def _is_deleted(self, cells: Sequence[str]) -> bool:
        """Of two mailboxes that have had one name, the one that is there is meant."""
        deleted = self._names.index("deleted") if "deleted" in self._names else -1
        return deleted >= 0 and cells[self._places[deleted]].casefold() == "true"


def _value(name: str, cell: str) -> Any:
    text = cell.strip()
    if name in NUMBERS:
        return int(text) if text.isdecimal() and len(text) < 19 else None
    if name == "deleted":
        return {"true": True, "false": False}.get(text.casefold())
    return text or None


def _strange() -> GraphError:
    return GraphError(200, "NotAUsageReport", "what the service gave is not a usage report")
