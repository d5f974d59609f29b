"""Finds the column that names the mailbox. Knows names only: no file, no row.

Names are compared by their letters and digits, caselessly: `User principal name` is `UserPrincipalName`. Of several
known names, the one that stands first in the table wins. A UPN is preferred to an SMTP address, since Graph finds a
mailbox by its UPN always and by another of its addresses only sometimes.
"""

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
"""Columns that may hold a directory id. ExchangeGuid and Guid are none: they are Exchange's own."""

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """Where the address stands, counted from 0, and the directory id; -1 if there is none."""

    address: int
    id: int = -1


def fold(name: str) -> str:
    """What of a column's name is compared."""
    return "".join(filter(str.isalnum, name.casefold()))


def is_heading(names: Sequence[str]) -> bool:
    """Whether a first row is made of column names, as far as they are known here."""
    return any(fold(name) in (*ADDRESS_NAMES, *ID_NAMES) for name in names)


def choose(names: Sequence[str], column: str = "") -> Choice:
    """Picks among `names`: the one called `column`, or the best known. Raises InputError, which lists what is there."""
    ids = _known(names, ID_NAMES)
    found = _called(names, column) if column else [*_known(names, ADDRESS_NAMES), *ids]
    if not found:
        raise _missing(names, column)
    _refuse_twice(names, _exact)
    if not column:
        _refuse_twice([name for name in names if fold(name) == fold(names[found[0]])], fold)
    return Choice(found[0], next((place for place in ids if place != found[0]), -1))


def _exact(name: str) -> str:
    return name.strip().casefold()


def _called(names: Sequence[str], column: str) -> list[int]:
    return [place for place, name in enumerate(names) if _exact(name) == _exact(column)]


def _known(names: Sequence[str], table: Sequence[str]) -> list[int]:
    """The places of the known names, in the order of the table."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(fold(name), place)
    return [places[name] for name in table if name in places]


def _refuse_twice(names: Sequence[str], alike: Callable[[str], str]) -> None:
    """No guess which of two columns is meant. Columns without a name do not count."""
    counts = Counter(alike(name) for name in names if name.strip())
    for name in names:
        if counts[alike(name)] > 1:
            raise InputError(
                f"the column {name.strip()[:40]!r} is there twice",
                hint="Rename or remove one of the two, so that it is clear which is meant.",
            )


def _missing(names: Sequence[str], column: str) -> InputError:
    # repr: a name is the file's, and must not reach a terminal with its control characters.
    shown = ", ".join(repr(name.strip()[:40]) for name in names[:_SHOWN])
    there = f"it has {shown}{' and more' if len(names) > _SHOWN else ''}"
    if not column:
        return InputError(
            f"no column is known to name a mailbox; {there}",
            hint="Name it with the option column, or call it mailbox or UserPrincipalName in the first row.",
        )
    near = likeliest(_exact(column), map(_exact, names))
    nearest = next((name.strip() for name in names if near and _exact(name) == near), "")
    return InputError(
        f"there is no column {column!r}; {there}",
        hint=f"Did you mean {nearest!r}?" if nearest else "Give one of these names.",
    )
