"""`mailboxSettings`: the whole, one part of it, and PATCH with the service's rules and error codes."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bulkmail.sim import words
from bulkmail.sim.call import Answer, Call, Json, Refusal, bad_request
from bulkmail.sim.odata import select
from bulkmail.sim.routes.table import Route, roles
from bulkmail.sim.world import World

READ = roles("MailboxSettings.Read MailboxSettings.ReadWrite")
WRITE = roles("MailboxSettings.ReadWrite")
Check: TypeAlias = Callable[[Any, Any], Any]

ENUMS: Mapping[str, tuple[str, ...]] = {
    "status": ("disabled", "alwaysEnabled", "scheduled"),
    "externalAudience": ("none", "contactsOnly", "all"),
    "delegateMeetingMessageDeliveryOptions": (
        "sendToDelegateAndInformationToPrincipal",
        "sendToDelegateAndPrincipal",
        "sendToDelegateOnly",
    ),
}
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
PARTS = (
    "archiveFolder", "automaticRepliesSetting", "dateFormat", "delegateMeetingMessageDeliveryOptions", "language",
    "timeFormat", "timeZone", "userPurpose", "workingHours",
)  # fmt: skip
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,7})?)?")
_IANA = re.compile(r"(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/[\w/+-]+")


def read(world: World, call: Call) -> Answer:
    if "$select" not in call.options:
        return Answer(200, world.mailboxes.packed_settings(call.user, call.base))
    context = f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/mailboxSettings"
    return Answer(200, {"@odata.context": context} | select(world.mailboxes.settings(call.user), call.options, ()))


def read_part(world: World, call: Call) -> Answer:
    """A complex property comes as itself, a simple one under `value`."""
    name = next((part for part in PARTS if part.lower() == call.keys[1].lower()), "")
    if not name:
        raise bad_request(f"Resource not found for the segment '{call.keys[1][:80]}'.")
    value = world.mailboxes.settings(call.user)[name]
    context = f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/mailboxSettings/{name}"
    return Answer(body={"@odata.context": context} | (value if isinstance(value, dict) else {"value": value}))


def patch(world: World, call: Call) -> Answer:
    """Answers with the changed properties only. Nothing is changed unless all of it can be."""
    wanted = {name: value for name, value in call.json().items() if not name.startswith("@")}
    if not wanted or not wanted.keys() <= CHECKS.keys():
        raise bad_request("The OData request is not supported.", "ErrorInvalidRequest")
    before = world.mailboxes.settings(call.user)
    changed = {name: CHECKS[name](deepcopy(before[name]), value) for name, value in wanted.items()}
    if world.settings.strict_replies and "automaticRepliesSetting" in changed:
        _check_texts(changed["automaticRepliesSetting"])
    world.mailboxes.write(call.user).settings.update(changed)
    context = f"{call.base}/$metadata#users('{world.tenant.guid(call.user)}')/mailboxSettings"
    return Answer(body={"@odata.context": context} | changed)


def _unreadable(name: str) -> Refusal:
    return bad_request(f"The property '{name}' has a value that cannot be read.", "RequestBodyRead")


def _text(_: Any, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable("value")
    return value


def _zone(_: Any, value: Any) -> str:
    text = _text(_, value)
    if not (text in words.TIME_ZONES or text.endswith(" Standard Time") or _IANA.fullmatch(text)):
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
    names = {row[0].lower(): row for row in words.LANGUAGES}
    if not isinstance(locale, str) or not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", locale):
        raise bad_request("The locale is not known.", "ErrorInvalidLocale")
    row = names.get(locale.lower(), (locale, locale))
    return {"locale": row[0], "displayName": row[1]}


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


def _check_texts(replies: Json) -> None:
    """Exchange's own rule: replies that are on have a text for those inside, and one for those outside who get one."""
    wanted = ["internalReplyMessage"] + ["externalReplyMessage"] * (replies["externalAudience"].lower() != "none")
    if replies["status"].lower() != "disabled" and not all(replies[name] for name in wanted):
        raise bad_request("Automatic replies that are on need a text.", "ErrorInvalidRequest")


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
    zone = after["timeZone"]
    if not isinstance(zone, dict):
        raise _unreadable("timeZone")
    if "customTimeZone" not in str(zone.get("@odata.type", "")):
        _zone("", zone.get("name"))
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

ROUTES = (
    Route("GET", "/users/{}/mailboxSettings", read, READ),
    Route("PATCH", "/users/{}/mailboxSettings", patch, WRITE),
    Route("GET", "/users/{}/mailboxSettings/{}", read_part, READ),
)
