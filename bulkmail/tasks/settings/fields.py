"""The settings that can be written: where each stands in `mailboxSettings`, what it says, and how it is shown. Sends
nothing.

Their names are the columns of settings.report. Two values that say the same are the same: the service writes enum
values in varying case, wraps texts of replies in HTML, and gives a schedule in a zone of its choice.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from bulkmail.tasks.kit.forms import shown
from bulkmail.tasks.kit.html import reads
from bulkmail.tasks.kit.zones import moment_of

KEY = "settings"
"""Names the settings of a mailbox in its changes: they are one thing."""

VALUES = (
    "disabled", "alwaysEnabled", "scheduled", "none", "contactsOnly", "all", "user", "linked", "shared", "room",
    "equipment", "others", "sendToDelegateAndInformationToPrincipal", "sendToDelegateAndPrincipal",
    "sendToDelegateOnly", "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
)  # fmt: skip
_CANONICAL = {value.casefold(): value for value in VALUES}
SPELLED = frozenset(VALUES)
ALWAYS = {"disabled": False, "alwaysEnabled": True}
"""Whether automatic replies go out, whatever the time."""


class Setting(NamedTuple):
    """`path` leads to its value; `says` gives what values are compared by, `shows` what a row tells of one."""

    path: tuple[str, ...]
    says: Callable[[Any], Any]
    shows: Callable[[Any], Any]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _folded(value: Any) -> str:
    return _text(value).casefold()


def instant(value: Any) -> Any:
    """A moment in UTC where its zone is known, by either name; else as it is written, with its zone."""
    return moment_of(*_moment(value)) or _moment(value)


def _moment(value: Any) -> tuple[str, str]:
    parts = value if isinstance(value, dict) else {}
    return _text(parts.get("dateTime")), _text(parts.get("timeZone"))


def active(reply: Any, now: datetime) -> bool | None:
    """Whether automatic replies go out at this moment; None where that cannot be told. A schedule stays set when it is
    over."""
    given = reply if isinstance(reply, dict) else {}
    status = canonical(given.get("status"))
    if status != "scheduled":
        return ALWAYS.get(status or "")
    start, end = (moment_of(*_moment(given.get(name))) for name in ("scheduledStartDateTime", "scheduledEndDateTime"))
    return None if start is None or end is None else start <= now < end


def _clock(value: Any) -> str:
    """A time of day with its seconds: `08:00` and `08:00:00.0000000` are `08:00:00`."""
    time, point, fraction = _text(value).partition(".")
    return shown(f"{time}:00"[:8] + point + fraction) if time else ""


def _schedule_shown(value: Any) -> str:
    moment, zone = _moment(value)
    return f"{shown(moment)} {zone}".strip()


def _zone(value: Any) -> str:
    return _text(value.get("name") if isinstance(value, dict) else value)


def canonical(value: Any) -> str | None:
    """An enum value in the schema's spelling; one that is new to us as it came."""
    return _CANONICAL.get(value.casefold(), value) if isinstance(value, str) else None


def days(value: Any) -> list[str]:
    """Days of the week in the schema's spelling; none for what is not a list of them."""
    if not isinstance(value, list):
        return []
    try:
        return [*_week(tuple(value))]
    except TypeError:  # something in it has no hash, so it is not a day
        return [*_week(tuple(day for day in value if isinstance(day, str)))]


@lru_cache(256)
def _week(given: tuple[object, ...]) -> list[str]:
    """The days of a week, of which few are in use; what looks alike to the cache, such as 1 and True, is not a day."""
    return [_CANONICAL.get(day.casefold(), day) for day in given if isinstance(day, str)]


def _enum(*path: str) -> Setting:
    return Setting(path, canonical, canonical)


def _name(*path: str) -> Setting:
    return Setting(path, _folded, _text)


def _format(*path: str) -> Setting:
    return Setting(path, _text, _text)


def _reply(name: str) -> Setting:
    return Setting(("automaticRepliesSetting", name), reads, lambda html: reads(html)[0])


def _schedule(name: str) -> Setting:
    return Setting(("automaticRepliesSetting", name), instant, _schedule_shown)


SETTINGS: Mapping[str, Setting] = {
    "auto_reply_status": _enum("automaticRepliesSetting", "status"),
    "auto_reply_audience": _enum("automaticRepliesSetting", "externalAudience"),
    "auto_reply_start": _schedule("scheduledStartDateTime"),
    "auto_reply_end": _schedule("scheduledEndDateTime"),
    "internal_reply": _reply("internalReplyMessage"),
    "external_reply": _reply("externalReplyMessage"),
    "time_zone": _name("timeZone"),
    "language": _name("language", "locale"),
    "date_format": _format("dateFormat"),
    "time_format": _format("timeFormat"),
    "working_days": Setting(("workingHours", "daysOfWeek"), lambda value: frozenset(days(value)), days),
    "working_start": Setting(("workingHours", "startTime"), _clock, _clock),
    "working_end": Setting(("workingHours", "endTime"), _clock, _clock),
    "working_time_zone": Setting(("workingHours", "timeZone"), lambda value: _zone(value).casefold(), _zone),
    "delegate_delivery": _enum("delegateMeetingMessageDeliveryOptions"),
}

EMPTY = frozenset({"internal_reply", "external_reply", "date_format", "time_format"})
"""Settings that may be set to an empty text; any other one cannot be without a value again once it has one."""


def value_of(settings: Any, name: str) -> Any:
    """The value of a setting as the service writes it; None where there is none."""
    for key in SETTINGS[name].path:
        settings = settings.get(key) if isinstance(settings, dict) else None
    return settings


def same(name: str, one: Any, other: Any) -> bool:
    """Whether two values of a setting say the same."""
    says = SETTINGS[name].says
    return bool(says(one) == says(other))


def body_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a PATCH that sets these values and no others: what is left out keeps its value."""
    body: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = SETTINGS[name].path
        inner = body
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return body


def values_of(settings: Any, names: Iterable[str]) -> dict[str, Any]:
    """The values of these settings, by their names."""
    return {name: value_of(settings, name) for name in names}
