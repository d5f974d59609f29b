"""Reads texts of options into the form that the service writes, for pydantic, and shows its times as people write them.
A text with a placeholder is left as it is, and read when it has been filled in. Sends nothing.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from pydantic import BeforeValidator

from bulkmail.tasks.kit.template import has_holes

MOMENT_FORM = "%Y-%m-%dT%H:%M:%S.0000000"

WHOLE = ".0000000"
"""How the service ends nearly all of its times."""


def shown(time: str) -> str:
    """A time, or a date and a time, without the zeros at the end of its seconds: `07:00:00.0000000` is `07:00:00`.
    Spreadsheets do not take seven places for a time. Another text stays as it is."""
    if time.endswith(WHOLE):
        return time.removesuffix(WHOLE)
    seconds, _, places = time.rpartition(".")
    return f"{seconds}.{places.rstrip('0')}".rstrip(".") if seconds and places.isdecimal() else time


def written(read: Callable[[str], str]) -> BeforeValidator:
    """A text as `read` makes it, which raises ValueError for one that is not right."""

    def check(value: Any) -> Any:
        if isinstance(value, date | time):  # TOML has them without quotes
            value = value.isoformat()
        return read(value) if isinstance(value, str) and not has_holes(value) else value

    return BeforeValidator(check)


def one_of(*members: str) -> BeforeValidator:
    """One of these texts, in any case."""
    spelled = {member.casefold(): member for member in members}

    def read(text: str) -> str:
        if text.strip().casefold() not in spelled:
            raise ValueError(f"should be {', '.join(members[:-1])} or {members[-1]}")
        return spelled[text.strip().casefold()]

    return written(read)


def moment(text: str, zone: str) -> str:
    """A date and a time, without an offset: its zone is the option `zone`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("should be a date and a time, such as 2026-12-24T18:00") from None
    if found.tzinfo is not None:
        raise ValueError(f"should have no offset; its time zone is {zone}")
    return found.strftime(MOMENT_FORM)
