"""What PATCH takes of each part of `mailboxSettings`, and the service's error codes for the rest."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bulkmail.sim.families.outlook.content import LANGUAGES
from bulkmail.sim.families.settings.kind import DAYS, ENUMS
from bulkmail.sim.graph.call import Json, Refusal, bad_request
from bulkmail.sim.tenant.zones import zone

Check: TypeAlias = Callable[[Any, Any], Any]
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,7})?)?")


def _unreadable(name: str) -> Refusal:
    return bad_request(f"The property '{name}' has a value that cannot be read.", "RequestBodyRead")


def _text(_: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable("value")
    return value


def _zone(_: Any, value: Any) -> str:
    text = _text(_, value)
    if zone(text) is None:
        raise bad_request("The time zone is not known.", "InvalidTimeZone")
    return text


def _enum(name: str, value: Any) -> str:
    for member in ENUMS[name]:
        if isinstance(value, str) and member.lower() == value.lower():
            return member
    raise _unreadable(name)


def _object(name: str, value: Any, known: set[str]) -> Json:
    if not isinstance(value, dict) or not {key for key in value if key[:1] != "@"} <= known:
        raise _unreadable(name)
    return value


def _language(_: Json, value: Any) -> Json:
    locale = _object("language", value, {"locale", "displayName"}).get("locale")
    known = {name.lower(): name for name in LANGUAGES}
    name = known.get(locale.lower()) if isinstance(locale, str) else None
    if name is None:
        raise bad_request("The locale is not known.", "ErrorInvalidLocale")
    return {"locale": name, "displayName": LANGUAGES[name]}


def _replies(before: Json, value: Any) -> Json:
    """Members that are left out keep their values."""
    after: Json = before | _object("automaticRepliesSetting", value, set(before))
    for name in ("status", "externalAudience"):
        after[name] = _enum(name, after[name])
    for name in ("internalReplyMessage", "externalReplyMessage"):
        after[name] = _wrapped(after[name]) if name in value else before[name]
    for name in ("scheduledStartDateTime", "scheduledEndDateTime"):
        after[name] = _moment(after[name])
    start, end = after["scheduledStartDateTime"]["dateTime"], after["scheduledEndDateTime"]["dateTime"]
    if after["status"] == "scheduled" and end <= start:
        raise bad_request("The duration of the scheduled reply is not valid.", "ErrorInvalidScheduledOofDuration")
    return after


def _wrapped(text: Any) -> str:
    """Replies come back as HTML documents, whatever they were sent as; an empty one stays empty."""
    if not isinstance(text, str | None):
        raise _unreadable("internalReplyMessage")
    if not text or "<html" in text.lower():
        return text or ""
    return f"<html>\n<body>\n{text}\n</body>\n</html>\n"


def _moment(value: Any) -> Json:
    """A moment and its zone, spelled as the service spells them: seven digits, no offset."""
    parts = _object("dateTimeTimeZone", value, {"dateTime", "timeZone"})
    text = parts.get("dateTime")
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise _unreadable("dateTime") from None
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    zone = "UTC" if parts.get("timeZone") is None else _zone("", parts["timeZone"])
    return {"dateTime": f"{moment:%Y-%m-%dT%H:%M:%S.%f}0", "timeZone": zone}


def check_texts(replies: Json) -> None:
    """Exchange's own rule: replies that are on have a text for those inside, and one for those outside who get one."""
    wanted = ["internalReplyMessage"] + ["externalReplyMessage"] * (replies["externalAudience"].lower() != "none")
    if replies["status"].lower() != "disabled" and not all(replies[name] for name in wanted):
        raise bad_request("Automatic replies that are on need a text.", "ErrorInvalidRequest")


def check_supported(changed: Json, without: frozenset[str]) -> None:
    """What the server of this mailbox does not know, though others do."""
    hours = changed.get("workingHours", {}).get("timeZone", {}).get("name")
    if {changed.get("timeZone"), hours} & without:
        raise bad_request("The time zone is not known.", "InvalidTimeZone")
    if changed.get("language", {}).get("locale") in without:
        raise bad_request("The locale is not known.", "ErrorInvalidLocale")


def _working_hours(before: Json, value: Any) -> Json:
    after: Json = before | _object("workingHours", value, set(before))
    times = [after["startTime"], after["endTime"]]
    if not all(isinstance(time, str) and _TIME_OF_DAY.fullmatch(time) for time in times):
        raise _unreadable("startTime")
    if times[1] <= times[0]:
        raise bad_request("The end time must be after the start time.", "ErrorInvalidTimeSettings")
    days = after["daysOfWeek"]
    if not isinstance(days, list) or not {str(day).lower() for day in days} <= set(DAYS):
        raise bad_request("A day of the week is not valid.", "InvalidArguments")
    after["daysOfWeek"] = [str(day).lower() for day in days]
    named = after["timeZone"]
    if not isinstance(named, dict):
        raise _unreadable("timeZone")
    if "customTimeZone" not in str(named.get("@odata.type", "")):
        _zone("", named.get("name"))
    return after


CHECKS: Mapping[str, Check] = {
    "automaticRepliesSetting": _replies,
    "dateFormat": _text,
    "delegateMeetingMessageDeliveryOptions": lambda _, value: _enum("delegateMeetingMessageDeliveryOptions", value),
    "language": _language,
    "timeFormat": _text,
    "timeZone": _zone,
    "workingHours": _working_hours,
}
