"""Series of events: the six patterns and three ranges that Graph documents, checked, and the days that they fall on."""

import calendar
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import count, islice, takewhile
from typing import Any

from bulkmail.sim.graph.call import Json, Refusal, bad_request

WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
INDEXES = ("first", "second", "third", "fourth", "last")
MOST = 10_000  # occurrences of one series that are told
NEEDED: Mapping[str, tuple[str, ...]] = {  # of each pattern
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}
BLANK: Json = {
    "interval": 1, "month": 0, "dayOfMonth": 0, "daysOfWeek": [], "firstDayOfWeek": "sunday", "index": "first",
}  # fmt: skip
BOUNDS = {"interval": (1, 999), "month": (0, 12), "dayOfMonth": (0, 31)}


def _unreadable(name: str) -> Refusal:
    return bad_request(f"The property '{name}' has a value that cannot be read.", "RequestBodyRead")


def checked(value: Any) -> Json | None:
    """A recurrence with every member that the service gives back; None for none. Raises Refusal."""
    if not value:
        return None
    if not value.keys() <= {"pattern", "range"} or not all(isinstance(part, dict) for part in value.values()):
        raise _unreadable("recurrence")
    if len(value) < 2:
        raise bad_request("A recurrence needs a pattern and a range.", "ErrorInvalidRequest")
    return {"pattern": _pattern(value["pattern"]), "range": _range(value["range"])}


def _pattern(value: Json) -> Json:
    if value.get("type") not in NEEDED or not value.keys() <= BLANK.keys() | {"type"}:
        raise _unreadable("pattern")
    pattern: Json = BLANK | value
    for name, (least, most) in BOUNDS.items():
        if type(pattern[name]) is not int or not least <= pattern[name] <= most:
            raise _unreadable(name)
    names = pattern["daysOfWeek"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name.lower() in WEEK for name in names):
        raise _unreadable("daysOfWeek")
    if pattern["index"] not in INDEXES or str(pattern["firstDayOfWeek"]).lower() not in WEEK:
        raise _unreadable("index")
    if not all(pattern[name] for name in NEEDED[pattern["type"]]):
        raise bad_request("The recurrence pattern lacks a member that its type needs.", "ErrorInvalidRequest")
    return pattern | {"daysOfWeek": [name.lower() for name in names]}


def _range(value: Json) -> Json:
    blank = {"endDate": "0001-01-01", "recurrenceTimeZone": "UTC", "numberOfOccurrences": 0}
    if value.get("type") not in {"endDate", "noEnd", "numbered"} or not value.keys() <= {"type", "startDate", *blank}:
        raise _unreadable("range")
    found: Json = blank | {name: inner for name, inner in value.items() if inner is not None}
    for name in ("startDate", "endDate"):
        try:
            date.fromisoformat(found.get(name, ""))
        except (ValueError, TypeError):
            raise _unreadable(name) from None
    many = found["numberOfOccurrences"]
    if type(many) is not int or not 0 <= many < MOST:
        raise _unreadable("numberOfOccurrences")
    empty = (found["type"] == "endDate" and found["endDate"] < found["startDate"]) or (
        found["type"] == "numbered" and many < 1
    )
    if empty:
        raise bad_request("The recurrence has no occurrence.", "ErrorRecurrenceHasNoOccurrence")
    return found


def days(recurrence: Json, until: date) -> Iterator[date]:
    """The days of a series from its first to `until`, in order."""
    pattern, span = recurrence["pattern"], recurrence["range"]
    start = date.fromisoformat(span["startDate"])
    last = min(until, date.fromisoformat(span["endDate"])) if span["type"] == "endDate" else until
    many = span["numberOfOccurrences"] if span["type"] == "numbered" else MOST
    found = (day for day in PATTERNS[pattern["type"]](pattern, start) if day >= start)
    return islice(takewhile(lambda day: day <= last, found), many)


def _daily(pattern: Json, start: date) -> Iterator[date]:
    for number in range(0, (date.max - start).days, pattern["interval"]):
        yield start + timedelta(days=number)


def _weekly(pattern: Json, start: date) -> Iterator[date]:
    first = WEEK.index(pattern["firstDayOfWeek"].lower())
    offsets = sorted((WEEK.index(name) - first) % 7 for name in pattern["daysOfWeek"])
    begin = start.toordinal() - (start.isoweekday() - first) % 7  # of the week that the start is in
    for week in range(begin, date.max.toordinal() - 7, 7 * pattern["interval"]):
        yield from (date.fromordinal(week + offset) for offset in offsets if week + offset > 0)


def _months(start: date, step: int, month: int = 0) -> Iterator[tuple[int, int]]:
    """Years and months from the start on; with `month`, that month of every `step`-th year."""
    if month:
        for year in range(start.year, date.max.year, step):
            yield year, month
        return
    for number in count(start.year * 12 + start.month - 1, step):
        if number // 12 >= date.max.year:
            return
        yield number // 12, number % 12 + 1


def _absolute(pattern: Json, start: date) -> Iterator[date]:
    """On one day of the month, or on the last one of a month that is shorter."""
    month = pattern["month"] if pattern["type"].endswith("Yearly") else 0
    for year, number in _months(start, pattern["interval"], month):
        yield date(year, number, min(pattern["dayOfMonth"], calendar.monthrange(year, number)[1]))


def _relative(pattern: Json, start: date) -> Iterator[date]:
    """On the first, second, third, fourth or last of these days of the week in a month."""
    month = pattern["month"] if pattern["type"].endswith("Yearly") else 0
    wanted, index = set(pattern["daysOfWeek"]), INDEXES.index(pattern["index"])
    for year, number in _months(start, pattern["interval"], month):
        every = [date(year, number, day) for day in range(1, calendar.monthrange(year, number)[1] + 1)]
        fitting = [day for day in every if WEEK[day.isoweekday() % 7] in wanted]
        yield fitting[-1] if index == 4 else fitting[index]


PATTERNS: Mapping[str, Callable[[Json, date], Iterator[date]]] = {
    "daily": _daily,
    "weekly": _weekly,
    "absoluteMonthly": _absolute,
    "relativeMonthly": _relative,
    "absoluteYearly": _absolute,
    "relativeYearly": _relative,
}
