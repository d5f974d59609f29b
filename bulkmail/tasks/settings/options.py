"""The settings that a job wants, checked: options with their forms, and the values of one mailbox made of them.

An option may hold `{Column}` and then differs from mailbox to mailbox: it is filled in and checked for each, and a
blank cell leaves the setting as it is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import time
from functools import partial
from html import escape
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.task.declare import Options
from bulkmail.tasks.kit.forms import moment, one_of, written
from bulkmail.tasks.kit.template import fill, has_holes
from bulkmail.tasks.kit.zones import known_zone
from bulkmail.tasks.settings.fields import SETTINGS

WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("should not be empty; leave the option out to leave the setting as it is")
    return text.strip()


def _clock(text: str) -> str:
    try:
        return time.fromisoformat(text).strftime("%H:%M:%S.0000000")
    except ValueError:
        raise ValueError("should be a time of day, such as 08:00") from None


def _days(text: str) -> str:
    named = [day.casefold() for day in text.replace(",", ";").replace(";", " ").split()]
    if not named or not set(named) <= set(WEEK):
        raise ValueError(f"should be days out of {', '.join(WEEK)}")
    return "; ".join(day for day in WEEK if day in named)


def _locale(text: str) -> str:
    """By its form: which of them a mailbox takes, the service alone knows."""
    if not _LOCALE.fullmatch(_name(text)):
        raise ValueError(f"{text.strip()[:40]!r} is not a locale, such as en-US or de-DE")
    return text.strip()


def _joined(value: Any) -> Any:
    """A list of days as one text."""
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


Name: TypeAlias = Annotated[str | None, written(_name)]
Locale: TypeAlias = Annotated[str | None, written(_locale)]
Zone: TypeAlias = Annotated[str | None, written(lambda text: known_zone(_name(text)))]
Moment: TypeAlias = Annotated[str | None, written(partial(moment, zone="auto_reply_time_zone"))]
Clock: TypeAlias = Annotated[str | None, written(_clock)]
Days: TypeAlias = Annotated[str | None, written(_days), BeforeValidator(_joined)]
Status: TypeAlias = Annotated[str | None, one_of("disabled", "alwaysEnabled", "scheduled")]
Audience: TypeAlias = Annotated[str | None, one_of("none", "contactsOnly", "all")]
Delivery: TypeAlias = Annotated[
    str | None,
    one_of("sendToDelegateAndInformationToPrincipal", "sendToDelegateAndPrincipal", "sendToDelegateOnly"),
]


class SettingsReportOptions(Options):
    """`columns` and how the texts of replies are written."""

    columns: Literal["all", "seed"] = Field("all", description="all, or seed: only automatic replies and language")
    replies: Literal["text", "html"] = Field("text", description="texts of replies as text, or as the stored HTML")


class SettingsApplyOptions(Options):
    """What is not given stays as it is. Any text may hold {Column}, a column of the mailbox's own row."""

    auto_reply_status: Status = Field(None, description="disabled, alwaysEnabled or scheduled")
    auto_reply_audience: Audience = Field(None, description="who outside gets a reply: none, contactsOnly or all")
    auto_reply_start: Moment = Field(None, description="start of the schedule, such as 2026-12-24T18:00")
    auto_reply_end: Moment = Field(None, description="end of the schedule")
    auto_reply_time_zone: Zone = Field(None, description="time zone of both; UTC without it. An IANA name is compared "
                                       "by what it means, a Windows name as it is written")  # fmt: skip
    internal_reply: str | None = Field(None, description="reply to the own organisation")
    external_reply: str | None = Field(None, description="reply to everybody else")
    replies: Literal["text", "html"] = Field("text", description="whether the replies here are text or HTML")
    time_zone: Zone = Field(None, description="Windows or IANA name, such as W. Europe Standard Time")
    language: Locale = Field(None, description="locale, such as en-US")
    date_format: Name = Field(None, description="such as yyyy-MM-dd")
    time_format: Name = Field(None, description="such as HH:mm")
    working_days: Days = Field(None, description="list of days, or a text of them separated by semicolons")
    working_start: Clock = Field(None, description="start of the working day, such as 08:00")
    working_end: Clock = Field(None, description="end of the working day")
    working_time_zone: Zone = Field(None, description="time zone of the working hours: Windows or IANA name")
    check_supported: bool | None = Field(
        None, description="before a zone or a language is written, the mailbox is asked whether it takes it. true: "
        "always, which needs User.ReadBasic.All; false: never; without it where the application may ask",
    )  # fmt: skip
    delegate_delivery: Delivery = Field(None, description="sendToDelegateAndInformationToPrincipal, "
                                        "sendToDelegateAndPrincipal or sendToDelegateOnly")  # fmt: skip

    def warnings(self) -> Sequence[str]:
        """Automatic replies that are switched on without a text of the job."""
        if self.auto_reply_status in (None, "disabled"):
            return ()
        missing = [name for name in ("internal_reply", "external_reply") if getattr(self, name) is None]
        if self.auto_reply_audience == "none":
            missing = [name for name in missing if name == "internal_reply"]
        told = (
            f"automatic replies are switched on without {' and '.join(missing)}: what each mailbox has there goes out, "
        )
        return (told + "as the rows with the state stays show",) if missing else ()

    def templates(self) -> Mapping[str, str]:
        """All settings may hold a column."""
        return {name: text for name in SETTINGS if isinstance(text := getattr(self, name), str)}

    @model_validator(mode="after")
    def _makes_sense(self) -> "SettingsApplyOptions":
        if all(getattr(self, name) is None for name in SETTINGS):
            raise ValueError("no setting is given")
        if (self.auto_reply_start is None) != (self.auto_reply_end is None):
            raise ValueError("auto_reply_start and auto_reply_end go together")
        if self.auto_reply_status == "scheduled" and self.auto_reply_start is None:
            raise ValueError("auto_reply_status scheduled goes with auto_reply_start and auto_reply_end")
        if self.auto_reply_time_zone is not None and self.auto_reply_start is None:
            raise ValueError("auto_reply_time_zone goes with auto_reply_start and auto_reply_end")
        _in_order("auto_reply_end", self.auto_reply_start, self.auto_reply_end)
        _in_order("working_end", self.working_start, self.working_end)
        return self


def _in_order(name: str, start: str | None, end: str | None) -> None:
    if start and end and not has_holes(start + end) and end <= start:
        raise ValueError(f"{name} should be after its start")


def wanted(options: SettingsApplyOptions, mailbox: Mailbox) -> dict[str, Any]:
    """Setting to the value that one mailbox should have, as the service is told it; those left alone are not in it.

    Raises InputError for a cell that is not a value of its setting.
    """
    given = {name: text for name in type(options).model_fields if isinstance(text := getattr(options, name), str)}
    if any(has_holes(value) for value in given.values()):
        options = _filled(given, mailbox)
        given = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    zone = options.auto_reply_time_zone or "UTC"
    write = str if options.replies == "html" else _as_html
    forms: Mapping[str, Callable[[str], Any]] = {
        "auto_reply_start": lambda moment: {"dateTime": moment, "timeZone": zone},
        "auto_reply_end": lambda moment: {"dateTime": moment, "timeZone": zone},
        "internal_reply": write,
        "external_reply": write,
        "working_days": lambda text: text.split("; "),
        "working_time_zone": lambda name: {"name": name},
    }
    return {name: forms.get(name, str)(given[name]) for name in SETTINGS if name in given}


def _filled(given: Mapping[str, str], mailbox: Mailbox) -> SettingsApplyOptions:
    in_html = given["replies"] == "html"
    filled = {}
    for name, text in given.items():
        cell = escape if in_html and name in ("internal_reply", "external_reply") else str
        value = fill(text, mailbox, cell)
        if value.strip() or not has_holes(text):
            filled[name] = value
    if not filled.keys() & SETTINGS.keys():
        return SettingsApplyOptions.model_construct()
    try:
        return SettingsApplyOptions(**filled)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings.apply"
        raise InputError(f"row {mailbox.row}: {name}: {first['msg'].removeprefix('Value error, ')}") from None


def _as_html(text: str) -> str:
    """A text as HTML that says it, line by line."""
    return "<br>\n".join(escape(line, quote=False) for line in text.strip().splitlines())
