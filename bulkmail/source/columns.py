"""Finds the columns that name the mailbox. Knows names only: no file, no row.

Names are compared by their letters and digits, caselessly: `User principal name` is `UserPrincipalName`. Of several
known names, the one that stands first in the table wins, and the others are tried where its cell names no mailbox. A
UPN is preferred to an SMTP address, since Graph always finds a mailbox by its UPN and only sometimes by another of its
addresses.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bulkmail.errors import InputError
from bulkmail.text import likeliest

ADDRESS_NAMES = (
    "mailbox",
    "userprincipalname",
    "upn",
    "primarysmtpaddress",
    "mail",
    "emailaddress",
    "email",
    "windowsemailaddress",
    "smtpaddress",
    "address",
    "windowsliveid",
    "user",
)
"""Columns that hold an address, the most trusted first."""

ID_NAMES = ("externaldirectoryobjectid", "objectid", "userid", "id", "identity")
"""Columns that may hold a directory id. ExchangeGuid and Guid do not: those are Exchange's own."""

CONCEALABLE = frozenset(ADDRESS_NAMES) - {"mailbox"}
"""Columns in which a usage report conceals names, as 32 hex digits."""

_SHOWN = 12

_PRINTED = re.compile(r"\S {2,}\S")
"""Two words of a line that is padded with blanks, as Format-Table prints."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the address stands, counted from 0, and the directory id; -1 if there is none.

    `also` are the other places that can name the mailbox. `names` are those of all of these columns, in this order:
    address, also, id. `concealable`: 32 hex digits are a concealed name and not an id there.
    """

    address: int
    id: int = -1
    also: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    concealable: bool = False


def fold(name: str) -> str:
    """What of a column's name is compared."""
    return "".join(filter(str.isalnum, name.casefold()))


def is_heading(names: Sequence[str]) -> bool:
    """Whether a first row is made of column names, as far as they are known here."""
    return any(map(is_usual, names))


def is_usual(name: str) -> bool:
    """Whether a column of this name is known to name the mailbox of its row."""
    return fold(name) in (*ADDRESS_NAMES, *ID_NAMES)


def choose(names: Sequence[str], column: str = "") -> Choice:
    """Picks among `names`: the one called `column`, or the best known. Raises InputError, which lists what is there.

    An id beside a column that was named by hand belongs to the same mailbox only if that column is a usual one: beside
    `Manager`, it is that of another person. Other address columns are not tried then; the choice was made.
    """
    ids = _known(names, ID_NAMES)
    if column:
        found = _called(names, column)
        ids = ids if is_usual(column) else []
    else:
        found = [*_known(names, ADDRESS_NAMES), *ids]
    if not found:
        raise _missing(names, column)
    first = found[0]
    _refuse_twice(names, names[first], exact if column else fold)
    ids = [place for place in ids if place != first and not _ambiguous(names, place)]
    id_ = ids[0] if ids else -1
    also = () if column else tuple(place for place in found[1:] if place != id_ and not _ambiguous(names, place))
    looked = (first, *also, *ids[:1])
    shown = tuple(names[place].strip()[:40] for place in looked)
    return Choice(first, id_, also, shown, fold(names[first]) in CONCEALABLE)


def _ambiguous(names: Sequence[str], place: int) -> bool:
    return sum(fold(name) == fold(names[place]) for name in names) > 1


def exact(name: str) -> str:
    return name.strip().casefold()


def _called(names: Sequence[str], column: str) -> list[int]:
    return [place for place, name in enumerate(names) if exact(name) == exact(column)]


def _known(names: Sequence[str], table: Sequence[str]) -> list[int]:
    """The places of the known names, in the order of the table."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(fold(name), place)
    return [places[name] for name in table if name in places]


def twice(names: Sequence[str]) -> frozenset[str]:
    """The names that are there twice, as `exact` compares them. Columns without a name do not count."""
    counts = Counter(exact(name) for name in names if name.strip())
    return frozenset(name for name, count in counts.items() if count > 1)


def _refuse_twice(names: Sequence[str], used: str, alike: Callable[[str], str]) -> None:
    """No guess which of two columns is meant."""
    if sum(alike(name) == alike(used) for name in names) > 1:
        raise InputError(
            f"the column {used.strip()[:40]!r} is there twice",
            hint="Rename or remove one of the two, so that it is clear which is meant.",
        )


def _missing(names: Sequence[str], column: str) -> InputError:
    # repr: a name is the file's, and must not reach a terminal with its control characters.
    shown = ", ".join(repr(name.strip()[:40]) for name in names[:_SHOWN])
    there = f"it has {shown}{' and more' if len(names) > _SHOWN else ''}"
    if len(names) == 1 and _PRINTED.search(names[0].strip()):
        return InputError(
            f"this looks like a table that was printed for the screen; {there}",
            hint="Write a list instead: … | Export-Csv mailboxes.csv -NoTypeInformation -Encoding utf8",
        )
    if not column:
        return InputError(
            f"no column is known to name a mailbox; {there}",
            hint='Name it, as with --set input.column="E-Mail-Adresse", or call it mailbox or UserPrincipalName in the '
            "first row.",
        )
    near = likeliest(exact(column), map(exact, names))
    nearest = next((name.strip() for name in names if near and exact(name) == near), "")
    return InputError(
        f"there is no column {column!r}; {there}",
        hint=f"Did you mean {nearest!r}?" if nearest else "Give one of these names.",
    )
