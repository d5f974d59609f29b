"""Names of time zones that the service takes: those of Windows, and those of the IANA database. Sends nothing.

A name that does not exist would pass a plan and then fail at every mailbox with InvalidTimeZone.
"""

import re
from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from bulkmail.tasks.kit.windows import IANA
from bulkmail.text import likeliest

WINDOWS = frozenset(IANA) | {"Customized Time Zone"}
"""With the one that people shape for themselves."""

_ABBREVIATED = {
    "cet": "Central European Standard Time", "cest": "Central European Standard Time",
    "mez": "W. Europe Standard Time", "mesz": "W. Europe Standard Time", "met": "W. Europe Standard Time",
    "wet": "GMT Standard Time", "gmt": "GMT Standard Time", "bst": "GMT Standard Time",
    "eet": "FLE Standard Time", "eest": "FLE Standard Time", "msk": "Russian Standard Time",
    "est": "Eastern Standard Time", "edt": "Eastern Standard Time", "cst": "Central Standard Time",
    "cdt": "Central Standard Time", "mst": "Mountain Standard Time", "mdt": "Mountain Standard Time",
    "pst": "Pacific Standard Time", "pdt": "Pacific Standard Time", "ist": "India Standard Time",
    "jst": "Tokyo Standard Time", "kst": "Korea Standard Time", "sgt": "Singapore Standard Time",
    "aest": "AUS Eastern Standard Time", "nzst": "New Zealand Standard Time",
}  # fmt: skip
_OFFSET = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
_IANA_FORM = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+")


def known_zone(text: str) -> str:
    """The name as the service spells it. Raises ValueError that offers the nearest one."""
    name = text.strip()
    if found := _spelled().get(name.casefold()):
        return found
    if not _iana() and _IANA_FORM.fullmatch(name):  # a machine without the database cannot tell
        return name
    offer = _nearest(name)
    raise ValueError(f"{name[:60]!r} is not a time zone" + (f"; did you mean {offer}?" if offer else _FORMS))


@lru_cache(1024)  # of what mailboxes hold, which may be anything
def zone_of(name: str) -> tzinfo | None:
    """The zone of this name, of Windows or of the IANA database; None for one that is not known here."""
    spelled = _spelled().get(name.strip().casefold(), name.strip())
    try:
        return UTC if spelled == "UTC" else ZoneInfo(IANA.get(spelled, spelled))
    except (ValueError, OSError, KeyError):  # no such zone, or none that a file may be looked up by
        return None


def moment_of(text: str, zone: str) -> datetime | None:
    """A moment as the service writes it, `2026-12-24T18:00:00.0000000` and its zone beside it; None where it cannot be
    told when that is."""
    known = zone_of(zone or "UTC")
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=known).astimezone(UTC) if known else None
    except (ValueError, OverflowError):
        return None


_FORMS = "; write a Windows or an IANA name, such as W. Europe Standard Time or Europe/Berlin"


def _nearest(name: str) -> str:
    """What was most likely meant: an abbreviation, a name for the summer, a city as Outlook shows it, or a typing
    error."""
    bare = _OFFSET.sub("", name).strip()
    folded = bare.casefold()
    summer = folded.replace("daylight time", "standard time").replace("summer time", "standard time")
    known = _ABBREVIATED.get(folded) or _spelled().get(summer) or _spelled().get(f"{folded} standard time")
    cities = (part.strip().replace(" ", "_") for part in folded.split(","))
    return known or next(filter(None, map(_cities().get, cities)), "") or _spelled().get(_likely(folded), "")


def _likely(folded: str) -> str:
    return likeliest(folded, _spelled()) if len(folded) > 4 else ""


@cache
def _iana() -> frozenset[str]:
    """Names such as `Europe/Berlin`; the service does not take old ones without an area, such as `CET`."""
    return frozenset(name for name in available_timezones() if "/" in name and not name.startswith(("posix", "right")))


@cache
def _spelled() -> dict[str, str]:
    return {name.casefold(): name for name in (*_iana(), *WINDOWS)}


@cache
def _cities() -> dict[str, str]:
    names = sorted(_iana(), key=lambda name: name.startswith(("US/", "Etc/", "Canada/")), reverse=True)
    return {name.rpartition("/")[2].casefold(): name for name in names}
