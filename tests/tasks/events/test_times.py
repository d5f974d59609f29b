"""Whatever days a job names, an event of whole days has midnights, and its last day is in it."""

from contextlib import suppress
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.tasks.events.times import times, window, zone

DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))


@given(DAYS, st.integers(0, 400))
def test_days_are_all_in_it(first: date, more: int) -> None:
    last = first + timedelta(days=more)
    start, end = times(first.isoformat(), last.isoformat(), all_day=True)
    assert start == f"{first}T00:00:00.0000000"
    assert end == f"{last + timedelta(days=1)}T00:00:00.0000000"
    assert times(start[:16], end[:16], all_day=True) == (start, end), "midnights are taken as they are"
    assert (start, end) == times(first.isoformat(), "", all_day=True) or more


@given(DAYS, st.integers(-3, 3))
def test_an_end_that_is_not_after_the_start_is_refused(day: date, hours: int) -> None:
    begin = datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 - the zone is beside it
    until = begin + timedelta(hours=hours)
    if hours > 0:
        assert times(begin.isoformat(), until.isoformat(), all_day=False)[1].startswith(until.isoformat())
        assert window(begin.isoformat(), until.isoformat(), 1)
        return
    with pytest.raises(ValueError, match="end should be after start"):
        times(begin.isoformat(), until.isoformat(), all_day=False)
    with pytest.raises(ValueError, match="end should be after start"):
        window(begin.isoformat(), until.isoformat(), 1)


@given(st.text(max_size=12))
def test_a_text_is_a_zone_and_a_day_or_refused(text: str) -> None:
    """With ValueError and nothing else."""
    with suppress(ValueError):
        assert zone(text).casefold() == text.strip().casefold()
    with suppress(ValueError):
        assert times(text, text, all_day=True)[0] < times(text, text, all_day=True)[1]
    with suppress(ValueError):
        assert window(text, "", 1)[0].endswith("Z")
