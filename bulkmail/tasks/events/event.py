"""The event of one mailbox, made of the options and the mailbox's own row. Sends nothing.

It has no attendees, so that no one is invited and no mail goes out.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple, TypeVar

from bulkmail.errors import InputError
from bulkmail.model import Mailbox
from bulkmail.tasks.events.options import TEXTS, EventsAddOptions
from bulkmail.tasks.events.times import OWN, times, zone
from bulkmail.tasks.kit.keyed import Mark
from bulkmail.tasks.kit.template import fill

MARK = Mark("20840199-0bc0-4651-9974-058c50cad932", "EventKey")
T = TypeVar("T")


class Event(NamedTuple):
    """One event. `key` marks it in its mailbox; `zone` is OWN until the mailbox has been asked."""

    key: str
    transaction: str
    start: str
    end: str
    zone: str
    props: Mapping[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """What the ledger has of it."""
        return {
            "subject": self.props["subject"],
            "start": {"dateTime": self.start, "timeZone": self.zone},
            "end": {"dateTime": self.end, "timeZone": self.zone},
            "isAllDay": self.props["isAllDay"],
        }

    @property
    def body(self) -> dict[str, Any]:
        """As the service takes it."""
        return MARK.marked({**self.props, **self.summary, "transactionId": self.transaction}, self.key)


def event_for(mailbox: Mailbox, options: EventsAddOptions) -> Event:
    """The event of one mailbox. Raises InputError for a column that is not there, and for a cell that is not a time or
    a time zone."""
    texts = {name: _filled(name, mailbox, options) for name in TEXTS}
    start, end = _read(mailbox, lambda: times(texts["start"], texts["end"], all_day=options.all_day))
    own = options.time_zone == OWN
    return Event(
        key_of(options.campaign, mailbox),
        _digest(options.campaign, mailbox.address.casefold(), str(mailbox.row)),
        start,
        end,
        OWN if own else _read(mailbox, lambda: zone(texts["time_zone"]), "time_zone"),
        _props(texts, options),
    )


def key_of(campaign: str, mailbox: Mailbox) -> str:
    """What marks the event of a campaign in a mailbox, wherever that stands in the list."""
    return _digest(campaign, mailbox.address.casefold())


def again(key: str, event: str) -> str:
    """The transaction of an event that is made once more, after the one with this id was deleted."""
    return _digest(key, event)


def _props(texts: Mapping[str, str], options: EventsAddOptions) -> dict[str, Any]:
    """All but its times and its marks."""
    props: dict[str, Any] = {
        "subject": " ".join(texts["subject"].split()),
        "isAllDay": options.all_day,
        "showAs": options.show_as,
        "isReminderOn": options.reminder is not None,
        "reminderMinutesBeforeStart": options.reminder or 0,
        "responseRequested": False,
        "categories": list(options.categories),
    }
    if texts["body"]:
        props["body"] = {"contentType": options.content, "content": texts["body"]}
    if texts["location"]:
        props["location"] = {"displayName": texts["location"]}
    return props


def _filled(name: str, mailbox: Mailbox, options: EventsAddOptions) -> str:
    write = escape if name == "body" and options.content == "html" else str
    return fill(getattr(options, name) or "", mailbox, write)


def _read(mailbox: Mailbox, read: Callable[[], T], name: str = "") -> T:
    try:
        return read()
    except ValueError as error:
        said = f"{name}: {error}" if name else str(error)
        raise InputError(f"row {mailbox.row}: {said}") from None


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
