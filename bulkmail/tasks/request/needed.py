"""The least application permission of a request, by where its path begins. A table; sends nothing.

learn.microsoft.com/graph/permissions-reference, and the pages of the calls.
"""

from collections.abc import Mapping

from bulkmail.core.effect import READING_ACTIONS
from bulkmail.task.permissions import NOTHING_NEEDED, Needs, all_of

_DIRECTORY = ("Directory.Read.All", "")
_USERS = ("User.Read.All", "User.ReadWrite.All")
_CALENDARS = ("Calendars.ReadBasic", "Calendars.ReadWrite")
_CONTENTS = ("Calendars.Read", "Calendars.ReadWrite")
_CONTACTS = ("Contacts.Read", "Contacts.ReadWrite")
_MAIL = ("Mail.ReadBasic.All", "Mail.ReadWrite")
_SETTINGS = ("MailboxSettings.Read", "MailboxSettings.ReadWrite")

LEAST: Mapping[str, tuple[str, str]] = {
    "": ("User.ReadBasic.All", "User.ReadWrite.All"),
    "calendar": _CALENDARS,
    "calendargroups": _CALENDARS,
    "calendars": _CALENDARS,
    "calendarview": _CALENDARS,
    "contactfolders": _CONTACTS,
    "contacts": _CONTACTS,
    "directreports": _USERS,
    "events": _CALENDARS,
    "getmailtips": ("MailTips.ReadBasic.All", ""),
    "getmembergroups": _DIRECTORY,
    "getmemberobjects": _DIRECTORY,
    "checkmembergroups": _DIRECTORY,
    "checkmemberobjects": _DIRECTORY,
    "inferenceclassification": ("Mail.Read", "Mail.ReadWrite"),
    "licensedetails": ("LicenseAssignment.Read.All", ""),
    "mailboxsettings": _SETTINGS,
    "mailfolders": _MAIL,
    "manager": _USERS,
    "memberof": _DIRECTORY,
    "messages": _MAIL,
    "outlook/mastercategories": _SETTINGS,
    "outlook/supportedlanguages": ("User.ReadBasic.All", ""),
    "outlook/supportedtimezones": ("User.ReadBasic.All", ""),
    "people": ("People.Read.All", ""),
    "photo": ("ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All"),
    "photos": ("ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All"),
    "sendmail": ("", "Mail.Send"),
    "transitivememberof": _DIRECTORY,
    "translateexchangeids": ("User.Read.All", ""),
}
"""First segments of a path, in lower case, to what reading and what writing below it takes; empty where it is not
known."""

CONTENT = "/$value"
"""The end of a path to the content of something, such as the MIME of a message."""


def least(path: str, *, reads: bool) -> Needs:
    """What is known to be needed; nothing where it is not known."""
    segments = path.strip("/").casefold().split("/")
    first = segments[0].partition("(")[0]
    both = "/".join(segments[:2]).partition("(")[0]
    if "messagerules" in segments:
        found = _SETTINGS
    elif "calendarpermissions" in segments:
        found = _CONTENTS
    elif "attachments" in segments or (first in ("messages", "mailfolders") and path.endswith(CONTENT)):
        found = _CONTENTS if LEAST.get(first) is _CALENDARS else ("Mail.Read", "Mail.ReadWrite")
    else:
        found = LEAST.get(both) or LEAST.get(first) or ("", "")
    name = found[0] if reads or segments[-1] in READING_ACTIONS else found[1]
    return all_of(name) if name else NOTHING_NEEDED
