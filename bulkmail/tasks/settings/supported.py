"""What a mailbox can be set to, asked of the mailbox itself before it is written: its time zones and languages.

The lists differ between mailboxes, because their servers do. A zone that is not in them would be refused together with
all other settings of the same request. learn.microsoft.com/graph/api/outlookuser-supportedtimezones
"""

from collections.abc import Mapping
from typing import Any

from bulkmail.errors import GraphError, InputError
from bulkmail.graph import Graph
from bulkmail.model import Mailbox
from bulkmail.task.permissions import Needs, all_of
from bulkmail.tasks.settings.fields import SETTINGS
from bulkmail.tasks.settings.options import SettingsApplyOptions
from bulkmail.text import nearest

PERMISSION = "User.ReadBasic.All"
"""The least application permission to read the lists."""

WINDOWS = "/outlook/supportedTimeZones"
IANA = "/outlook/supportedTimeZones(TimeZoneStandard=microsoft.graph.timeZoneStandard'Iana')"
LANGUAGES = "/outlook/supportedLanguages"
CHECKED = ("time_zone", "working_time_zone", "language")
"""The settings that have a list."""


def needs(options: SettingsApplyOptions) -> Needs:
    """The lists are needed where the job insists on them, and sets a zone or a language."""
    insists = options.check_supported is True and any(getattr(options, name) is not None for name in CHECKED)
    return all_of("MailboxSettings.ReadWrite", *((PERMISSION,) if insists else ()))


async def check_supported(mailbox: Mailbox, graph: Graph, after: Mapping[str, Any], *, strict: bool) -> None:
    """Raises InputError for the first value that is not in the mailbox's list. One request for each list.

    A list without entries says nothing; nor, unless the check is `strict`, does one that cannot be had: the service
    then decides alone.
    """
    asked = {name: SETTINGS[name].shows(after[name]) for name in CHECKED if name in after}
    lists: dict[str, list[str]] = {}
    for name, value in asked.items():
        path = _list_of(name, value)
        if path not in lists:
            lists[path] = await _names(graph, path, strict=strict)
        if lists[path] and value.casefold() not in {one.casefold() for one in lists[path]}:
            said = f"row {mailbox.row}: {name}: this mailbox does not take {value[:60]!r}{nearest(value, lists[path])}"
            raise InputError(said, hint="Nothing was written to it.")


def _list_of(name: str, value: str) -> str:
    if name == "language":
        return LANGUAGES
    return IANA if "/" in value else WINDOWS


async def _names(graph: Graph, path: str, *, strict: bool) -> list[str]:
    key = "locale" if path == LANGUAGES else "alias"
    try:
        rows = [one async for one in graph.items(path)]
    except GraphError as error:
        if strict or error.status == 401 or error.status >= 500:
            raise
        return []
    return [one[key] for one in rows if isinstance(one, dict) and isinstance(one.get(key), str)]
