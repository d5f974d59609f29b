"""Reports the settings of a mailbox, one row each: automatic replies, time zone, language, working hours and so on.

Property names and values: learn.microsoft.com/graph/api/resources/mailboxsettings. The service writes enum values in
varying case, `userPurpose` plain or in an object, and leaves out or nulls what was never set; all of that is read here,
and a value of an unexpected kind is an empty cell, never an error.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any

from bulkmail.graph import Graph
from bulkmail.model import Mailbox, Row
from bulkmail.task.declare import task
from bulkmail.tasks.kit import expect
from bulkmail.tasks.kit.forms import WHOLE, shown
from bulkmail.tasks.kit.html import plain
from bulkmail.tasks.kit.settings import PATH, settings_of
from bulkmail.tasks.settings.fields import ALWAYS, SPELLED, TEXTS, active, canonical, days
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

ENUMS = ("auto_reply_status", "auto_reply_audience", "delegate_delivery", "user_purpose")
REPLIES = ("internal_reply", "external_reply")
TIMES = ("auto_reply_start", "auto_reply_end", "working_start", "working_end")
_enums = itemgetter(*ENUMS)
_off = methodcaller("removesuffix", WHOLE)
_MOMENT = {"dateTime": None, "timeZone": None}
_NOTHING_SET: Mapping[str, Any] = {
    "automaticRepliesSetting": {
        "status": None, "externalAudience": None, "internalReplyMessage": None, "externalReplyMessage": None,
        "scheduledStartDateTime": _MOMENT, "scheduledEndDateTime": _MOMENT,
    },
    "language": {"locale": None, "displayName": None},
    "workingHours": {"daysOfWeek": None, "startTime": None, "endTime": None, "timeZone": {"name": None}},
    "timeZone": None, "dateFormat": None, "timeFormat": None, "userPurpose": None,
    "delegateMeetingMessageDeliveryOptions": None,
}  # fmt: skip


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
    settings = _object(body)
    language = _object(settings.get("language"))
    return {
        "MailboxName": mailbox.address,
        "Language": _text(language.get("displayName")),
        "Locale": _text(language.get("locale")),
        "TimeZone": _text(settings.get("timeZone")),
        "AutomaticReplyStatus": canonical(_object(settings.get("automaticRepliesSetting")).get("status")),
    }


def full_row(mailbox: Mailbox, body: Any, replies: str, now: Callable[[], datetime]) -> Row:
    """All columns; `now` gives the present moment."""
    return usual_row(mailbox.address, body, replies, now) or any_row(mailbox.address, body, replies, now)


def usual_row(address: str, body: Any, replies: str, now: Callable[[], datetime]) -> Row | None:
    """What `any_row` gives, at half its cost, of settings that are all set and spelled as in the schema, as nearly all
    are; None of others."""
    try:
        row, worked = _as_it_comes(address, body, _off), body["workingHours"]["daysOfWeek"]
        "".join(row.values())  # all are texts
    except (KeyError, TypeError, AttributeError):
        return None
    fractions = "." in f"{row['auto_reply_start']}{row['auto_reply_end']}{row['working_start']}{row['working_end']}"
    if fractions or not SPELLED.issuperset(_enums(row)):
        return None
    if row["internal_reply"] or row["external_reply"]:
        row |= {name: _shown(row[name], replies) for name in REPLIES}
    status = row["auto_reply_status"]
    row["working_days"] = days(worked)
    row["auto_reply_active"] = (
        active(body["automaticRepliesSetting"], now()) if status == "scheduled" else ALWAYS.get(status)
    )
    return row


def any_row(address: str, body: Any, replies: str, now: Callable[[], datetime]) -> Row:
    """All columns, of settings of any form: as they come first, and then put right where one is not as it should be."""
    settings = body
    try:
        row, worked = _as_it_comes(address, settings), settings["workingHours"]["daysOfWeek"]
    except (KeyError, TypeError):  # something was never set, or is of an unexpected kind
        settings = _completed(body, _NOTHING_SET)
        row, worked = _as_it_comes(address, settings), settings["workingHours"]["daysOfWeek"]
    if not TEXTS.issuperset(map(type, row.values())):
        row = {name: _text(value) for name, value in row.items()}
    if not SPELLED.issuperset(_enums(row)):
        row |= {name: canonical(row[name]) for name in ENUMS}
    row |= {name: _shown(row[name] or "", replies) for name in REPLIES}
    row |= {name: shown(time) for name in TIMES if (time := row[name])}
    row["working_days"] = days(worked)
    row["auto_reply_active"] = active(settings["automaticRepliesSetting"], now())
    return row


def _shown(reply: str, replies: str) -> str:
    return plain(reply) if replies == "text" else reply


def _same(time: Any) -> Any:
    return time


def _as_it_comes(address: str, settings: Any, time: Callable[[Any], Any] = _same) -> Row:
    """`time` gives the cell of a time. Raises KeyError and TypeError for settings that lack something."""
    reply, language, hours = settings["automaticRepliesSetting"], settings["language"], settings["workingHours"]
    purpose, start = settings["userPurpose"], reply["scheduledStartDateTime"]
    return {
        "mailbox": address,
        "auto_reply_status": reply["status"],
        "auto_reply_audience": reply["externalAudience"],
        "auto_reply_start": time(start["dateTime"]),
        "auto_reply_end": time(reply["scheduledEndDateTime"]["dateTime"]),
        "auto_reply_time_zone": start["timeZone"],
        "internal_reply": reply["internalReplyMessage"],
        "external_reply": reply["externalReplyMessage"],
        "time_zone": settings["timeZone"],
        "language": language["locale"],
        "language_name": language["displayName"],
        "date_format": settings["dateFormat"],
        "time_format": settings["timeFormat"],
        "working_days": "",  # filled in when the texts have been looked at
        "working_start": time(hours["startTime"]),
        "working_end": time(hours["endTime"]),
        "working_time_zone": hours["timeZone"]["name"],
        "delegate_delivery": settings["delegateMeetingMessageDeliveryOptions"],
        "user_purpose": purpose if type(purpose) is str else _object(purpose).get("value"),
    }


def _completed(value: Any, blank: Mapping[str, Any]) -> Row:
    """An object with the members of `blank`: as `value` has them, and blank where it has none or is not an object."""
    given = _object(value)
    return {
        name: _completed(given.get(name), inner) if isinstance(inner, dict) else given.get(name)
        for name, inner in blank.items()
    }


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
