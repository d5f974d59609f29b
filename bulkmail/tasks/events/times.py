"""When an event begins and ends, out of what a job says, in the form that the service takes. Sends nothing."""

from datetime import datetime, timedelta

from bulkmail.tasks.kit.forms import MOMENT_FORM, moment
from bulkmail.tasks.kit.zones import known_zone

OWN = "mailbox"
"""In place of a zone: that of the mailbox's own settings."""

CUSTOM = "Customized Time Zone"
DAY = len("2026-12-24")


def zone(text: str) -> str:
    """A time zone as the service spells it. Raises ValueError."""
    found = known_zone(text) if text.strip() else ""
    if found in ("", CUSTOM):
        raise ValueError("should be a time zone, such as W. Europe Standard Time or Europe/Berlin")
    return found


def times(start: str, end: str, *, all_day: bool) -> tuple[str, str]:
    """Start and end as the service takes them: of an event that lasts all day both are midnights, the end the one that
    follows the last day. Raises ValueError that says which of them is wrong."""
    if all_day:
        begin = _day("start", start)
        until = begin + timedelta(days=1) if not end else _day("end", end) + timedelta(days=len(end.strip()) == DAY)
        found = begin.strftime(MOMENT_FORM), until.strftime(MOMENT_FORM)
    else:
        found = _moment("start", start), _moment("end", end)
    if found[1] <= found[0]:
        raise ValueError("end should be after start")
    return found


def _day(name: str, text: str) -> datetime:
    """Midnight of a day; a date is that day, and a moment has to be midnight already."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name} should be a date, such as 2026-12-24") from None
    if found.tzinfo is not None or found.time() != found.min.time():
        raise ValueError(f"{name} should be a date or a midnight without an offset, because all_day is true")
    return found


def _moment(name: str, text: str) -> str:
    if not text:
        raise ValueError(f"{name} is missing")
    if len(text.strip()) == DAY:
        raise ValueError(f"{name} should have a time of day; or say all_day = true")
    try:
        return moment(text.strip(), "time_zone")
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def window(start: str, end: str, days: int) -> tuple[str, str]:
    """The ends of a window in UTC. A date is its midnight, and as an end the midnight that follows it; `days` count
    from the start. Raises ValueError."""
    begin = _instant("start", start)
    until = _instant("end", end) + timedelta(days=len(end.strip()) == DAY) if end else begin + timedelta(days=days)
    if until <= begin:
        raise ValueError("end should be after start")
    return tuple(f"{one.isoformat(timespec='seconds')}Z" for one in (begin, until))  # type: ignore[return-value]


def _instant(name: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"{name} should be a date or a moment, such as 2026-12-24T18:00+01:00") from None
    return found if found.tzinfo is None else (found - (found.utcoffset() or timedelta())).replace(tzinfo=None)
