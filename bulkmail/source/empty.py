"""Says why an input holds no mailbox, and what to do: a run over nothing is a mistake far more often than it is meant.

It would end with "all ok", and a nightly job would go on saying so for weeks.
"""

import re
from collections.abc import Sequence

from bulkmail.errors import InputError
from bulkmail.model import Counts, Rejected
from bulkmail.text import one_line

FEW = 5
"""Rejected rows that are looked at to tell what kind of list this is."""

MEANT = "If a run without mailboxes is fine, set output.empty_is_ok = true."
_CONCEALED = (
    "The names are concealed. Switch that off in the Microsoft 365 admin center (Settings, Org settings, Reports: "
    "display concealed user, group and site names) and export the report again."
)
_PRINTED = (
    "This was printed for the screen. Write a list instead: "
    "`… | Export-Csv mailboxes.csv -NoTypeInformation -Encoding utf8`."
)
_NO_ROWS = "Look at what writes it: a filter may have found no one, or an export may have failed."
_OTHERWISE = "Look at the list; input.column names the column of the addresses where it has another name."
_SIGNS = (
    (re.compile(r"\A[0-9A-Fa-f]{32}\Z"), _CONCEALED),
    (re.compile(r"\A(?:-{3,}\s*)+\Z|\S {2,}\S|\A\w+ *: "), _PRINTED),
)
"""How a value looks, and what to do then."""


def nothing_in(name: str, counts: Counts, rejected: Sequence[Rejected]) -> InputError:
    """`rejected` are some of the rows, with what was wrong with them."""
    if counts.left_out:
        return InputError(f"{name}: {_seen(counts, rejected)}", hint=f"Look at [input] of the job. {MEANT}")
    signs = (hint for sign, hint in _SIGNS if any(sign.search(row.value.strip()) for row in rejected))
    hint = next(signs, _OTHERWISE if counts.rows else _NO_ROWS)
    return InputError(f"{name}: {_seen(counts, rejected)}", hint=f"{hint} {MEANT}")


def left_out(counts: Counts) -> str:
    """Why mailboxes were left out, and how many: `3 excluded, 20 not meant by where`."""
    reasons = (
        (counts.excluded, "excluded"), (counts.unmatched, "not meant by where"), (counts.skipped, "skipped"),
        (counts.unsampled, "not in the sample"), (counts.beyond, "beyond the limit"),
    )  # fmt: skip
    return ", ".join(f"{number:,} {why}" for number, why in reasons if number)


def _seen(counts: Counts, rejected: Sequence[Rejected]) -> str:
    if not counts.rows:
        return "there is no row in it"
    if counts.left_out:
        return f"the job leaves all of its {counts.left_out:,} mailboxes out: {left_out(counts)}"
    row = next((row for row in rejected if row.reason == "invalid"), rejected[0] if rejected else None)
    first = f"; row {row.row} {row.why}{f': {one_line(row.value)!r}' if row.value else ''}" if row else ""
    return f"none of its {counts.rows:,} rows names a mailbox{first}"
