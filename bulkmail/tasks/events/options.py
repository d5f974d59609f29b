"""What a job may say of events: the one to be added, the campaign to be cancelled, the window to be reported. Sends
nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from bulkmail.task.declare import Options
from bulkmail.tasks.events.times import OWN, times, window, zone
from bulkmail.tasks.kit.template import checked, has_holes

LONGEST_REMINDER = 40_320
"""Minutes: four weeks, the longest that Outlook offers. learn.microsoft.com/graph/api/resources/event"""


def _text(value: Any) -> Any:
    """A date or moment as TOML has them, without quotes, as a text."""
    return value.isoformat() if isinstance(value, date) else value


Time: TypeAlias = Annotated[str, BeforeValidator(_text)]
Campaign: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


class EventsAddOptions(Options):
    """The event. Its texts and times may hold {Column}, a column of the mailbox's own row."""

    campaign: Campaign = Field(description="name of this event: under one name no mailbox gets it twice")
    subject: str = Field(min_length=1, description="subject")
    start: Time = Field(description="begin, such as 2026-12-24T14:00; a date where it lasts all day")
    end: Time = Field("", description="end; where it lasts all day the last day, or nothing for one day")
    all_day: bool = Field(default=False, description="whether it lasts all day")
    time_zone: str = Field(
        "UTC",
        description="zone of start and end, Windows or IANA name: one for all, {TimeZone}, or mailbox: each mailbox's "
        "own by its settings, which needs MailboxSettings.Read",
    )
    body: str | None = Field(None, description="text of the event")
    content: Literal["text", "html"] = Field("text", description="what the text is; cells are escaped in html")
    location: str | None = Field(None, description="place")
    show_as: Literal["free", "tentative", "busy", "oof", "workingElsewhere"] = Field(
        "busy", description="free, tentative, busy, oof or workingElsewhere"
    )
    reminder: int | None = Field(
        None, ge=0, le=LONGEST_REMINDER, description="minutes before it that a reminder comes; none without it"
    )
    categories: tuple[str, ...] = Field((), description="names of categories")

    def templates(self) -> Mapping[str, str]:
        """All texts and times."""
        return {name: text for name in TEXTS if isinstance(text := getattr(self, name), str)}

    def warnings(self) -> Sequence[str]:
        """An event of whole days without a word about their zone."""
        if not self.all_day or "time_zone" in self.model_fields_set:
            return ()
        return ("the event lasts all day in UTC: elsewhere its days begin at another hour. Say time_zone,",)

    @model_validator(mode="after")
    def _makes_sense(self) -> "EventsAddOptions":
        for name, text in self.templates().items():
            try:
                checked(text)
            except ValueError as error:
                raise ValueError(f"{name} {error}; write {{{{Name}}}} where braces are meant") from None
        if not has_holes(self.start + self.end):
            times(self.start, self.end, all_day=self.all_day)
        if self.time_zone != OWN and not has_holes(self.time_zone):
            try:
                zone(self.time_zone)
            except ValueError as error:
                raise ValueError(f"time_zone: {error}") from None
        return self


TEXTS = ("subject", "start", "end", "time_zone", "body", "location")
"""Options that may hold a column."""


class EventsCancelOptions(Options):
    """Which event."""

    campaign: Campaign = Field(description="name under which events.add has added it")


class EventsReportOptions(Options):
    """The window of time, and the zone in which its events are told."""

    start: Time = Field("today", description="date or moment, in UTC unless it has an offset; or today")
    end: Time = Field("", description="date (that day is in it) or moment; or days")
    days: int = Field(7, ge=1, le=1825, description="length of the window where there is no end")
    time_zone: str = Field("UTC", description="zone in which times are told: Windows or IANA name")

    @model_validator(mode="after")
    def _makes_sense(self) -> "EventsReportOptions":
        if self.start != TODAY:
            window(self.start, self.end, self.days)
        try:
            zone(self.time_zone)
        except ValueError as error:
            raise ValueError(f"time_zone: {error}") from None
        return self


TODAY = "today"
