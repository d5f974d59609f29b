"""Retry-After as it is really sent: read generously, obeyed in full."""

import math
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.core import retryafter

NOW = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10", 10.0),
        ("2.128", 2.128),  # Microsoft's own sample
        (" 7 ", 7.0),
        ("7200", 7200.0),  # hours long, kept in full
        ("0", 0.0),
        ("-5", 0.0),
        ("10,10", 10.0),  # a header that was repeated on its way
        ("10, 20", 20.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Thursday, 01-Jan-26 00:00:30 GMT", 30.0),  # RFC 850
        ("Thu Jan  1 00:00:30 2026", 30.0),  # asctime
        ("Wed, 31 Dec 2025 23:00:00 GMT", 0.0),  # gone by
    ],
)
def test_what_is_sent_is_read(value: str, seconds: float) -> None:
    assert retryafter.parse({"retry-after": value}, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["", " ", "abc", "NaN", "inf", "1e9", "\u0661\u0660", "0x10", "1_000", "10 seconds", "10,,20", "10;20", ".", "--1"],
)
def test_garbage_counts_as_absent(value: str) -> None:
    assert retryafter.parse({"retry-after": value}, NOW) is None


def test_no_header_is_none() -> None:
    assert retryafter.parse({"date": formatdate(NOW, usegmt=True)}, NOW) is None


def test_a_date_counts_from_the_servers_own_clock() -> None:
    headers = {"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "date": "Thu, 01 Jan 2026 00:00:10 GMT"}
    assert retryafter.parse(headers, NOW + 3600) == 20.0


def test_a_date_of_another_zone_is_the_instant_that_it_names() -> None:
    assert retryafter.parse({"retry-after": "Thu, 01 Jan 2026 02:00:30 +0200"}, NOW) == 30.0


def test_an_unreadable_date_header_falls_back_on_our_clock() -> None:
    headers = {"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "date": "today"}
    assert retryafter.parse(headers, NOW) == 30.0


@given(st.text(), st.text(), st.floats(0, 4e9))
def test_no_text_makes_it_raise_or_go_back_in_time(value: str, date: str, now: float) -> None:
    seconds = retryafter.parse({"retry-after": value, "date": date}, now)
    assert seconds is None or 0 <= seconds < math.inf


DATES = st.from_regex(
    r"([A-Z][a-z]{2}, )?[0-9]{1,3} (Jan|Feb|Dec) [0-9]{1,6} [0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3} (GMT|[+-][0-9]{3,7})",
    fullmatch=True,
)


@given(DATES, DATES)
def test_no_date_makes_it_raise_or_go_back_in_time(value: str, date: str) -> None:
    seconds = retryafter.parse({"retry-after": value, "date": date}, NOW)
    assert seconds is None or 0 <= seconds < math.inf


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=4))
def test_the_longest_of_several_holds(figures: list[int]) -> None:
    assert retryafter.parse({"retry-after": ", ".join(map(str, figures))}, NOW) == max(figures)


@given(st.integers(0, 10**7), st.integers(-(10**7), 10**7))
def test_a_date_says_the_same_under_every_skew(wait: int, skew: int) -> None:
    server = NOW + skew
    headers = {"retry-after": formatdate(server + wait, usegmt=True), "date": formatdate(server, usegmt=True)}
    assert retryafter.parse(headers, NOW) == wait


@given(st.floats(0, 1e8), st.floats(0, 1, exclude_max=True))
def test_obeying_is_never_early_and_a_little_late_at_most(seconds: float, jitter: float) -> None:
    wait = retryafter.obey(seconds, jitter)
    assert seconds <= wait <= math.ceil(seconds) + min(0.1 * math.ceil(seconds), 3.0)


@pytest.mark.parametrize(("told", "latest"), [(1, 1.1), (5, 5.5), (30, 33), (31, 34), (3600, 3603)])
def test_those_who_were_told_the_same_come_back_one_by_one(told: float, latest: float) -> None:
    waits = [retryafter.obey(told, number / 1000) for number in range(1000)]
    assert waits == sorted(set(waits))
    assert waits[0] == told
    assert waits[-1] == pytest.approx(latest, abs=0.01)
