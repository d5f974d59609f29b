"""Time zones are known by name before anything is sent, and near misses are named."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.tasks.kit.zones import WINDOWS, known_zone, moment_of, zone_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("W. Europe Standard Time", "W. Europe Standard Time"),
        (" w. europe standard time ", "W. Europe Standard Time"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("Central Standard Time (Mexico)", "Central Standard Time (Mexico)"),
    ],
)
def test_names_come_as_the_service_spells_them(text: str, name: str) -> None:
    assert known_zone(text) == name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("CET", "Central European Standard Time"),
        ("(UTC+01:00) Amsterdam", "Europe/Amsterdam"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("(UTC-03:00) Buenos Aires", "Buenos_Aires"),
        ("W. Europe Daylight Time", "W. Europe Standard Time"),
        ("W. Europe", "W. Europe Standard Time"),
        ("W Europe Standard Time", "W. Europe Standard Time"),
        ("Europe/Berln", "Europe/Berlin"),
        ("EST", "Eastern Standard Time"),
    ],
)
def test_near_misses_are_named(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone; did you mean ") as caught:
        known_zone(text)
    assert meant in str(caught.value)


@pytest.mark.parametrize("text", ["", "XYZ", "+01:00"])
def test_what_is_near_nothing_gets_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as W\. Europe Standard Time or Europe/Berlin"):
        known_zone(text)


@given(st.text(max_size=30) | st.sampled_from(sorted(WINDOWS | available_timezones())))
def test_a_name_is_taken_as_it_is_or_refused(text: str) -> None:
    name = spelled(text)
    if name:
        assert name.casefold() == text.strip().casefold()
        assert spelled(name) == name


def spelled(text: str) -> str:
    try:
        return known_zone(text)
    except ValueError:
        return ""


def test_every_windows_name_has_a_zone_but_the_customized_one() -> None:
    assert {name for name in WINDOWS if zone_of(name) is None} == {"Customized Time Zone"}
    assert zone_of(" w. europe standard time ") == zone_of("Europe/Berlin")
    for name in ("", "Mars Standard Time", "../etc/passwd", "x" * 300, "Europe"):
        assert zone_of(name) is None


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("2026-07-01T10:00:00.0000000", "W. Europe Standard Time", "2026-07-01T08:00:00+00:00"),
        ("2026-12-01T10:00", "W. Europe Standard Time", "2026-12-01T09:00:00+00:00"),
        ("2026-12-01T10:00Z", "", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01T10:00", "Mars Standard Time", ""),
        ("soon", "UTC", ""),
        ("0001-01-01T00:00:00", "Tokyo Standard Time", ""),
    ],
)
def test_a_moment_is_told_in_utc_or_not_at_all(text: str, zone: str, told: str) -> None:
    found = moment_of(text, zone)
    assert (found.isoformat() if found else "") == told
