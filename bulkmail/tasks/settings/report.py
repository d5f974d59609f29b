"""Reports the settings of a mailbox, one row each: automatic replies, time zone, language, working hours and so on.

Property names and values: learn.microsoft.com/graph/api/resources/mailboxsettings. The service writes enum values in
varying case, `userPurpose` plain or in an object, and leaves out or nulls what was never set; all of that is read here,
and a value of an unexpected kind is an empty cell, never an error.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.forms import WHOLE, shown
from bulkmail.tasks.kit.html import plain
from bulkmail.tasks.kit.settings import PATH, settings_of
from bulkmail.tasks.settings.fields import ALWAYS, SPELLED, active, canonical, days
from bulkmail.tasks.settings.options import SettingsReportOptions

COLUMNS = {
    "mailbox": "address as the input gives it",
    "auto_reply_status": "disabled, alwaysEnabled or scheduled; a scheduled one may be over",
    "auto_reply_audience": "who outside gets a reply: none, contactsOnly or all",
    "auto_reply_start": "start of the schedule, such as 2026-12-24T18:00:00",
    "auto_reply_end": "end of the schedule",
    "auto_reply_time_zone": "time zone of start and end",
    "internal_reply": "reply to the own organisation",
    "external_reply": "reply to everybody else",
    "time_zone": "Windows or IANA name",
    "language": "locale, such as en-US",
    "language_name": "name of the language, in the mailbox's own words",
    "date_format": "such as yyyy-MM-dd",
    "time_format": "such as HH:mm",
    "working_days": "days of the week, separated by semicolons in CSV",
    "working_start": "start of the working day, such as 08:00:00",
    "working_end": "end of the working day",
    "working_time_zone": "time zone of the working hours; Customized Time Zone for one with rules of its own",
    "delegate_delivery": "who gets meeting messages: sendToDelegateAndInformationToPrincipal, "
    "sendToDelegateAndPrincipal or sendToDelegateOnly",
    "user_purpose": "user, linked, shared, room, equipment or others",
    "auto_reply_active": "whether automatic replies go out now: they are always enabled, or scheduled and the present "
    "moment is between start and end; empty where the zone of the schedule is not known",
}

SEED_COLUMNS = {
    "MailboxName": "address as the input gives it",
    "Language": "name of the language",
    "Locale": "locale, such as en-US",
    "TimeZone": "Windows or IANA name",
    "AutomaticReplyStatus": "disabled, alwaysEnabled or scheduled",
}

REPLIES = ("internal_reply", "external_reply")
_REPLY, _HOURS = "automaticRepliesSetting", "workingHours"
_require_texts = "".join  # raises TypeError where one of its parts is not a text


def columns(options: SettingsReportOptions) -> Mapping[str, str]:
    return SEED_COLUMNS if options.columns == "seed" else COLUMNS


@task(
    "settings.report",
    summary="Automatic replies, time zone, language, formats, working hours and purpose of each mailbox",
    permission="MailboxSettings.Read",
    options=SettingsReportOptions,
    columns=columns,
    key_columns=(),
)
async def settings_report(mailbox: Mailbox, graph: Graph, options: SettingsReportOptions) -> AsyncIterator[Row]:
    """One request and one row a mailbox."""
    asked = settings_of(graph) if graph.gathers else graph.get(PATH)
    settings = expect.an_object(await asked, "settings")
    if options.columns == "seed":
        yield seed_row(mailbox, settings)
    else:
        yield full_row(mailbox, settings, options.replies, _now)


_now = partial(datetime.now, UTC)


def seed_row(mailbox: Mailbox, body: Any) -> Row:
    """The five columns that the old report had, in its order."""
    return {
        "MailboxName": mailbox.address,
        "Language": _text(_at(body, "language", "displayName")),
        "Locale": _text(_at(body, "language", "locale")),
        "TimeZone": _text(_at(body, "timeZone")),
        "AutomaticReplyStatus": canonical(_at(body, _REPLY, "status")),
    }


def full_row(mailbox: Mailbox, body: Any, replies: str, now: Callable[[], datetime]) -> Row:
    """All columns; `now` gives the present moment."""
    return usual_row(mailbox.address, body, replies, now) or any_row(mailbox.address, body, replies, now)


def usual_row(address: str, body: Any, replies: str, now: Callable[[], datetime]) -> Row | None:
    """What `any_row` gives, at a fraction of its cost, of settings that are all set and spelled as in the schema, as
    nearly all are; None of others."""
    try:
        reply, hours, language = body[_REPLY], body[_HOURS], body["language"]
        start, end = reply["scheduledStartDateTime"], reply["scheduledEndDateTime"]
        starts, ends = start["dateTime"].removesuffix(WHOLE), end["dateTime"].removesuffix(WHOLE)
        opens, closes = hours["startTime"].removesuffix(WHOLE), hours["endTime"].removesuffix(WHOLE)
        status, audience, worked = reply["status"], reply["externalAudience"], hours["daysOfWeek"]
        delivery, purpose = body["delegateMeetingMessageDeliveryOptions"], body["userPurpose"]
        spelled = status in SPELLED and audience in SPELLED and delivery in SPELLED and purpose in SPELLED
        spelled = spelled and type(worked) is list and SPELLED.issuperset(worked)
        internal, external = reply["internalReplyMessage"], reply["externalReplyMessage"]
        reply_zone, zone, hours_zone = start["timeZone"], body["timeZone"], hours["timeZone"]["name"]
        locale, language_name = language["locale"], language["displayName"]
        date_format, time_format = body["dateFormat"], body["timeFormat"]
        _require_texts(
            (internal, external, reply_zone, zone, hours_zone, locale, language_name, date_format, time_format)
        )
    except (KeyError, TypeError, AttributeError):  # something was never set, or is of an unexpected kind
        return None
    if not spelled or "." in f"{starts}{ends}{opens}{closes}":
        return None
    if internal or external:
        internal, external = _shown(internal, replies), _shown(external, replies)
    row = {
        "mailbox": address,
        "auto_reply_status": status,
        "auto_reply_audience": audience,
        "auto_reply_start": starts,
        "auto_reply_end": ends,
        "auto_reply_time_zone": reply_zone,
        "internal_reply": internal,
        "external_reply": external,
        "time_zone": zone,
        "language": locale,
        "language_name": language_name,
        "date_format": date_format,
        "time_format": time_format,
        "working_days": worked,
        "working_start": opens,
    }  # a display of more than 15 members is put together from parts, at twice the cost
    row["working_end"] = closes
    row["working_time_zone"] = hours_zone
    row["delegate_delivery"] = delivery
    row["user_purpose"] = purpose
    row["auto_reply_active"] = active(reply, now()) if status == "scheduled" else ALWAYS.get(status)
    return row


def any_row(address: str, body: Any, replies: str, now: Callable[[], datetime]) -> Row:
    """All columns, of settings of any form, cell by cell."""
    row = {"mailbox": address, **{name: shows(_at(body, *path)) for name, (shows, path) in _CELLS.items()}}
    row |= {name: _shown(row[name] or "", replies) for name in REPLIES}
    row["auto_reply_active"] = active(_at(body, _REPLY), now())
    return row


def _shown(reply: str, replies: str) -> str:
    return plain(reply) if replies == "text" else reply


def _at(settings: Any, *path: str) -> Any:
    """What stands there; None where nothing does."""
    for name in path:
        settings = _object(settings).get(name)
    return settings


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Any) -> str | None:
    return shown(value) if isinstance(value, str) else None


def _purpose(value: Any) -> str | None:
    return canonical(_object(value).get("value", value))


_CELLS: Mapping[str, tuple[Callable[[Any], Any], Sequence[str]]] = {
    "auto_reply_status": (canonical, (_REPLY, "status")),
    "auto_reply_audience": (canonical, (_REPLY, "externalAudience")),
    "auto_reply_start": (_time, (_REPLY, "scheduledStartDateTime", "dateTime")),
    "auto_reply_end": (_time, (_REPLY, "scheduledEndDateTime", "dateTime")),
    "auto_reply_time_zone": (_text, (_REPLY, "scheduledStartDateTime", "timeZone")),
    "internal_reply": (_text, (_REPLY, "internalReplyMessage")),
    "external_reply": (_text, (_REPLY, "externalReplyMessage")),
    "time_zone": (_text, ("timeZone",)),
    "language": (_text, ("language", "locale")),
    "language_name": (_text, ("language", "displayName")),
    "date_format": (_text, ("dateFormat",)),
    "time_format": (_text, ("timeFormat",)),
    "working_days": (days, (_HOURS, "daysOfWeek")),
    "working_start": (_time, (_HOURS, "startTime")),
    "working_end": (_time, (_HOURS, "endTime")),
    "working_time_zone": (_text, (_HOURS, "timeZone", "name")),
    "delegate_delivery": (canonical, ("delegateMeetingMessageDeliveryOptions",)),
    "user_purpose": (_purpose, ("userPurpose",)),
}
"""How each cell shows what stands where in the settings."""
