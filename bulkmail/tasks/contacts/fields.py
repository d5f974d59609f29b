"""The fields of a contact that a list can fill: their columns, their forms, and what makes two values the same. Sends
nothing.

Names and limits: learn.microsoft.com/graph/api/resources/contact. The service gives back an empty list where it was
given none, and null for a text.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bulkmail.source.address import is_address, parts

ADDRESSES = 3
"""E-mail addresses that a contact can hold."""

PHONES = 2
"""Business phones that a contact can hold, and home phones."""

PHONE_FIELDS = frozenset({"mobilePhone", "businessPhones", "homePhones"})
_CUT = re.compile(r"[+-]?\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE | re.ASCII)


class Field(NamedTuple):
    """`columns` are the usual names of its column, as `fold` leaves them; `reads` makes a value out of cells and may
    raise ValueError; `says` gives what values are compared and shown by."""

    columns: tuple[str, ...]
    reads: Callable[[list[str]], Any]
    says: Callable[[Any], Any]


def _text(cells: list[str]) -> str | None:
    return "; ".join(cells) or None


def _list(cells: list[str]) -> list[str]:
    return [part.strip() for cell in cells for part in cell.split(";") if part.strip()]


def _phones(cells: list[str]) -> list[str]:
    found = _list(cells)
    if len(found) > PHONES:
        raise ValueError(
            f"has {len(found)} phones in a field; a contact holds {PHONES} business and {PHONES} home phones"
        )
    return found


def is_odd_number(text: str) -> bool:
    """Whether a phone number is what a spreadsheet has made of it: `4,91701E+11`, or text behind its apostrophe."""
    text = text.strip()
    return text.startswith("'") or _CUT.fullmatch(text) is not None


def _addresses(cells: list[str]) -> list[dict[str, str]]:
    found = [part for cell in cells for part in parts(cell)]
    if strange := next((address for address in found if not is_address(address)), ""):
        raise ValueError(f"has {strange[:60]!r}, which is not an address")
    if len(found) > ADDRESSES:
        raise ValueError(f"has {len(found)} addresses; a contact holds {ADDRESSES}")
    return [{"address": address, "name": address} for address in found]


def _said(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _said_all(value: Any) -> list[str]:
    return [_said(one) for one in value if _said(one)] if isinstance(value, list) else []


def _said_addresses(value: Any) -> list[str]:
    return _said_all([one.get("address") for one in value if isinstance(one, dict)]) if isinstance(value, list) else []


def _of(*columns: str) -> Field:
    return Field(columns, _text, _said)


FIELDS: Mapping[str, Field] = {
    "displayName": _of("displayname", "name", "fullname"),
    "givenName": _of("givenname", "firstname"),
    "surname": _of("surname", "lastname", "familyname", "sn"),
    "emailAddresses": Field(
        ("emailaddresses", "emailaddress", "email", "mail", "primarysmtpaddress"), _addresses, _said_addresses
    ),
    "businessPhones": Field(
        ("businessphones", "businessphone", "telephonenumber", "phone", "officephone"), _phones, _said_all
    ),
    "mobilePhone": _of("mobilephone", "mobile", "mobilenumber"),
    "homePhones": Field(("homephones", "homephone"), _phones, _said_all),
    "companyName": _of("companyname", "company", "organization"),
    "department": _of("department"),
    "jobTitle": _of("jobtitle", "title"),
    "officeLocation": _of("officelocation", "office"),
    "personalNotes": _of("personalnotes", "notes"),
}


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a field say the same."""
    says = FIELDS[name].says
    return bool(says(one) == says(other))


def shown(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Fields as a row tells of them: only those that hold anything."""
    if values is None:
        return None
    told = {name: FIELDS[name].says(value) for name, value in values.items() if name in FIELDS}
    return {name: value for name, value in told.items() if value}
