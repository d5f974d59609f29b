"""Times as they are shown."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.tasks.kit.forms import shown


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("07:00:00.0000000", "07:00:00"),
        ("07:00:00.000", "07:00:00"),
        ("07:00:00.1200000", "07:00:00.12"),
        ("2026-12-24T18:00:00.0000000", "2026-12-24T18:00:00"),
        ("07:00:00", "07:00:00"),
        ("07:00", "07:00"),
        ("", ""),
        ("soon", "soon"),
        ("10.30 o'clock", "10.30 o'clock"),
    ],
)
def test_a_time_without_needless_zeros(written: str, expected: str) -> None:
    assert shown(written) == expected


@given(moment=st.times(), zeros=st.integers(0, 1))
def test_it_is_the_same_time(moment: time, zeros: int) -> None:
    written = f"{moment:%H:%M:%S.%f}" + "0" * zeros
    assert time.fromisoformat(shown(written).ljust(15, "0") if "." in shown(written) else shown(written)) == moment


@given(text=st.text(max_size=20))
def test_what_is_shown_is_shown_the_same_again(text: str) -> None:
    assert shown(shown(text)) == shown(text)
