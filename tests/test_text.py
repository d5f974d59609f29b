"""Texts: safe lines, durations both ways, and the nearest name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.text import LIMIT, duration, few, likeliest, nearest, one_line, seconds, size


@given(st.text(st.characters(), max_size=2000))
def test_one_line_is_one_short_line_without_control_marks(text: str) -> None:
    line = one_line(text)
    assert len(line) <= LIMIT
    assert line.splitlines() in ([], [line])
    assert not any(mark in line for mark in "\x1b\r\n\x00\x9b\u202e\u2066\u200f")


def test_a_short_text_stays_as_it_is() -> None:
    assert one_line("Gr\u00fc\u00dfe, \u65e5\u672c") == "Gr\u00fc\u00dfe, \u65e5\u672c"
    assert one_line("x" * (LIMIT + 1)) == "x" * (LIMIT - 1) + "\u2026"


@pytest.mark.parametrize(
    ("text", "number"),
    [("90", 90), ("150ms", 0.15), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1d 2h", 93600)],
)
def test_times(text: str, number: float) -> None:
    assert seconds(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "soon", "5 apples", "-5s", "h", "1h-30m", "1.5.2s", "5sx"])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="a time looks like"):
        seconds(text)


def test_the_nearest_name_or_all_of_them() -> None:
    assert likeliest("stalled", ["installed", "other"]) == "installed"
    assert likeliest("zzz", ["installed"]) == ""
    assert nearest("stalled", ["installed", "other"]) == "; did you mean installed?"
    assert nearest("zzz", ["a", "b"]) == "; there are a, b"
    assert nearest("zzz", ["a"]) == "; there is a"
    assert nearest("zzz", []) == "; there is none"


@given(st.integers(0, 10**7))
def test_a_duration_is_read_back_within_its_last_unit(whole: int) -> None:
    text = duration(whole).replace(" min", "m").replace(" h", "h").replace(" s", "s").replace(" ", "")
    assert 0 <= whole - seconds(text) < (60 if whole >= 3600 else 1)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.2 kB"), (999_600, "1 MB"), (20 * 10**9, "20 GB"),
        (3 * 10**16, "30000 TB"),
    ],
)  # fmt: skip
def test_bytes_for_people(number: int, said: str) -> None:
    assert size(number) == said


def test_a_list_for_a_line() -> None:
    assert few([], 2) == ""
    assert few(["a", "b"], 2) == "a, b"
    assert few(list("abcdef"), 2) == "a, b and 4 more"
