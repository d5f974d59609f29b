"""Names of time zones that the service takes: those of Windows, and those of the IANA database. Sends nothing.

A name that does not exist would pass a plan and then fail at every mailbox with InvalidTimeZone.
"""

import re
from functools import cache
from zoneinfo import available_timezones

from bulkmail.text import likeliest

_STANDARD = (
    "AUS Central; AUS Eastern; Afghanistan; Alaskan; Alberta; Aleutian; Altai; Arab; Arabian; Arabic; Argentina; "
    "Astrakhan; Atlantic; Aus Central W.; Azerbaijan; Azores; Bahia; Bangladesh; Belarus; Bougainville; British "
    "Columbia; Canada Central; Cape Verde; Caucasus; Cen. Australia; Central America; Central Asia; Central "
    "Brazilian; Central Europe; Central European; Central Pacific; Central; Chatham Islands; China; Cuba; Dateline; "
    "E. Africa; E. Australia; E. Europe; E. South America; Easter Island; Eastern; Egypt; Ekaterinburg; FLE; Fiji; "
    "GMT; GTB; Georgian; Greenland; Greenwich; Haiti; Hawaiian; India; Iran; Israel; Jordan; Kaliningrad; Kamchatka; "
    "Korea; Libya; Line Islands; Lord Howe; Magadan; Magallanes; Manitoba; Marquesas; Mauritius; Mid-Atlantic; Middle "
    "East; Montevideo; Morocco; Mountain; Myanmar; N. Central Asia; Namibia; Nepal; New Zealand; Newfoundland; "
    "Norfolk; North Asia East; North Asia; North Korea; Omsk; Pacific SA; Pacific; Pakistan; Paraguay; Qyzylorda; "
    "Romance; Russian; SA Eastern; SA Pacific; SA Western; SE Asia; Saint Pierre; Sakhalin; Samoa; Sao Tome; Saratov; "
    "Singapore; South Africa; South Sudan; Sri Lanka; Sudan; Syria; Taipei; Tasmania; Tocantins; Tokyo; Tomsk; Tonga; "
    "Transbaikal; Turkey; Turks And Caicos; US Eastern; US Mountain; Ulaanbaatar; Venezuela; Vladivostok; Volgograd; "
    "W. Australia; W. Central Africa; W. Europe; W. Mongolia; West Asia; West Bank; West Pacific; Yakutsk; Yukon"
)
_OTHERS = (
    "Central Standard Time (Mexico)", "Eastern Standard Time (Mexico)", "Mountain Standard Time (Mexico)",
    "Pacific Standard Time (Mexico)", "Russia Time Zone 10", "Russia Time Zone 11", "Russia Time Zone 3", "UTC",
    "UTC+12", "UTC+13", "UTC-02", "UTC-08", "UTC-09", "UTC-11", "Customized Time Zone",
)  # fmt: skip
WINDOWS = frozenset(f"{name} Standard Time" for name in _STANDARD.split("; ")) | frozenset(_OTHERS)
"""Of windowsZones.xml of Unicode CLDR 48, two older ones that Exchange still knows, and the one that people shape
for themselves."""

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
